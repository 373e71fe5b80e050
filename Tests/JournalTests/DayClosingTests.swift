import EventModel
import Journal
import Synchronization
import Testing

@Suite struct DayClosingTests {
    let folder = TemporaryFolder()
    private static let day: Int64 = 20_777

    private func configuration(_ clock: TestClock) -> JournalConfiguration {
        var configuration = JournalConfiguration.test(folder)
        configuration.segmentBytes = 1200
        configuration.now = { clock.now }
        return configuration
    }

    private func received(_ journal: Journal) throws -> [Int64] {
        try journal.read(from: 0, limit: .max).flatMap { batch in batch.events.map { _ in batch.received } }
    }

    @Test("Nothing is received into a closed day, though the clock steps back, or after a restart with the floor")
    func closedDay() async throws {
        let noon = Self.day * 86_400_000 + 43_200_000
        let midnight = (Self.day + 1) * 86_400_000
        let clock = TestClock(noon)
        let journal = try Journal.open(configuration(clock))
        _ = try await journal.append(.of("acme", "before"))
        journal.closeDay(Self.day)
        _ = try await journal.append(.of("acme", "after"))
        // An earlier day is closed with it.
        journal.closeDay(Self.day - 3)
        clock.set(noon - 86_400_000)
        _ = try await journal.append(.of("acme", "later"))
        #expect(try received(journal) == [noon, midnight, midnight])
        await journal.close()

        // Nothing came after the day was closed: the floor alone says so.
        let other = TemporaryFolder()
        var configuration = configuration(clock)
        configuration.folder = other.path
        clock.set(noon)
        let reopened = try Journal.open(configuration, floor: JournalFloor(received: midnight))
        _ = try await reopened.append(.of("acme", "again"))
        #expect(try received(reopened) == [midnight])
        clock.set(midnight + 5)
        _ = try await reopened.append(.of("acme", "now"))
        #expect(try received(reopened) == [midnight, midnight + 5])
        await reopened.close()
    }

    @Test("A day is closed under load: whatever is committed afterwards is received later")
    func underLoad() async throws {
        let clock = TestClock(Self.day * 86_400_000 + 5)
        let journal = try Journal.open(configuration(clock))
        let follower = RecordingFollower()
        try journal.attach(follower)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<4 { group.addTask { for index in 0..<100 { _ = try await journal.append(.of("t\(caller)", "x \(index)")) } } }
            journal.closeDay(Self.day)
            let end = journal.endPosition
            try await group.waitForAll()
            for batch in try journal.read(from: 0, limit: .max) {
                if batch.firstPosition >= end { #expect(batch.received >= (Self.day + 1) * 86_400_000) }
            }
        }
        await journal.close()
    }

    @Test("Positions for a number of bytes to keep lie at the beginnings of segments")
    func keptBytes() async throws {
        let journal = try Journal.open(configuration(TestClock(0)))
        for group in 0..<40 { _ = try await journal.append(.of("acme", "group \(group)")) }
        let all = journal.bytes(from: 0)
        #expect(all == journal.statistics.segmentBytes && journal.statistics.segments > 4)
        #expect(journal.position(keeping: all) == 0)
        var last: UInt64 = 0
        for kept in stride(from: all, through: 0, by: -100) {
            let position = journal.position(keeping: kept)
            #expect(position >= last)
            // Of the active segment nothing can go, however much it has.
            #expect(journal.bytes(from: position) <= max(kept, 1300))
            if position > 0 { #expect(journal.bytes(from: position - 1) > kept) }
            last = position
        }
        await journal.close()
    }

    @Test("A follower that asks for no deliveries from before holds segments all the same")
    func holdsWithoutDelivery() async throws {
        let journal = try Journal.open(configuration(TestClock(0)))
        for group in 0..<20 { _ = try await journal.append(.of("acme", "group \(group)")) }
        let holder = Holder()
        try journal.attach(holder)
        let reader = RecordingFollower()
        try journal.attach(reader)
        reader.apply(to: 20)
        journal.freeSegments()
        #expect(holder.delivered.withLock { $0 } == 0)
        #expect(try journal.allLines.count == 20)
        _ = try await journal.append(.of("acme", "live"))
        #expect(holder.delivered.withLock { $0 } == 1)
        await journal.close()
    }

    private final class Holder: JournalFollower {
        let name = "holder"
        let delivered = Mutex(0)
        var appliedPosition: UInt64 { 0 }
        var deliveryPosition: UInt64 { .max }
        var failure: String? { nil }
        func waitForRoom() {}
        var hasRoom: Bool { true }
        func committed(_ batch: CommittedBatch) { delivered.withLock { $0 += batch.events.count } }
    }
}

final class TestClock: Sendable {
    private let time: Mutex<Int64>

    init(_ milliseconds: Int64) { time = Mutex(milliseconds) }

    var now: Timestamp { Timestamp(milliseconds: time.withLock { $0 }) }
    func set(_ milliseconds: Int64) { time.withLock { $0 = milliseconds } }
}
