import Foundation
import Synchronization

@testable import DaybookClient
@testable import daybook

/// Loads a server over several connections, kills it, starts it again, sends again what had not been acknowledged and
/// compares what it holds with what it promised.
///
/// Every event carries a number of its own in its summary and a time of its own, later than all before it, so that one
/// round's events can be asked for by time. Three sorts of batches: events with `original_id`s, events under an
/// `Idempotency-Key`, and events with neither. The first two are sent again after the crash and must be there once;
/// the third may be there or not, but never twice.
final class CrashLoop {
    struct Broken: Error, CustomStringConvertible {
        var seed: UInt64
        var round: Int
        var folder: String
        var reason: String
        var description: String { "seed \(seed), round \(round): \(reason); the data folder is kept in \(folder)" }
    }

    struct Violation: Error, CustomStringConvertible {
        var description: String
    }

    static let writers = 4
    static let tenants = ["acme", "globex", "initech"]
    private static let firstTime = 1_763_596_800_000

    private let folder: String
    private var random: SeededRandom
    private let ledger = CrashLedger()
    private var lastSeq = [String: Int]()
    private var kept = false
    private var longestStart = Duration.zero

    init(seed: UInt64) throws {
        random = SeededRandom(seed: seed)
        folder = FileManager.default.temporaryDirectory.path + "/daybook-crash-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/data", withIntermediateDirectories: true)
    }

    var summary: String {
        let counts = ledger.counts
        return "\(counts.acknowledged) of \(counts.sent) events acknowledged at first, longest start \(longestStart)"
    }

    func clean() { if !kept { try? FileManager.default.removeItem(atPath: folder) } }

    func keep() -> String {
        kept = true
        return folder
    }

    /// One life of the server, its death, and the check by the next one.
    func run() async throws {
        let first = ledger.counts.sent
        let server = try start()
        let deathAfter = random.below(60)
        let delay = random.below(4000)
        let seeds = (0..<Self.writers).map { _ in random.next() }
        let ledger = ledger
        ledger.beginRound(deathAfter: deathAfter)
        do {
            try await withThrowingTaskGroup { group in
                for seed in seeds {
                    group.addTask { try await CrashWriter(seed: seed, server: server, ledger: ledger).write(delayMicroseconds: delay) }
                }
                try await group.waitForAll()
            }
        } catch {
            server.kill(SIGKILL)
            throw error
        }
        server.kill(SIGKILL)

        // Now and then the recovery itself is cut short, too.
        for _ in 0..<(random.below(4) == 0 ? 1 + random.below(2) : 0) {
            let process = try ServerProcess.spawn(executable: Self.executable, data: folder + "/data", arguments: Self.arguments)
            usleep(UInt32(random.below(60_000)))
            ServerProcess.kill(process, SIGKILL)
        }

        let next = try start()
        defer { next.kill(random.below(2) == 0 ? SIGKILL : SIGTERM) }
        try await ledger.sendAgain(to: DaybookClient(url: next.url, key: next.key))
        try await check(next, from: first)
    }

    /// Everything that was ever sent, in one look.
    func checkEverything() async throws {
        let server = try start()
        defer { server.stop() }
        lastSeq = [:]
        try await check(server, from: 0)
    }

    /// Events numbered `first` and later: each acknowledged one once, none twice, and sequence numbers that continue
    /// those of the rounds before.
    private func check(_ server: ServerProcess, from first: Int) async throws {
        let client = try DaybookClient(url: server.url, key: server.key)
        var seen = Set<Int>()
        for tenant in Self.tenants {
            var sequence: [Int] = []
            var cursor: String?
            repeat {
                let query = [("tenant", tenant), ("from", Self.time(first)), ("order", "asc"), ("limit", "1000")]
                let page = try await client.get("/v1/events", query + (cursor.map { [("cursor", $0)] } ?? []))
                let body = JSONText(page.body)
                for event in body?["events"]?.elements ?? [] {
                    guard let seq = event["seq"]?.integer, let number = event["summary"]?.string.flatMap({ Int($0.dropFirst(6)) }) else {
                        throw Violation(description: "unknown event \(event.shown)")
                    }
                    guard seen.insert(number).inserted else { throw Violation(description: "event \(number) is there twice") }
                    sequence.append(seq)
                }
                cursor = body?["next_cursor"]?.string
            } while cursor != nil
            sequence.sort()
            let before = lastSeq[tenant, default: 0]
            guard sequence.elementsEqual(before + 1..<before + 1 + sequence.count) else {
                throw Violation(
                    description:
                        "tenant \(tenant) continues \(before) by \(sequence.prefix(5))…\(sequence.suffix(5)), \(sequence.count) events")
            }
            lastSeq[tenant] = before + sequence.count
        }
        let lost = ledger.acknowledged(from: first).subtracting(seen)
        guard lost.isEmpty else { throw Violation(description: "\(lost.count) acknowledged events are lost, such as \(lost.min()!)") }
        let strange = seen.filter { $0 >= ledger.counts.sent }
        guard strange.isEmpty else { throw Violation(description: "event \(strange.min()!) was never sent") }
    }

    private func start() throws -> ServerProcess {
        let clock = ContinuousClock()
        let begin = clock.now
        let server = try ServerProcess(executable: Self.executable, data: folder + "/data", arguments: Self.arguments)
        longestStart = max(longestStart, begin.duration(to: clock.now))
        return server
    }

    static func time(_ number: Int) -> String {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return formatter.string(from: Date(timeIntervalSince1970: Double(firstTime + number) / 1000))
    }

    private static let executable = DaybookProcess.executable

    private static let arguments = [
        "--pipelines",
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Pipelines").standardized.path,
    ]
}
