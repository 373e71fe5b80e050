import Synchronization
import Testing

@testable import DaybookClient

@Suite("Reporting events")
struct ReportTests {
    static let receipt = #"{"accepted":1,"duplicates":0,"rejected":[],"receipts":[{"tenant":"acme","first_seq":7,"last_seq":7}]}"#

    /// Records how long the client would have waited, and does not wait.
    final class Pauses: Sendable {
        let list = Mutex<[Duration]>([])
    }

    func client(_ server: ScriptedServer, _ pauses: Pauses = Pauses(), attempts: Int = 6) throws -> DaybookClient {
        var settings = DaybookClient.Settings()
        settings.retries.attempts = attempts
        return try DaybookClient(url: server.url, key: "secret", settings: settings) { duration in
            pauses.list.withLock { $0.append(duration) }
        }
    }

    @Test("a batch goes out once, with key, type and tenant, and comes back as a receipt")
    func reports() async throws {
        let server = ScriptedServer([.answer(status: 200, body: Self.receipt)])
        defer { server.stop() }
        let receipt = try await client(server).report(["{\n\"kind\":\"access\"}", "{}"], tenant: "a&b")
        #expect(receipt.accepted == 1 && receipt.duplicates == 0 && receipt.rejectedCount == 0)
        #expect(receipt.ranges == [Receipt.Range(tenant: "acme", firstSeq: 7, lastSeq: 7)])
        let request = try #require(server.requests.first)
        #expect(request.line == "POST /v1/events?tenant=a%26b HTTP/1.1")
        #expect(request.headers["authorization"] == "Bearer secret")
        #expect(request.headers["content-type"] == "application/x-ndjson")
        #expect(request.body == "{ \"kind\":\"access\"}\n{}\n")
    }

    @Test("a refusal for now is tried again with the same idempotency key, not before Retry-After")
    func retriesLater() async throws {
        let server = ScriptedServer([
            .answer(status: 503, headers: ["Retry-After: 7"]), .answer(status: 429), .answer(status: 200, body: Self.receipt),
        ])
        defer { server.stop() }
        let pauses = Pauses()
        #expect(try await client(server, pauses).report(["{}"]).accepted == 1)
        let keys = server.requests.map { $0.headers["idempotency-key"] }
        #expect(keys.count == 3 && Set(keys).count == 1 && keys[0]?.isEmpty == false)
        let waited = pauses.list.withLock { $0 }
        #expect(waited.count == 2)
        #expect(waited[0] >= .seconds(7) && waited[1] < .seconds(7))
    }

    @Test("a connection that ends without an answer is tried again with the same idempotency key")
    func retriesLostAnswer() async throws {
        let server = ScriptedServer([.hangUp, .answer(status: 200, body: Self.receipt)])
        defer { server.stop() }
        #expect(try await client(server).report(["{}"]).accepted == 1)
        #expect(server.requests.count == 2)
        #expect(server.requests[0].headers["idempotency-key"] == server.requests[1].headers["idempotency-key"])
    }

    @Test("two batches have two idempotency keys and share one connection")
    func keepsConnection() async throws {
        let server = ScriptedServer([.answer(status: 200, body: Self.receipt), .answer(status: 200, body: Self.receipt)])
        defer { server.stop() }
        let client = try client(server)
        _ = try await client.report(["{}"])
        _ = try await client.report(["{}"])
        #expect(server.connections == 1)
        #expect(server.requests[0].headers["idempotency-key"] != server.requests[1].headers["idempotency-key"])
    }

    @Test("attempts end, and the error says address, status, title and detail")
    func givesUp() async throws {
        let problem = #"{"type":"about:blank","title":"Disk full","detail":"12 MiB are left"}"#
        let server = ScriptedServer(Array(repeating: .answer(status: 503, body: problem), count: 3))
        defer { server.stop() }
        let error = await #expect(throws: DaybookError.self) { _ = try await client(server, attempts: 3).report(["{}"]) }
        guard case .refused(let refusal) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.status == 503 && refusal.title == "Disk full" && refusal.detail == "12 MiB are left" && refusal.attempts == 3)
        #expect(refusal.url == server.url + "/v1/events")
    }

    @Test("a wrong key is not tried again")
    func refuses() async throws {
        let server = ScriptedServer([.answer(status: 401, body: #"{"title":"Unauthorized"}"#)])
        defer { server.stop() }
        await #expect(throws: DaybookError.self) { _ = try await client(server).report(["{}"]) }
        #expect(server.requests.count == 1)
    }

    @Test("a batch of which nothing was taken is a receipt, not an error")
    func allRejected() async throws {
        let body = #"{"accepted":0,"duplicates":0,"rejected":[{"line":1,"field":"actor.id","code":"required","message":"needed"}]}"#
        let server = ScriptedServer([.answer(status: 422, body: body)])
        defer { server.stop() }
        let receipt = try await client(server).report(["{}"])
        #expect(receipt.rejected == [Receipt.Rejection(line: 1, field: "actor.id", code: "required", message: "needed")])
    }

    @Test("a batch that ended in its middle goes again as a whole, although the answer counts what was taken")
    func endedInTheMiddle() async throws {
        let half = #"{"title":"Queue full","status":429,"accepted":1,"duplicates":0,"rejected":[],"receipts":[],"first_line_not_taken":2}"#
        let whole = #"{"accepted":1,"duplicates":1,"rejected":[],"receipts":[]}"#
        let server = ScriptedServer([.answer(status: 429, body: half), .answer(status: 200, body: whole)])
        defer { server.stop() }
        let receipt = try await client(server).report(["{}", "{}"])
        #expect(receipt.accepted == 1 && receipt.duplicates == 1)
        #expect(server.requests.map(\.body) == ["{}\n{}\n", "{}\n{}\n"])
    }

    @Test("a damaged body is an error, although the answer counts what was taken")
    func damaged() async throws {
        let half = #"{"title":"Bad body","accepted":0,"duplicates":0,"rejected":[],"receipts":[],"first_line_not_taken":1}"#
        let server = ScriptedServer([.answer(status: 400, body: half)])
        defer { server.stop() }
        await #expect(throws: DaybookError.self) { _ = try await client(server).report(["{}"]) }
    }

    @Test("a success that is no receipt is refused: something else listens there")
    func notDaybook() async throws {
        let server = ScriptedServer([.answer(status: 200, body: "<html>hello</html>")])
        defer { server.stop() }
        await #expect(throws: DaybookError.unreadable(url: server.url + "/v1/events", reason: "its answer is no receipt")) {
            _ = try await client(server).report(["{}"])
        }
    }

    @Test("where nobody listens the request was not sent, and the error counts the attempts")
    func unreachable() async throws {
        let server = ScriptedServer([])
        server.stop()
        // The port stays taken for a moment by nobody: the listener is shut, so connecting is refused.
        let error = await #expect(throws: DaybookError.self) { _ = try await client(server, attempts: 2).report(["{}"]) }
        guard case .unreachable(_, _, let sent, let attempts) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!sent && attempts == 2)
    }

    @Test("a cancelled task stops waiting")
    func cancels() async throws {
        let server = ScriptedServer([.answer(status: 503)])
        defer { server.stop() }
        let client = try DaybookClient(url: server.url, key: "k", settings: .init()) { _ in throw CancellationError() }
        await #expect(throws: DaybookError.cancelled(url: server.url + "/v1/events")) { _ = try await client.report(["{}"]) }
    }

    @Test("an address without http is refused before anything is sent")
    func address() {
        #expect(throws: DaybookError.address("localhost:7320")) { _ = try DaybookClient(url: "localhost:7320", key: "k") }
    }
}
