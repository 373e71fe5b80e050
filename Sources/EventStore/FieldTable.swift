import EventModel

/// Which places of an event get terms beyond their words. A place is a root field or a field of an object in the root.
///
/// Keys are told apart by their first eight bytes and their length, which is exact for the canonical fields; free
/// names (below `details`, `labels`, `unmapped`) hang under roots that are not listed here.
struct FieldTable {
    struct Place {
        /// 0 for every place that is not listed.
        var number: UInt8 = 0
        /// A `field=value` term, so that a filter on a common word meets only its own field.
        var hasFieldTerm = false
        /// A term of the whole value where it has several words: names and e-mails. See ``Words/holdsTellingWord(_:)``.
        var hasValueTerm = false
        var isSkipped = false
        /// Kind, action, outcome: what rollups count by.
        var isCounted = false
    }

    static let fieldTermPaths: [[String]] = [
        ["kind"], ["type"], ["action"], ["outcome"], ["severity"], ["category"], ["area"], ["portal"], ["brand"], ["reason"],
        ["operation"], ["retry_state"], ["status_code"], ["failure", "class"], ["failure", "status_code"],
    ]

    static let valueTermPaths: [[String]] = [
        ["actor", "id"], ["actor", "name"], ["actor", "email"], ["target", "id"], ["target", "name"], ["webhook", "name"],
        ["integration", "name"],
    ]

    static let countedPaths: [[String]] = [["kind"], ["action"], ["outcome"]]

    /// Times are found by the blocks' ranges, `original_id` by its identity.
    private static let skippedPaths: [[String]] = [["time"], ["original_id"]]

    private struct Slot {
        var hash: UInt64
        var place: Place
    }

    private let slots: UnsafeMutablePointer<Slot>
    private static let slotCount = 256

    /// One for ever: the table is constant.
    nonisolated(unsafe) static let shared = FieldTable()

    private init() {
        slots = .allocate(capacity: Self.slotCount)
        slots.initialize(repeating: Slot(hash: 0, place: Place()), count: Self.slotCount)
        var number: UInt8 = 0
        func add(_ path: [String], _ change: (inout Place) -> Void) {
            let hash = Self.hash(path)
            var slot = Int(hash >> 56)
            while slots[slot].hash != 0, slots[slot].hash != hash { slot = (slot + 1) & (Self.slotCount - 1) }
            if slots[slot].hash == 0 {
                number += 1
                slots[slot] = Slot(hash: hash, place: Place(number: number))
            }
            change(&slots[slot].place)
        }
        for path in Self.fieldTermPaths { add(path) { $0.hasFieldTerm = true } }
        for path in Self.valueTermPaths { add(path) { $0.hasValueTerm = true } }
        for path in Self.countedPaths { add(path) { $0.isCounted = true } }
        for path in Self.skippedPaths { add(path) { $0.isSkipped = true } }
    }

    @inline(__always)
    func place(_ hash: UInt64) -> Place {
        var slot = Int(hash >> 56)
        while true {
            let entry = slots[slot]
            if entry.hash == hash { return entry.place }
            if entry.hash == 0 { return Place() }
            slot = (slot + 1) & (Self.slotCount - 1)
        }
    }

    func place(_ path: [String]) -> Place { place(Self.hash(path)) }

    @inline(__always)
    static func hash(root: UnsafeRawBufferPointer) -> UInt64 {
        (keyWord(root) ^ UInt64(root.count) << 56) &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    @inline(__always)
    static func hash(root: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) -> UInt64 {
        (hash(root: root) ^ keyWord(key) ^ UInt64(key.count) << 56) &* 0xE703_7ED1_A0B4_28DB | 1
    }

    private static func hash(_ path: [String]) -> UInt64 {
        var (root, key) = (path[0], path.count > 1 ? path[1] : "")
        return root.withUTF8 { root in
            path.count == 1
                ? hash(root: UnsafeRawBufferPointer(root))
                : key.withUTF8 { hash(root: UnsafeRawBufferPointer(root), key: UnsafeRawBufferPointer($0)) }
        }
    }

    /// Up to eight bytes, read within the key.
    @inline(__always)
    private static func keyWord(_ key: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = key.baseAddress else { return 0 }
        if key.count >= 8 { return base.loadUnaligned(as: UInt64.self) }
        if key.count >= 4 {
            let low = UInt64(base.loadUnaligned(as: UInt32.self))
            return low | UInt64((base + key.count - 4).loadUnaligned(as: UInt32.self)) << 32
        }
        if key.count == 0 { return 0 }
        return UInt64(key[0]) | UInt64(key[key.count / 2]) << 8 | UInt64(key[key.count - 1]) << 16
    }
}
