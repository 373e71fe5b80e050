import EventModel

/// Decides what of one tenant's archive may go today. Pure: what there is and what the clock says come in.
package struct PrunePlan: Sendable, Equatable {
    /// To be pruned now, ascending.
    package var days: [Int64] = []
    /// Past the plan, but more than may go without somebody's word: a clock that jumped ahead looks just like this.
    package var waiting: [Int64] = []
    /// Past the plan, and kept by a legal hold.
    package var held: [Int64] = []

    /// `sealed`: the tenant's sealed, unpruned days, ascending. `today`: the received-day that the clock shows; a plan of n
    /// days keeps today and the n days before it. `atOnce`: most days that go without being confirmed; a server that runs
    /// prunes one a day. `confirmedThrough`: the day up to which somebody confirmed.
    package init(
        sealed: [Int64], archiveDays: Int?, today: Int64, atOnce: Int, confirmedThrough: Int64? = nil, isHeld: (Int64) -> Bool
    ) {
        guard let archiveDays else { return }
        var due: [Int64] = []
        for day in sealed where day < today - Int64(archiveDays) { if isHeld(day) { held.append(day) } else { due.append(day) } }
        let confirmed = due.filter { $0 <= confirmedThrough ?? .min }
        let rest = due.filter { $0 > confirmedThrough ?? .min }
        // A server that runs is never late: many days at once, or one that should have gone long ago, are no daily pruning.
        let isLate = rest.first.map { today - Int64(archiveDays) - 1 - $0 > Int64(atOnce) } ?? false
        if rest.count > atOnce || isLate { waiting = rest } else { days = rest }
        days = confirmed + days
    }
}
