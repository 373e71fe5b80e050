import EventModel

/// Counts by tenant, hour of event time and combination of kind, action and outcome, as sorted keys.
///
/// | bits | holds |
/// |---|---|
/// | 19 | tenant's number; ``allTenants`` for the sum over all |
/// | 27 | hour since 0001-01-01 |
/// | 18 | number of the combination in the partition's dictionary |
enum RollupKey {
    static let allTenants: UInt32 = 1 << 18
    static let combinationBits: UInt64 = 18
    static let largestCombination = (1 << 18) - 1
    private static let hourBits: UInt64 = 27
    private static let firstHour = Timestamp.earliest / 3_600_000

    @inline(__always)
    static func make(tenant: UInt32, hour: Int64, combination: UInt32) -> UInt64 {
        UInt64(tenant) << (hourBits + combinationBits) | UInt64(hour - firstHour) << combinationBits | UInt64(combination)
    }

    static func tenant(_ key: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: key >> (hourBits + combinationBits)) }
    static func hour(_ key: UInt64) -> Int64 { Int64(key >> combinationBits & ((1 << hourBits) - 1)) + firstHour }
    static func combination(_ key: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: key & ((1 << combinationBits) - 1)) }
    /// Tenant and hour, the part that a page's row key holds; 46 bits.
    static func pageKey(_ key: UInt64) -> UInt64 { key >> combinationBits }
}

/// A page is varints: distance of the key from the one before (the first one from its tenant and hour with
/// combination 0), then the count. Pages end only where tenant or hour change, so that row keys differ.
enum RollupPage {
    static let targetBytes = 4000

    static func pages(_ rows: some Sequence<(key: UInt64, count: UInt64)>) -> [(first: UInt64, body: [UInt8])] {
        var pages: [(first: UInt64, body: [UInt8])] = []
        var body: [UInt8] = []
        var first: UInt64 = 0
        var last: UInt64 = 0
        for (key, count) in rows {
            if body.isEmpty || (body.count >= targetBytes && RollupKey.pageKey(key) != RollupKey.pageKey(last)) {
                if !body.isEmpty { pages.append((first, body)) }
                body.removeAll(keepingCapacity: true)
                first = RollupKey.pageKey(key)
                last = first << RollupKey.combinationBits
            }
            appendVarint(key - last, &body)
            appendVarint(count, &body)
            last = key
        }
        if !body.isEmpty { pages.append((first, body)) }
        return pages
    }

    static func read(first: UInt64, body: UnsafeRawBufferPointer, _ take: (UInt64, UInt64) -> Void) {
        var key = first << RollupKey.combinationBits
        var at = 0
        while at < body.count {
            key = key &+ readVarint(body, &at)
            take(key, readVarint(body, &at))
        }
    }

    private static func appendVarint(_ value: UInt64, _ body: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            body.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        body.append(UInt8(truncatingIfNeeded: value))
    }

    private static func readVarint(_ body: UnsafeRawBufferPointer, _ at: inout Int) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < body.count, shift < 64 {
            let byte = body[at]
            at += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        return value
    }
}
