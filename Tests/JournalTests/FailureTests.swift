import EventModel
import Glibc
import Journal
import SystemPackage
import Testing

@Suite struct FailureTests {
    let folder = TemporaryFolder()
    let files = FaultyFiles()

    @Test("A full disk refuses the group whole; with room again writing goes on and no number is missing", arguments: [0, 1, 60, 200])
    func diskFull(room: Int) async throws {
        let follower = RecordingFollower()
        let journal = try Journal.open(.test(folder, files: files), follower)
        try journal.attach(follower)
        _ = try await journal.append(.of("acme", "one"))
        files.set { $0.room = room }
        var batch = NormalisedBatch()
        batch.add("new", "two", identity: 5)
        for _ in 0..<2 {
            await #expect(throws: JournalError.diskFull(path: folder.segments[0].string, retryAfterSeconds: 10)) {
                try await journal.append(batch)
            }
        }
        guard case .full(let reason) = journal.health else { throw Unexpected() }
        #expect(reason.contains(folder.segments[0].string))
        #expect(try journal.allLines.count == 1)

        files.set { $0.room = nil }
        #expect(try await journal.append(batch).outcomes == [.accepted(seq: 1)])
        #expect(journal.health == .good)
        #expect(follower.positions == [0, 1])
        await journal.close()
        let reopened = try Journal.open(.test(folder))
        #expect(try reopened.allLines == follower.lines.map { String($0.dropLast()) })
        #expect(reopened.tenants.names == ["acme", "new"])
        #expect(reopened.recovery.tornBytes == 0)
        await reopened.close()
    }

    @Test("After a failed sync nothing is acknowledged, ever, though a later sync would succeed; reading goes on")
    func syncFailure() async throws {
        let follower = RecordingFollower()
        let journal = try Journal.open(.test(folder, files: files), follower)
        try journal.attach(follower)
        _ = try await journal.append(.of("acme", "one"))
        files.set { $0.syncErrno = EIO }
        let failure = JournalError.syncFailed(path: folder.segments[0].string, errno: EIO)
        await #expect(throws: failure) { try await journal.append(.of("acme", "two")) }
        files.set { $0.syncErrno = nil }
        let syncs = files.syncs.load(ordering: .relaxed)
        await #expect(throws: failure) { try await journal.append(.of("acme", "three")) }
        #expect(files.syncs.load(ordering: .relaxed) == syncs)
        guard case .failed(let reason, EIO) = journal.health else { throw Unexpected() }
        #expect(reason.contains(folder.segments[0].string) && reason.contains("Input/output error"))
        #expect(try journal.allLines.count == 1)
        #expect(follower.lines.count == 1)
        #expect(journal.statistics.syncFailures == 1)
        await journal.close()

        let reopened = try Journal.open(.test(folder))
        #expect(try await reopened.append(.of("acme", "four")).outcomes == [.accepted(seq: 2)])
        await reopened.close()
    }

    @Test("Writes that take a few bytes at a time are carried through", arguments: [1, 7, 48, 100])
    func shortWrites(most: Int) async throws {
        files.set { $0.shortest = most }
        let journal = try Journal.open(.test(folder, files: files))
        _ = try await journal.append(.of("acme", "one", "two"))
        _ = try await journal.append(.of("beta", "three"))
        await journal.close()
        #expect(try Journal.open(.test(folder)).allLines.count == 3)
    }

    @Test("A write error refuses the group and the next append tries again")
    func writeError() async throws {
        let journal = try Journal.open(.test(folder, files: files))
        files.set { $0.writeErrno = EIO }
        await #expect(throws: JournalError.io(path: folder.segments[0].string, operation: "write", errno: EIO)) {
            try await journal.append(.of("acme", "one"))
        }
        guard case .failed = journal.health else { throw Unexpected() }
        files.set { $0.writeErrno = nil }
        #expect(try await journal.append(.of("acme", "one")).outcomes == [.accepted(seq: 1)])
        #expect(journal.health == .good)
        await journal.close()
    }

    @Test("A write over the block of acknowledged events that fails closes the journal as a failed sync does")
    func directWriteError() async throws {
        let journal = try Journal.open(.test(folder, files: files))
        _ = try await journal.append(.of("acme", "one"))
        files.set { $0.writeErrno = EIO }
        let failure = JournalError.syncFailed(path: folder.segments[0].string, errno: EIO)
        await #expect(throws: failure) { try await journal.append(.of("acme", "two")) }
        files.set { $0.writeErrno = nil }
        await #expect(throws: failure) { try await journal.append(.of("acme", "three")) }
        #expect(journal.statistics.writeFailures == 1 && journal.statistics.syncFailures == 0)
        await journal.close()
        let reopened = try Journal.open(.test(folder))
        #expect(try reopened.allLines.count == 1)
        await reopened.close()
    }

    @Test("The reserve is kept: below it the disk counts as full")
    func reserve() async throws {
        var configuration = JournalConfiguration.test(folder, files: files)
        configuration.minimumFreeBytes = 1 << 20
        let journal = try Journal.open(configuration)
        files.set { $0.room = 1 << 19 }
        await #expect(throws: JournalError.diskFull(path: folder.path.string, retryAfterSeconds: 10)) {
            try await journal.append(.of("acme", "one"))
        }
        files.set { $0.room = 1 << 21 }
        _ = try await journal.append(.of("acme", "one"))
        #expect(journal.health == .good)
        await journal.close()
    }
}

struct Unexpected: Error {}
