import EventModel

/// Which days are over and which are due. Days are received-days since 1970, times UTC.
struct SealSchedule {
    /// After midnight, so that what is late by a clock's correction or a slow commit does not race with the seal.
    var grace: Duration
    /// Further ahead than this of what is known, the clock is more likely wrong than the server was off: everything
    /// received later would carry such a date. Somebody must ask for the seal then.
    static let longestGapDays: Int64 = 400

    enum Due: Equatable {
        case nothing
        /// All of these, oldest first.
        case days(ClosedRange<Int64>)
        /// Between two days that are known, or the last one and the clock, lie this many without any event.
        case clockJumped(days: Int64)
    }

    /// `held`: days with events, ascending.
    func due(now: Timestamp, sealed: Int64?, held: [Int64]) -> Due {
        let last = Timestamp(milliseconds: now.milliseconds - grace.milliseconds).dayNumber - 1
        guard let first = sealed.map({ $0 + 1 }) ?? held.first, first <= last else { return .nothing }
        let known = ([sealed].compactMap(\.self) + held.filter { $0 >= first && $0 < last } + [last])
        let gap = zip(known, known.dropFirst()).map { $1 - $0 }.max() ?? 0
        return gap > Self.longestGapDays ? .clockJumped(days: gap) : .days(first...last)
    }

    /// Whether a day can still get events.
    static func isOver(_ day: Int64, now: Timestamp) -> Bool { day < now.dayNumber }

    /// The hour since 1970 whose end is behind `now`, for checkpoints of the open day: 13:00 is due from 13:00 on.
    static func hour(now: Timestamp) -> Int64 { (now.milliseconds - now.milliseconds % 3_600_000) / 3_600_000 }
}

extension Duration {
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
