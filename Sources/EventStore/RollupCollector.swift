import EventModel

/// Sums events of one pack by tenant, hour and combination, and keeps the partition's dictionary of combinations.
package struct RollupCollector {
    package struct Combination: Hashable {
        package var kind: String
        package var action: String
        package var outcome: String
    }

    private var counts: [UInt64: UInt64] = [:]
    private var numbers: [Combination: UInt32] = [:]
    /// Combinations by a hash of their three values as they are written, to meet the dictionary of strings rarely.
    private var known: [UInt64: UInt32] = [:]
    /// Not yet in the partition.
    package private(set) var added: [(number: UInt32, combination: Combination)] = []
    private var lastKey: UInt64 = .max
    private var lastCount: UInt64 = 0

    /// Begins with the dictionary of a partition.
    package init(combinations: [(number: UInt32, combination: Combination)]) {
        for (number, combination) in combinations { numbers[combination] = number }
    }

    package func isKnown(_ hash: UInt64) -> Bool { known[hash] != nil }

    package mutating func learn(_ hash: UInt64, _ combination: Combination) {
        if let number = numbers[combination] {
            known[hash] = number
            return
        }
        // Past the last number everything counts as the last: kinds come from pipelines, so this is not met.
        let number = UInt32(min(numbers.count + 1, RollupKey.largestCombination))
        numbers[combination] = number
        known[hash] = number
        added.append((number, combination))
    }

    @inline(__always)
    package mutating func count(tenant: UInt32, time: Int64, combination hash: UInt64) {
        let hour = time >= 0 ? time / 3_600_000 : (time - 3_599_999) / 3_600_000
        let key = RollupKey.make(tenant: tenant, hour: hour, combination: known[hash]!)
        if key == lastKey {
            lastCount += 1
            return
        }
        flush()
        lastKey = key
        lastCount = 1
    }

    private mutating func flush() {
        if lastCount > 0 { counts[lastKey, default: 0] += lastCount }
        lastCount = 0
        lastKey = .max
    }

    /// Sorted rows with the sums over all tenants behind them; empties the counts, keeps the dictionary.
    package mutating func takeRows() -> [(key: UInt64, count: UInt64)] {
        flush()
        var sums: [UInt64: UInt64] = [:]
        for (key, count) in counts {
            let all = RollupKey.make(tenant: RollupKey.allTenants, hour: RollupKey.hour(key), combination: RollupKey.combination(key))
            sums[all, default: 0] += count
        }
        var rows = counts.map { (key: $0.key, count: $0.value) } + sums.map { (key: $0.key, count: $0.value) }
        rows.sort { $0.key < $1.key }
        counts.removeAll(keepingCapacity: true)
        return rows
    }

    mutating func clearAdded() { added.removeAll() }
}
