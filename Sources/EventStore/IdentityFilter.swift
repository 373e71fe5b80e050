/// A blocked Bloom filter (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters"): a key is eight
/// bits in one cache line, so a question costs one cache miss. With 16 bits of room a key it lets one foreign key in a
/// thousand through, with 24 one in twenty thousand.
struct BlockedBloom: ~Copyable {
    private let words: UnsafeMutablePointer<UInt64>
    private let lineMask: UInt64
    let byteCount: Int

    /// `byteCount` is a power of two, at least 64.
    init(byteCount: Int) {
        precondition(byteCount >= 64 && byteCount & (byteCount - 1) == 0)
        self.byteCount = byteCount
        lineMask = UInt64(byteCount / 64 - 1)
        words = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64).bindMemory(to: UInt64.self, capacity: byteCount / 8)
        words.initialize(repeating: 0, count: byteCount / 8)
    }

    deinit { words.deallocate() }

    @inline(__always)
    static func mix(_ key: UInt64) -> UInt64 {
        let product = (key ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }

    /// One bit in each of the line's eight words, from six bits of `hash` each.
    @inline(__always)
    private static func bit(_ hash: UInt64, _ word: Int) -> UInt64 {
        1 << (((hash &* 0x9FB2_1C65_1E98_DF25) >> UInt64(16 + word * 6)) & 63)
    }

    @inline(__always)
    func contains(_ hash: UInt64) -> Bool {
        let line = words + Int(hash & lineMask) * 8
        var missing: UInt64 = 0
        for word in 0..<8 {
            let bit = Self.bit(hash >> 24, word)
            missing |= ~line[word] & bit
        }
        return missing == 0
    }

    @inline(__always)
    func insert(_ hash: UInt64) {
        let line = words + Int(hash & lineMask) * 8
        for word in 0..<8 { line[word] |= Self.bit(hash >> 24, word) }
    }
}

/// Which identities may have been seen: a chain of filters, each larger than the one before, up to a size; each knows
/// the received-days it spans and is dropped as a whole when they leave the window or memory is short.
struct IdentityFilter: ~Copyable {
    private final class Link {
        let bloom: BlockedBloom
        /// Of keys.
        let capacity: Int
        var count = 0
        var firstDay: Int64
        var lastDay: Int64

        init(byteCount: Int, bitsPerKey: Int, day: Int64) {
            bloom = BlockedBloom(byteCount: byteCount)
            capacity = byteCount * 8 / bitsPerKey
            firstDay = day
            lastDay = day
        }
    }

    private var links: [Link] = []
    private let largestBytes: Int
    private let windowDays: Int64
    private(set) var dropped = 0
    private(set) var byteCount = 0

    /// 128 KiB at first; four times as much each; 16 MiB at most, so that one can go without forgetting a week.
    private static let firstBytes = 128 << 10
    private static let largestBytes = 16 << 20
    /// Every new key is asked of every link, and each that errs sends it to the term runs, which cost a hundred times a
    /// probe. So the small links, which are full for most of the time, are the exact ones, and the large ones, where
    /// memory counts, are mostly filling.
    private static let bitsPerKey = (small: 24, largest: 16)

    init(largestBytes: Int, windowDays: Int64) {
        self.largestBytes = largestBytes
        self.windowDays = windowDays
    }

    /// The indices of `terms` that may have been inserted, ascending. One filter after the other, so that the probes of
    /// different terms wait for memory at the same time.
    func suspects(_ terms: [UInt64]) -> [Int] {
        var found: [Int] = []
        for link in links {
            let known = found.count
            for index in terms.indices where link.bloom.contains(BlockedBloom.mix(terms[index])) { found.append(index) }
            if known > 0, found.count > known { found = Set(found).sorted() }
        }
        return found
    }

    /// The days whose partitions may hold `term`; `nil` when surely none.
    @inline(__always)
    func days(of term: UInt64) -> ClosedRange<Int64>? {
        let hash = BlockedBloom.mix(term)
        var found: ClosedRange<Int64>?
        for link in links where link.bloom.contains(hash) {
            found = min(found?.lowerBound ?? .max, link.firstDay)...max(found?.upperBound ?? .min, link.lastDay)
        }
        return found
    }

    mutating func insert(_ terms: [UInt64], day: Int64) {
        var done = 0
        while done < terms.count {
            if links.last.map({ $0.count == $0.capacity }) ?? true { addLink(day) }
            let last = links[links.count - 1]
            if day > last.lastDay { last.lastDay = day }
            if day < last.firstDay { last.firstDay = day }
            let taken = done..<min(terms.count, done + last.capacity - last.count)
            for index in taken { last.bloom.insert(BlockedBloom.mix(terms[index])) }
            last.count += taken.count
            done = taken.upperBound
        }
    }

    @inline(never)
    private mutating func addLink(_ day: Int64) {
        forget(before: day - windowDays)
        let bytes = min((links.last?.bloom.byteCount ?? Self.firstBytes / 4) * 4, Self.largestBytes)
        let link = Link(byteCount: bytes, bitsPerKey: bytes < Self.largestBytes ? Self.bitsPerKey.small : Self.bitsPerKey.largest, day: day)
        links.append(link)
        byteCount += link.bloom.byteCount
        while byteCount > largestBytes, links.count > 1 {
            byteCount -= links.removeFirst().bloom.byteCount
            dropped += 1
        }
    }

    private mutating func forget(before day: Int64) {
        for link in links where link.lastDay < day { byteCount -= link.bloom.byteCount }
        links.removeAll { $0.lastDay < day }
    }
}

/// Exact identities of the events in the window: open addressing, at most half full, removal by shifting back
/// (Knuth, volume 3, algorithm 6.4R).
struct IdentityTable: ~Copyable {
    struct Entry {
        /// 0 where the slot is empty.
        var identity: UInt64 = 0
        /// Tells where in the window it lies, by binary search.
        var position: UInt64 = 0
        var tenant: UInt32 = 0
    }

    private var slots: UnsafeMutablePointer<Entry>
    private var mask: Int
    private(set) var count = 0

    init() {
        mask = (1 << 12) - 1
        slots = .allocate(capacity: mask + 1)
        slots.initialize(repeating: Entry(), count: mask + 1)
    }

    deinit { slots.deallocate() }

    @inline(__always)
    private func home(_ identity: UInt64) -> Int { Int(truncatingIfNeeded: identity >> 8) & mask }

    func find(_ identity: UInt64, tenant: UInt32) -> Entry? {
        var slot = home(identity)
        while slots[slot].identity != 0 {
            if slots[slot].identity == identity, slots[slot].tenant == tenant { return slots[slot] }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The first one stays when two of a tenant have the same identity.
    mutating func insert(_ entry: Entry) {
        var slot = home(entry.identity)
        while slots[slot].identity != 0 {
            if slots[slot].identity == entry.identity, slots[slot].tenant == entry.tenant { return }
            slot = (slot + 1) & mask
        }
        slots[slot] = entry
        count += 1
        if count * 2 > mask { grow() }
    }

    mutating func remove(_ identity: UInt64, tenant: UInt32) {
        var hole = home(identity)
        while slots[hole].identity != identity || slots[hole].tenant != tenant {
            if slots[hole].identity == 0 { return }
            hole = (hole + 1) & mask
        }
        count -= 1
        var slot = hole
        while true {
            slots[hole] = Entry()
            while true {
                slot = (slot + 1) & mask
                if slots[slot].identity == 0 { return }
                let wanted = home(slots[slot].identity)
                // Stays when its home lies cyclically between the hole and itself.
                if hole <= slot ? (hole < wanted && wanted <= slot) : (hole < wanted || wanted <= slot) { continue }
                break
            }
            slots[hole] = slots[slot]
            hole = slot
        }
    }

    private mutating func grow() {
        let old = UnsafeMutableBufferPointer(start: slots, count: mask + 1)
        mask = mask * 2 + 1
        slots = .allocate(capacity: mask + 1)
        slots.initialize(repeating: Entry(), count: mask + 1)
        for entry in old where entry.identity != 0 {
            var slot = home(entry.identity)
            while slots[slot].identity != 0 { slot = (slot + 1) & mask }
            slots[slot] = entry
        }
        old.deallocate()
    }
}
