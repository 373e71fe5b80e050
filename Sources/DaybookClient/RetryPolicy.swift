/// When to try again and how long to wait: exponential backoff with jitter, so that many producers that lost the same
/// server do not come back in step (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
/// A `Retry-After` of the server is a lower bound for the wait.
public struct RetryPolicy: Sendable, Equatable {
    /// Attempts in all; 1 means no retry.
    public var attempts = 6
    /// Wait after the first attempt; doubled for each further one.
    public var first: Duration = .milliseconds(200)
    public var longest: Duration = .seconds(15)
    /// A server that asks for more patience than this is given up on at once: the caller can decide better then.
    public var patience: Duration = .seconds(60)

    public init() {}

    public static let never: RetryPolicy = {
        var policy = RetryPolicy()
        policy.attempts = 1
        return policy
    }()

    /// `spread`: 0...1, drawn by the caller. `nil` when the server asks for more than ``patience``.
    func delay(afterAttempt attempt: Int, retryAfter: Duration?, spread: Double) -> Duration? {
        let doubled = first * (1 << min(attempt - 1, 20))
        let backoff = min(doubled, longest)
        let jittered = backoff / 2 + backoff / 2 * spread
        guard let retryAfter else { return jittered }
        guard retryAfter <= patience else { return nil }
        return max(jittered, retryAfter + first * spread)
    }
}

extension DaybookError {
    /// Whether the same request may succeed later. All requests of this library may be repeated: questions change
    /// nothing, and batches carry an idempotency key.
    var mayPass: Bool {
        switch self {
        case .unreachable: true
        case .refused(let refusal): [408, 425, 429, 500, 502, 503, 504].contains(refusal.status)
        case .address, .unreadable, .unwritable, .cancelled, .library: false
        }
    }
}
