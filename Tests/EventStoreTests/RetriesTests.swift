import Testing

@testable import EventStore

@Suite("Retries of work on days")
struct RetriesTests {
    @Test("a day waits longer after each failure, an hour at most, while others do not wait")
    func delays() {
        var retries = Retries()
        var now = ContinuousClock.now
        #expect(!retries.mustWait(1, now: now))
        for seconds in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            retries.failed(1, "full", now: now)
            #expect(retries.mustWait(1, now: now + .seconds(seconds - 1)) && !retries.mustWait(2, now: now))
            now += .seconds(seconds)
            #expect(!retries.mustWait(1, now: now))
        }
        retries.succeeded(1)
        retries.failed(1, "full", now: now)
        #expect(!retries.mustWait(1, now: now + .seconds(60)))
    }

    @Test("only another reason is worth another line in the log")
    func reasons() {
        var retries = Retries()
        let isNew = [(1, "full"), (1, "full"), (1, "torn"), (2, "torn")].map { retries.failed($0, $1) }
        #expect(isNew == [true, false, true, true])
    }
}
