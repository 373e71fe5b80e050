import EventModel
import Glibc
import Journal
import Synchronization
import SystemPackage
import Testing

/// Small batches that a caller commits on its own thread.
@Suite struct CommitHereTests {
    let folder = TemporaryFolder()
    let files = FaultyFiles()

    /// Has committed often enough to know that its disk is as quick as it should be.
    private func warm(
        _ follower: any JournalFollower & IdentityIndex = RecordingFollower(), quickSync: Duration = .seconds(10)
    ) async throws -> Journal {
        var configuration = JournalConfiguration.test(folder, files: files)
        configuration.quickSync = quickSync
        let journal = try Journal.open(configuration, follower)
        try journal.attach(follower)
        for number in 0..<70 { _ = try await journal.append(.of("acme", "\(number)")) }
        return journal
    }

    @Test("It is on disk, told to followers and numbered as any other")
    func commits() async throws {
        let follower = RecordingFollower()
        let journal = try await warm(follower)
        let before = journal.endPosition
        let receipt = try #require(try journal.appendHere(.of("acme", "one", "two"))?.get())
        #expect(receipt.outcomes == [.accepted(seq: before + 1), .accepted(seq: before + 2)])
        #expect(follower.positions == Array(0..<before + 2))
        #expect(try await journal.append(.of("acme", "three")).outcomes == [.accepted(seq: before + 3)])
        let lines = try journal.allLines
        await journal.close()
        let reopened = try Journal.open(.test(folder))
        #expect(try reopened.allLines == lines && lines.count == Int(before) + 3)
        await reopened.close()
    }

    @Test("Not while a group is being written, and what waits is not overtaken")
    func oneAtATime() async throws {
        let journal = try await warm()
        let refused = Count()
        files.set { faults in
            faults.onSync = { if journal.appendHere(.of("acme", "in between")) == nil { refused.add() } }
        }
        _ = try await journal.append(.of("acme", "slow"))
        files.set { $0.onSync = nil }
        #expect(refused.value == 1)
        await journal.close()
        #expect(journal.appendHere(.of("acme", "late")) == nil)
    }

    @Test("Neither a large batch nor an empty one")
    func refusals() async throws {
        let journal = try await warm()
        var large = NormalisedBatch()
        for event in 0..<100 { large.add("acme", "event \(event) of many that are more than a few") }
        #expect(journal.appendHere(large) == nil)
        #expect(journal.appendHere(NormalisedBatch()) == nil)
        #expect(journal.endPosition == 70)
        await journal.close()
    }

    @Test("Not while syncs take longer than what counts as quick")
    func slowDisk() async throws {
        let journal = try await warm(quickSync: .milliseconds(1))
        files.set { $0.onSync = { usleep(20_000) } }
        _ = try await journal.append(.of("acme", "slow"))
        files.set { $0.onSync = nil }
        #expect(journal.appendHere(.of("acme", "soon")) == nil)
        await journal.close()
    }

    @Test("Not with a follower that has no room")
    func noRoom() async throws {
        let full = FullFollower()
        let journal = try await warm(full)
        #expect(journal.appendHere(.of("acme", "room")) != nil)
        full.isFull.store(true, ordering: .relaxed)
        #expect(journal.appendHere(.of("acme", "no room")) == nil)
        #expect(journal.endPosition == 71)
        await journal.close()
    }

    @Test("A sync that fails here closes the journal to appends like any other")
    func failedSync() async throws {
        let journal = try await warm()
        let end = journal.endPosition
        files.set { $0.syncErrno = EIO }
        let failure = JournalError.syncFailed(path: folder.segments[0].string, errno: EIO)
        #expect(throws: failure) { try journal.appendHere(.of("acme", "lost"))?.get() }
        files.set { $0.syncErrno = nil }
        #expect(journal.appendHere(.of("acme", "after")) == nil)
        await #expect(throws: failure) { try await journal.append(.of("acme", "after")) }
        await journal.close()
        let reopened = try Journal.open(.test(folder))
        #expect(reopened.endPosition == end)
        await reopened.close()
    }

    @Test("Callers on many threads and the writer's thread number without gaps")
    func mixed() async throws {
        let follower = RecordingFollower()
        let journal = try await warm(follower)
        let begin = journal.endPosition
        let here = Count()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<60 {
                        let batch = NormalisedBatch.of("tenant-\(task % 3)", "\(task) \(number)")
                        if number % 2 == task % 2, case .success? = journal.appendHere(batch) {
                            here.add()
                        } else {
                            _ = try? await journal.append(batch)
                        }
                    }
                }
            }
        }
        #expect(journal.endPosition == begin + 480)
        #expect(follower.positions == Array(0..<begin + 480))
        #expect(here.value > 0)
        await journal.close()
        let reopened = try Journal.open(.test(folder))
        #expect(try reopened.allLines == follower.lines.map { String($0.dropLast()) })
        await reopened.close()
    }

    private final class Count: Sendable {
        private let count = Atomic<Int>(0)
        var value: Int { count.load(ordering: .relaxed) }
        func add() { count.add(1, ordering: .relaxed) }
    }

    private final class FullFollower: JournalFollower, IdentityIndex {
        let name = "full"
        let isFull = Atomic<Bool>(false)
        private let position = Atomic<UInt64>(0)
        var appliedPosition: UInt64 { position.load(ordering: .relaxed) }
        var failure: String? { nil }
        func committed(_ batch: CommittedBatch) { position.store(batch.endPosition, ordering: .relaxed) }
        func waitForRoom() {}
        var hasRoom: Bool { !isFull.load(ordering: .relaxed) }
        func look(identity: UInt64, tenant: UInt32, content: UnsafeRawBufferPointer) -> IdentityMatch { .unknown }
    }
}
