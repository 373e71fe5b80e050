import Foundation
import Synchronization

@testable import DaybookClient
@testable import daybook

/// What was sent and what was promised, kept outside the server that is about to die.
final class CrashLedger: Sendable {
    struct Batch: Sendable {
        var numbers: Range<Int>
        var body: [UInt8]
        /// `nil` for batches without one.
        var idempotencyKey: String?
        /// Whether sending it again is safe.
        var hasIdentity: Bool
    }

    private struct State {
        var sent = 0
        var acknowledged = Set<Int>()
        var acknowledgedAtFirst = 0
        var open: [Batch] = []
        var untilDeath = 0
        var isDead = false
    }

    private let state = Mutex(State())

    var counts: (sent: Int, acknowledged: Int) { state.withLock { ($0.sent, $0.acknowledgedAtFirst) } }

    /// The server is to die after so many acknowledged batches.
    func beginRound(deathAfter batches: Int) {
        state.withLock { state in
            state.untilDeath = batches
            state.isDead = false
        }
    }

    /// Numbers for `count` new events.
    func take(_ count: Int) -> Range<Int> {
        state.withLock { state in
            defer { state.sent += count }
            return state.sent..<state.sent + count
        }
    }

    /// Before its first byte is sent.
    func open(_ batch: Batch) { state.withLock { $0.open.append(batch) } }

    /// True for the one caller that now has to kill the server.
    func acknowledge(_ batch: Batch) -> Bool {
        state.withLock { state in
            state.open.removeAll { $0.numbers == batch.numbers }
            state.acknowledged.formUnion(batch.numbers)
            state.acknowledgedAtFirst += batch.numbers.count
            state.untilDeath -= 1
            guard state.untilDeath <= 0, !state.isDead else { return false }
            state.isDead = true
            return true
        }
    }

    func acknowledged(from first: Int) -> Set<Int> { state.withLock { $0.acknowledged.filter { $0 >= first } } }

    /// What a producer does that got no answer. Afterwards these events count as acknowledged.
    func sendAgain(to client: DaybookClient) async throws {
        let open = state.withLock { state in
            defer { state.open = [] }
            return state.open
        }
        for batch in open where batch.hasIdentity {
            let receipt = try await CrashWriter.send(batch, client)
            guard receipt.accepted + receipt.duplicates == batch.numbers.count, receipt.rejected.isEmpty else {
                throw CrashLoop.Violation(description: "sent again, events \(batch.numbers) became \(receipt)")
            }
            state.withLock { $0.acknowledged.formUnion(batch.numbers) }
        }
    }
}
