import EventModel
import Glibc
import Journal
import Synchronization
import SystemPackage
import Testing

@Suite struct AppendTests {
    let folder = TemporaryFolder()

    @Test("A line is seq, id, received and the body, and the id tells time, node, tenant and position")
    func canonicalLine() async throws {
        let journal = try Journal.open(.test(folder))
        let receipt = try await journal.append(.of("acme", "one", "two"))
        #expect(receipt.outcomes == [.accepted(seq: 1), .accepted(seq: 2)])
        #expect(receipt.tenants == [TenantReceipt(tenant: "acme", firstSeq: 1, lastSeq: 2)])
        let second = try await journal.append(.of("beta", "three"))
        #expect(second.outcomes == [.accepted(seq: 1)])

        let lines = try journal.allLines
        let id = EventID(received: 1_763_640_001_234, node: 7, tenant: 1, position: 2)
        #expect(lines.count == 3)
        #expect(
            lines[2] == #"{"seq":1,"id":"\#(id)","received":"2025-11-20T12:00:01.234Z","#
                + #""time":"2026-11-20T12:00:00.000Z","tenant":"beta","kind":"activity","summary":"three"}"#)
        #expect(journal.endPosition == 3)
        await journal.close()
    }

    @Test("An empty batch is answered at once")
    func emptyBatch() async throws {
        let journal = try Journal.open(.test(folder))
        #expect(try await journal.append(NormalisedBatch()) == Receipt(outcomes: [], tenants: []))
        #expect(journal.statistics.commits == 0)
        await journal.close()
    }

    @Test("Callers that wait during a sync share the next one")
    func groupCommit() async throws {
        let files = FaultyFiles()
        let journal = try Journal.open(.test(folder, files: files))
        try await withThrowingTaskGroup(of: Receipt.self) { group in
            for caller in 0..<200 {
                group.addTask { try await journal.append(.of("t\(caller % 3)", "a\(caller)", "b\(caller)")) }
            }
            var seen: [String: Set<UInt64>] = [:]
            for try await receipt in group {
                #expect(receipt.outcomes.count == 2)
                for tenant in receipt.tenants {
                    for seq in tenant.firstSeq...tenant.lastSeq { #expect(seen[tenant.tenant, default: []].insert(seq).inserted) }
                }
            }
            for (_, seqs) in seen { #expect(seqs == Set(1...UInt64(seqs.count))) }
        }
        #expect(journal.endPosition == 400)
        #expect(journal.statistics.events == 400)
        #expect(journal.statistics.syncLatency.count == journal.statistics.commits)
        await journal.close()
    }

    /// Cannot tell whether it knows 13.
    private final class HalfBlind: IdentityIndex {
        func look(identity: UInt64, tenant: UInt32, content: UnsafeRawBufferPointer) -> IdentityMatch {
            identity == 13 ? .unavailable(reason: "a store") : .unknown
        }
    }

    @Test("A batch with an identity that cannot be confirmed is refused whole, and takes no number")
    func unavailableIdentity() async throws {
        let journal = try Journal.open(.test(folder), HalfBlind())
        var batch = NormalisedBatch()
        batch.add("acme", "one", identity: 11)
        batch.add("acme", "two", identity: 13)
        await #expect(throws: JournalError.io(path: "a store", operation: "confirming an original_id", errno: 5)) {
            try await journal.append(batch)
        }
        #expect(journal.endPosition == 0)
        // Alone or in one group, the others go through and are numbered without a gap.
        let refused = batch
        await withTaskGroup { group in
            for number in 0..<40 {
                group.addTask {
                    var good = NormalisedBatch()
                    good.add("acme", "\(number)", identity: UInt64(100 + number))
                    _ = try? await journal.append(number % 4 == 0 ? refused : good)
                }
            }
        }
        #expect(journal.endPosition == 30)
        #expect(try journal.read(from: 0, limit: .max).flatMap { $0.events.map(\.seq) } == Array(1...30))
        await journal.close()
    }

    @Test("Same identity again is a duplicate with the first seq, with another body a conflict; in one group and across")
    func identities() async throws {
        let follower = RecordingFollower()
        let journal = try Journal.open(.test(folder), follower)
        try journal.attach(follower)
        var batch = NormalisedBatch()
        batch.add("acme", "one", identity: 11)
        batch.add("acme", "one", identity: 11)
        batch.add("acme", "other", identity: 11)
        batch.add("beta", "one", identity: 12)
        batch.add("acme", "none")
        batch.add("acme", "none")
        let first = try await journal.append(batch)
        #expect(
            first.outcomes == [
                .accepted(seq: 1), .duplicate(seq: 1), .conflict(seq: 1), .accepted(seq: 1), .accepted(seq: 2), .accepted(seq: 3),
            ])
        let again = try await journal.append(batch)
        #expect(
            again.outcomes == [
                .duplicate(seq: 1), .duplicate(seq: 1), .conflict(seq: 1), .duplicate(seq: 1), .accepted(seq: 4), .accepted(seq: 5),
            ])
        #expect(again.tenants == [TenantReceipt(tenant: "acme", firstSeq: 4, lastSeq: 5)])
        #expect(journal.statistics.duplicates == 4 && journal.statistics.conflicts == 2)
        #expect(follower.positions == Array(0..<6))
        await journal.close()
    }

    @Test("A full queue is said at once, and what waits is still written")
    func queueFull() async throws {
        let files = FaultyFiles()
        var configuration = JournalConfiguration.test(folder, files: files)
        configuration.maxQueuedEvents = 3
        let journal = try Journal.open(configuration)
        // The first sync waits for the queue to be filled behind it.
        let refusals = Refusals()
        files.set { $0.onSync = { while refusals.list.withLock({ $0.isEmpty }) { sched_yield() } } }
        await withTaskGroup(of: Void.self) { group in
            for caller in 0..<8 {
                group.addTask {
                    do throws(JournalError) { _ = try await journal.append(.of("acme", "a\(caller)", "b\(caller)")) } catch {
                        refusals.list.withLock { $0.append(error) }
                    }
                }
            }
        }
        let refused = refusals.list.withLock { $0 }
        #expect(!refused.isEmpty)
        #expect(refused.allSatisfy { if case .queueFull(_, _, let seconds) = $0 { seconds == 1 } else { false } })
        #expect(Int(journal.endPosition) == (8 - refused.count) * 2)
        await journal.close()
    }

    @Test("Closing writes what waits and refuses what comes")
    func closing() async throws {
        let journal = try Journal.open(.test(folder))
        _ = try await journal.append(.of("acme", "one"))
        await journal.close()
        await #expect(throws: JournalError.closed) { try await journal.append(.of("acme", "two")) }
        #expect(try Journal.open(.test(folder)).endPosition == 1)
    }
}

private final class Refusals: Sendable {
    let list = Mutex<[JournalError]>([])
}
