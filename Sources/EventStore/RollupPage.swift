import EventModel

/// Counts by tenant, hour of event time and combination of kind, action and outcome, as sorted keys.
///
/// | bits | holds |
/// |---|---|
/// | 19 | tenant's number; ``allTenants`` for the sum over all |
/// | 27 | hour since 0001-01-01 |
/// | 18 | number of the combination in the partition's dictionary |
package enum RollupKey {
    package static let allTenants: UInt32 = 1 << 18
    static let combinationBits: UInt64 = 18
    static let largestCombination = (1 << 18) - 1
    static let hourBits: UInt64 = 27
    static let hourMask: UInt64 = (1 << hourBits) - 1
    private static let firstHour = Timestamp.earliest / 3_600_000

    @inline(__always)
    package static func make(tenant: UInt32, hour: Int64, combination: UInt32) -> UInt64 {
        UInt64(tenant) << (hourBits + combinationBits) | UInt64(hour - firstHour) << combinationBits | UInt64(combination)
    }

    package static func tenant(_ key: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: key >> (hourBits + combinationBits)) }
    package static func hour(_ key: UInt64) -> Int64 { Int64(key >> combinationBits & ((1 << hourBits) - 1)) + firstHour }
    package static func combination(_ key: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: key & ((1 << combinationBits) - 1)) }
    /// Tenant and hour, the part that a page's row key holds; 46 bits.
    package static func pageKey(_ key: UInt64) -> UInt64 { key >> combinationBits }
}

/// Pages of sorted rows. Most hold one event, so a row is bits and takes ten of them where varints took 26.
///
/// | bits | holds |
/// |---|---|
/// | 24 | number of rows |
/// | 8 | width of a combination's number |
/// | then for each row | gamma(distance of the tenant + 1); the hour, gamma(distance + 1) within a tenant and 27 bits for the first of another; the combination; gamma(count) |
///
/// Distances are from the row before, those of the first row from the tenant and hour in the row's key. Pages end only
/// where tenant or hour change, so that row keys differ.
package enum RollupPage {
    static let targetBytes = 4000

    package static func pages(_ rows: [(key: UInt64, count: UInt64)]) -> [(first: UInt64, body: [UInt8])] {
        let width = 32 - rows.reduce(0) { max($0, RollupKey.combination($1.key)) }.leadingZeroBitCount
        var pages: [(first: UInt64, body: [UInt8])] = []
        var bits = BitWriter()
        var first: UInt64 = 0
        var last: UInt64 = 0
        var rowCount = 0
        func finish() {
            guard rowCount > 0 else { return }
            bits.finish()
            var body = bits.bytes
            for byte in 0..<3 { body[byte] = UInt8(truncatingIfNeeded: rowCount >> (byte * 8)) }
            pages.append((first, body))
        }
        for (key, count) in rows {
            let pageKey = RollupKey.pageKey(key)
            if rowCount == 0 || (bits.bitCount >= targetBytes * 8 && pageKey != last) {
                finish()
                bits.removeAll()
                bits.write(UInt64(width) << 24, 32)
                rowCount = 0
                first = pageKey
                last = pageKey
            }
            let tenants = pageKey >> RollupKey.hourBits - last >> RollupKey.hourBits
            bits.gamma(tenants + 1)
            if tenants == 0 {
                bits.gamma(pageKey - last + 1)
            } else {
                bits.write(pageKey & RollupKey.hourMask, Int(RollupKey.hourBits))
            }
            bits.write(UInt64(RollupKey.combination(key)), width)
            bits.gamma(min(count, largestCount))
            last = pageKey
            rowCount += 1
        }
        finish()
        return pages
    }

    /// ``BitReader/gamma()`` reads no more; nobody counts as many events in an hour.
    private static let largestCount: UInt64 = (1 << 40) - 1

    package static func read(first: UInt64, body: UnsafeRawBufferPointer, _ take: (UInt64, UInt64) -> Void) {
        guard body.count > 4, body[3] <= RollupKey.combinationBits else { return }
        let width = Int(body[3])
        var bits = BitReader(UnsafeRawBufferPointer(rebasing: body[4...]))
        var pageKey = first
        for _ in 0..<(Int(body[0]) | Int(body[1]) << 8 | Int(body[2]) << 16) {
            let tenants = bits.gamma() &- 1
            if tenants == 0 {
                pageKey = pageKey &+ bits.gamma() &- 1
            } else {
                pageKey = (pageKey >> RollupKey.hourBits &+ tenants) << RollupKey.hourBits | bits.read(Int(RollupKey.hourBits))
            }
            let combination = bits.read(width)
            take(pageKey << RollupKey.combinationBits | combination, bits.gamma())
        }
    }
}
