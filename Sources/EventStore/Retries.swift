/// When work on a day that failed is tried again: one day's damaged file or lack of room must not hold up the others, nor
/// be rewritten for nothing every minute.
struct Retries {
    private struct Failure {
        var reason: String
        var delay: Duration
        var until: ContinuousClock.Instant
    }

    private var failures: [Int64: Failure] = [:]

    private static let firstDelay = Duration.seconds(60)
    private static let longestDelay = Duration.seconds(3600)

    func mustWait(_ day: Int64, now: ContinuousClock.Instant = .now) -> Bool { failures[day].map { $0.until > now } ?? false }

    /// Doubles the day's delay. Whether the reason is another one than the last time.
    @discardableResult
    mutating func failed(_ day: Int64, _ reason: String, now: ContinuousClock.Instant = .now) -> Bool {
        let before = failures[day]
        let delay = before.map { min(Self.longestDelay, $0.delay * 2) } ?? Self.firstDelay
        failures[day] = Failure(reason: reason, delay: delay, until: now + delay)
        return before?.reason != reason
    }

    mutating func succeeded(_ day: Int64) { failures[day] = nil }
}
