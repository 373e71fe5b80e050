import EventModel
import Journal
import SystemPackage
import Testing

@Suite struct FollowerTests {
    let folder = TemporaryFolder()

    private func small() -> JournalConfiguration {
        var configuration = JournalConfiguration.test(folder)
        configuration.segmentBytes = 1200
        return configuration
    }

    @Test("Segments begin when the last is full, and go when every follower has passed them")
    func rotationAndFreeing() async throws {
        let journal = try Journal.open(small())
        let quick = RecordingFollower()
        let slow = RecordingFollower()
        try journal.attach(quick)
        try journal.attach(slow)
        for group in 0..<20 { _ = try await journal.append(.of("acme", "group \(group)")) }
        let count = folder.segments.count
        #expect(count > 3 && journal.statistics.segments == count)
        quick.apply(to: 20)
        journal.freeSegments()
        #expect(folder.segments.count == count)
        slow.apply(to: 10)
        journal.freeSegments()
        #expect(folder.segments.count < count && journal.oldestPosition <= 10)
        #expect(try journal.read(from: 10, limit: 100).first?.firstPosition == 10)
        slow.apply(to: 20)
        journal.freeSegments()
        #expect(folder.segments.count == 1)
        await journal.close()
        // The newest segment alone gives all numbering back.
        let reopened = try Journal.open(small())
        #expect(try await reopened.append(.of("acme", "next")).outcomes == [.accepted(seq: 21)])
        #expect(reopened.endPosition == 21)
        await reopened.close()
    }

    @Test("A segment that is asked for begins at once, and what all have passed is gone then")
    func askedSegment() async throws {
        let journal = try Journal.open(JournalConfiguration.test(folder))
        let follower = RecordingFollower()
        try journal.attach(follower)
        try await journal.beginSegment()
        #expect(folder.segments.count == 1, "an empty one is left as it is")
        _ = try await journal.append(.of("acme", "ada"))
        follower.apply(to: 1)
        try await journal.beginSegment()
        #expect(folder.segments.count == 1)
        #expect(try TemporaryFolder.bytes(of: folder.segments[0]).count < 200 && journal.oldestPosition == 1)
        #expect(try await journal.append(.of("acme", "next")).outcomes == [.accepted(seq: 2)])
        await journal.close()
        await #expect(throws: JournalError.closed) { try await journal.beginSegment() }
    }

    @Test("Nothing is freed while nobody follows")
    func nobodyFollows() async throws {
        let journal = try Journal.open(small())
        for group in 0..<20 { _ = try await journal.append(.of("acme", "group \(group)")) }
        journal.freeSegments()
        #expect(try journal.allLines.count == 20)
        await journal.close()
    }

    @Test("A follower attached under load gets every event once and in order", arguments: [0, 3, 7] as [UInt64])
    func attachUnderLoad(applied: UInt64) async throws {
        let journal = try Journal.open(small())
        for group in 0..<10 { _ = try await journal.append(.of("acme", "a", "b \(group)")) }
        let followers = (0..<4).map { _ in RecordingFollower(applied: applied) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<4 {
                group.addTask { for index in 0..<50 { _ = try await journal.append(.of("t\(caller)", "x \(index)", "y")) } }
            }
            for follower in followers { group.addTask { try journal.attach(follower) } }
            try await group.waitForAll()
        }
        for follower in followers { #expect(follower.positions == Array(applied..<journal.endPosition)) }
        await journal.close()
    }

    @Test("Reading begins and ends within a frame, over segments")
    func reading() async throws {
        let journal = try Journal.open(small())
        for group in 0..<10 { _ = try await journal.append(.of("acme", "a \(group)", "b", "c")) }
        let all = try journal.allLines
        for position in 0..<30 {
            for limit in [1, 2, 5, 100] {
                let batches = try journal.read(from: UInt64(position), limit: limit)
                let lines = batches.flatMap { batch in
                    batch.events.map { String(decoding: batch.lines[Int($0.offset)..<Int($0.offset + $0.length - 1)], as: UTF8.self) }
                }
                #expect(lines == Array(all[position..<min(30, position + limit)]))
                #expect(batches.first?.firstPosition == UInt64(position))
            }
        }
        #expect(try journal.read(from: 30, limit: 5).isEmpty)
        await journal.close()
    }
}
