import Foundation

@testable import DaybookClient
@testable import daybook

/// One producer on one connection: batch after batch until the server is gone.
struct CrashWriter {
    private var random: SeededRandom
    private let server: ServerProcess
    private let ledger: CrashLedger

    init(seed: UInt64, server: ServerProcess, ledger: CrashLedger) {
        random = SeededRandom(seed: seed)
        self.server = server
        self.ledger = ledger
    }

    func write(delayMicroseconds: Int) async throws {
        var writer = self
        var settings = DaybookClient.Settings()
        settings.retries = .never
        let client = try DaybookClient(url: server.url, key: server.key, settings: settings)
        while true {
            let batch = writer.makeBatch()
            ledger.open(batch)
            do {
                let receipt = try await Self.send(batch, client)
                guard receipt.accepted == batch.numbers.count, receipt.duplicates == 0 else {
                    throw CrashLoop.Violation(description: "sent for the first time, events \(batch.numbers) became \(receipt)")
                }
            } catch DaybookError.unreachable {
                return
            } catch DaybookError.refused(let refusal) where [429, 503].contains(refusal.status) {
                continue
            }
            guard ledger.acknowledge(batch) else { continue }
            // A moment later than the acknowledgement, so that other batches die at every stage.
            usleep(UInt32(delayMicroseconds))
            Foundation.kill(server.process, SIGKILL)
        }
    }

    /// Mostly small, now and then large enough to span several writes.
    private mutating func makeBatch() -> CrashLedger.Batch {
        let count = random.below(10) == 0 ? 1 + random.below(400) : 1 + random.below(20)
        let numbers = ledger.take(count)
        let sort = random.below(3)
        var body = ""
        for number in numbers {
            let identity = sort == 0 ? "\"original_id\":\"o\(number)\"," : ""
            body += "{\"time\":\"\(CrashLoop.time(number))\",\"tenant\":\"\(random.pick(CrashLoop.tenants))\",\"kind\":\"access\","
            body +=
                "\"action\":\"login\",\"outcome\":\"success\",\(identity)\"actor\":{\"id\":\"u\(random.below(50))\"},\"summary\":\"event \(number)\"}\n"
        }
        return CrashLedger.Batch(
            numbers: numbers, body: Array(body.utf8), idempotencyKey: sort == 1 ? "batch-\(numbers.lowerBound)" : nil,
            hasIdentity: sort != 2)
    }

    /// Past `report`, which would give every batch a key.
    static func send(_ batch: CrashLedger.Batch, _ client: DaybookClient) async throws -> Receipt {
        var request = HTTPRequest(path: "/v1/events", body: batch.body)
        request.headers = [("Content-Type", "application/x-ndjson")]
        if let key = batch.idempotencyKey { request.headers.append(("Idempotency-Key", key)) }
        let answer = try await client.send(request)
        guard let receipt = Receipt(answer) else { throw DaybookError.unreadable(url: answer.url, reason: "its answer is no receipt") }
        return receipt
    }
}
