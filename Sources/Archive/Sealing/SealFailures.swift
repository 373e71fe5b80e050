/// Tenants whose day could not be sealed, and when each is tried again. Pure; times are handed in.
struct SealFailures {
    struct Failure {
        var tenant: String
        var day: Int64
        var reason: String
        fileprivate var delay: Duration
        fileprivate var until: ContinuousClock.Instant
    }

    /// By tenant's number; `nil`: what concerns the whole day.
    private(set) var failures: [UInt32?: Failure] = [:]

    /// Damage does not mend itself and a full disk rarely at once; an hour is soon enough once it has lasted.
    private static let firstDelay = Duration.seconds(60)
    private static let longestDelay = Duration.seconds(3600)

    var isEmpty: Bool { failures.isEmpty }

    func mustWait(_ tenant: UInt32?, now: ContinuousClock.Instant) -> Bool { failures[tenant].map { $0.until > now } ?? false }

    /// When the next one is tried again.
    var next: ContinuousClock.Instant? { failures.values.map(\.until).min() }

    /// Doubles the delay. Whether the reason is another one than the last time.
    mutating func failed(_ number: UInt32?, _ tenant: String, day: Int64, _ reason: String, now: ContinuousClock.Instant) -> Bool {
        let before = failures[number]
        let delay = before.map { min(Self.longestDelay, $0.delay * 2) } ?? Self.firstDelay
        failures[number] = Failure(tenant: tenant, day: day, reason: reason, delay: delay, until: now + delay)
        return before?.reason != reason
    }

    mutating func succeeded(_ number: UInt32?) { failures[number] = nil }
}
