import EventModel

/// Sums events of one pack by tenant, hour and combination, and keeps the partition's dictionary of combinations.
package struct RollupCollector {
    package struct Combination: Hashable {
        package var kind: String
        package var action: String
        package var outcome: String
    }

    private var counts = SumTable()
    private var numbers: [Combination: UInt32] = [:]
    /// Combinations by a hash of their three values as they are written, to meet the dictionary of strings rarely.
    private var known = SumTable()
    /// Not yet in the partition.
    package private(set) var added: [(number: UInt32, combination: Combination)] = []

    /// Begins with the dictionary of a partition.
    package init(combinations: [(number: UInt32, combination: Combination)]) {
        for (number, combination) in combinations { numbers[combination] = number }
    }

    /// `hash`: of the event's combination; `read` reads that from its line, once a hash.
    @inline(__always)
    package mutating func count(tenant: UInt32, time: Int64, combination hash: UInt64, _ read: () -> Combination) {
        let hour = time >= 0 ? time / 3_600_000 : (time - 3_599_999) / 3_600_000
        let number = known[hash].map { UInt32(truncatingIfNeeded: $0) } ?? learn(hash, read())
        counts.add(1, to: RollupKey.make(tenant: tenant, hour: hour, combination: number))
    }

    @inline(never)
    private mutating func learn(_ hash: UInt64, _ combination: Combination) -> UInt32 {
        let number = number(of: combination)
        known.add(UInt64(number), to: hash)
        return number
    }

    private mutating func number(of combination: Combination) -> UInt32 {
        if let number = numbers[combination] { return number }
        // Past the last number everything counts as the last: kinds come from pipelines, so this is not met.
        let number = UInt32(min(numbers.count + 1, RollupKey.largestCombination))
        numbers[combination] = number
        added.append((number, combination))
        return number
    }

    /// Sorted rows; `withSums`: with the sums over all tenants behind them. Empties the counts, keeps the dictionary.
    package mutating func takeRows(withSums: Bool) -> [(key: UInt64, count: UInt64)] {
        var rows = counts.takeAll()
        if withSums {
            var sums = SumTable()
            for (key, count) in rows {
                let all = RollupKey.make(tenant: RollupKey.allTenants, hour: RollupKey.hour(key), combination: RollupKey.combination(key))
                sums.add(count, to: all)
            }
            rows += sums.takeAll()
        }
        rows.sort { $0.key < $1.key }
        return rows
    }

    mutating func clearAdded() { added.removeAll() }
}
