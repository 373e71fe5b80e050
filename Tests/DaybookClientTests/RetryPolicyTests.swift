import Testing

@testable import DaybookClient

@Suite("Retry policy")
struct RetryPolicyTests {
    let policy = RetryPolicy()

    @Test("waits double, stay between half and the whole, and end at the longest")
    func backoff() {
        for attempt in 1...40 {
            let shortest = policy.delay(afterAttempt: attempt, retryAfter: nil, spread: 0)!
            let longest = policy.delay(afterAttempt: attempt, retryAfter: nil, spread: 1)!
            #expect(longest == min(policy.longest, policy.first * (1 << min(attempt - 1, 20))))
            #expect(shortest == longest / 2)
        }
    }

    @Test("Retry-After is a lower bound; beyond the patience there is no further attempt")
    func retryAfter() {
        #expect(policy.delay(afterAttempt: 1, retryAfter: .seconds(5), spread: 0)! >= .seconds(5))
        #expect(policy.delay(afterAttempt: 1, retryAfter: policy.patience + .seconds(1), spread: 0) == nil)
    }
}
