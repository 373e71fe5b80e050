import EventModel
import Foundation
import TestSupport
import Testing

@testable import Collectors
@testable import DaybookServer

@Suite struct IngestTests {
    @Test("an object, an array, lines and an indented object are all taken and found at once")
    func shapes() async throws {
        let server = try await TestServer()
        let bodies = [
            (event(1), "application/json", 1), ("[\(event(2)),\(event(3))]", "application/json", 2),
            (event(4) + "\n" + event(5), "application/x-ndjson", 2),
            (event(6).replacing(",", with: ",\n  "), "application/json", 1), (event(7) + "\n" + event(8) + "\n", "application/json", 2),
        ]
        for (body, type, count) in bodies {
            let answer = try await server.post("/v1/events", body, type: type)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(try answer.integer("accepted") == count)
        }
        let receipt = try #require(await server.post("/v1/events", event(9)).json["receipts"] as? [[String: Any]])
        #expect(receipt.first?["first_seq"] as? Int == 9)
        #expect(try await server.get("/v1/events?tenant=acme&order=asc").events.map { ($0["seq"] as? Int) } == Array(1...9))
        #expect(try await server.get("/v1/events?target=T-6").events.count == 1)
        await server.close()
    }

    @Test("gzip and deflate bodies are taken; broken ones are a 400 and leave nothing behind")
    func packed() async throws {
        let server = try await TestServer()
        let body = Array((1...3000).map { event($0) }.joined(separator: "\n").utf8)
        for packed in [("gzip", Deflated.gzip(body)), ("deflate", Deflated.zlib(body))] {
            let answer = try await server.ask(
                .post, "/v1/events", ["Content-Type": "application/x-ndjson", "Content-Encoding": packed.0], body: packed.1)
            #expect(try answer.integer("accepted") == 3000)
        }
        let cut = Array(Deflated.gzip(body).dropLast(10))
        let answer = try await server.ask(
            .post, "/v1/events", ["Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"], body: cut)
        #expect(answer.status == 400)
        #expect(try answer.integer("first_line_not_taken") > 0)
        await server.close()
    }

    @Test("a body that inflates without end is a 413 that says what was taken and where to go on")
    func bomb() async throws {
        let server = try await TestServer()
        // 2,000 events, then 200 MB of spaces on one line.
        let head = Array((1...2000).map { event($0) + "\n" }.joined().utf8)
        let packed = Deflated.gzip(head) + (0..<200).flatMap { _ in Self.megabyteOfSpaces }
        let answer = try await server.ask(
            .post, "/v1/events", ["Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"], body: packed)
        #expect(answer.status == 413)
        #expect(answer.headers[.contentType] == "application/problem+json")
        #expect(try answer.integer("accepted") == 2000)
        #expect(try answer.integer("first_line_not_taken") == 2001)
        #expect(answer.text.contains("under a new Idempotency-Key"))
        await server.close()
    }

    private static let megabyteOfSpaces = Deflated.gzip([UInt8](repeating: 0x20, count: 1 << 20))

    @Test("bad lines are answered by line and field, their neighbours are taken, all are kept as dead letters")
    func mixed() async throws {
        let server = try await TestServer()
        let long = #"{"kind":"activity","summary":"\#(String(repeating: "x", count: 300 << 10))"}"#
        let lines = [
            event(1), #"{"kind":"activity","tenant":"acme","actor":{"id":"u1"},"action":"update"}"#, "{broken", "", long,
            event(2, extra: #","duration":1e400"#), #"{"kind":"activity","kind":"access"}"#, #"{"kind":"nothing","tenant":"acme"}"#,
            event(3, extra: #","note":"a\u0000b""#),
        ]
        var body = Array(lines.joined(separator: "\n").utf8)
        body += Array("\n".utf8) + Array(event(4, extra: ",\"note\":\"").dropLast().utf8) + [0xFF] + Array("\"}\n".utf8)
        let answer = try await server.ask(.post, "/v1/events", ["Content-Type": "application/x-ndjson"], body: body)
        #expect(answer.status == 207)
        let rejections = try answer.rejections
        #expect(rejections.map { $0["line"] as? Int } == [2, 3, 5, 6, 7, 8, 10])
        #expect(
            rejections.map { $0["code"] as? String } == [
                "required", "invalid_json", "too_large", "number_range", "duplicate_key", "unknown_kind", "invalid_json",
            ])
        #expect(rejections.compactMap { $0["field"] as? String }[3] == "duration")
        #expect(try answer.integer("accepted") == 2)
        let letters = try #require(await server.get("/v1/dead-letters").json["dead_letters"] as? [[String: Any]])
        #expect(letters.map { $0["line"] as? Int } == [2, 3, 5, 6, 7, 8, 10])
        #expect(letters[1]["raw"] as? String == "{broken")
        #expect(letters[6]["raw_base64"] != nil)
        await server.close()
    }

    @Test("each status has its reason")
    func statuses() async throws {
        let server = try await TestServer()
        #expect(try await server.post("/v1/events", "{oops").status == 400)
        #expect(try await server.post("/v1/events", "").status == 400)
        #expect(try await server.post("/v1/events", #"{"kind":"activity"}"#).status == 422)
        #expect(try await server.post("/v1/events", "a=b", type: "text/html").status == 415)
        // `curl -d` without a header claims a form; what it sends is JSON all the same.
        #expect(try await server.post("/v1/events", event(9), type: "application/x-www-form-urlencoded").status == 200)
        #expect(try await server.post("/v1/events", event(1), ["Content-Encoding": "br"]).status == 415)
        #expect(try await server.post("/v1/events", "text", type: "text/plain").status == 415)
        #expect(try await server.post("/v1/events?pipeline=nope", event(1)).status == 400)
        #expect(try await server.post("/v1/events?tenat=acme", event(1)).status == 400)
        #expect(try await server.post("/v1/events?tenant=..", event(1)).status == 400)
        #expect(try await server.post("/v1/events", event(1), ["Idempotency-Key": String(repeating: "k", count: 237)]).status == 400)
        let longest = try await server.post("/v1/events", event(1), ["Idempotency-Key": String(repeating: "k", count: 236)])
        #expect(longest.status == 200, "\(longest.text)")
        #expect(try await server.post("/v1/events", " \n ", type: "application/json").status == 400)
        let deep = try await server.post("/v1/events", String(repeating: "[", count: 100_000), type: "application/json")
        #expect(deep.status == 400)
        let unauthorised = try await server.ask(.post, "/v1/events", body: Array(event(1).utf8), authorised: false)
        #expect(unauthorised.status == 401)
        #expect(unauthorised.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
        #expect(try await server.ask(.get, "/v1/events", ["Authorization": "Bearer dbk_wrong"], authorised: false).status == 401)
        #expect(try await server.ask(.delete, "/v1/events").headers[.allow] == "GET, POST")
        #expect(try await server.get("/v1/nowhere").status == 404)
        for status in try await [server.post("/v1/events", "{oops"), server.get("/v1/nowhere"), server.get("/v1/events?x=1")] {
            #expect(status.headers[.contentType] == "application/problem+json")
            #expect(try status.json["status"] as? Int == status.status)
        }
        await server.close()
    }

    @Test("the same body with the same Idempotency-Key is stored once, also after a restart and while it was cut off")
    func idempotency() async throws {
        let server = try await TestServer()
        let body = (1...2500).map { event($0, extra: #","time":"2026-11-20T10:00:00Z""#) }.joined(separator: "\n")
        #expect(try await server.post("/v1/events", body, ["Idempotency-Key": "load-7"]).integer("accepted") == 2500)
        for _ in 0..<2 {
            let again = try await server.post("/v1/events", body, ["Idempotency-Key": "load-7"])
            #expect(again.status == 200)
            #expect(try again.integer("accepted") == 0)
            #expect(try again.integer("duplicates") == 2500)
            try await server.reopen()
        }
        #expect(try await server.get("/v1/counts").json["total"] as? Int == 2500)
        await server.close()
    }

    @Test("an original_id with other content is a conflict, and kept")
    func conflict() async throws {
        let server = try await TestServer()
        _ = try await server.post("/v1/events", event(1, extra: #","original_id":"x1""#))
        let answer = try await server.post("/v1/events", event(2, extra: #","original_id":"x1""#))
        #expect(answer.status == 422)
        #expect(try answer.rejections.first?["code"] as? String == "conflict")
        #expect(try await server.get("/v1/dead-letters").json["total"] as? Int == 1)
        await server.close()
    }

    @Test("a broken indented object is refused whole: nothing inside it becomes an event")
    func brokenIndented() async throws {
        let server = try await TestServer()
        let body = "{\n\"tenant\":\"acme\",\n\"items\":[\n\(event(1)),\n\(event(2))\n],\n"
        let answer = try await server.post("/v1/events", body, type: "application/json")
        #expect(answer.status == 400)
        #expect(try answer.rejections.count == 1)
        #expect(try await server.get("/v1/counts").json["total"] as? Int == 0)
        await server.close()
    }

    @Test("CloudEvents come in structured, as a batch and in headers")
    func cloudEvents() async throws {
        let server = try await TestServer()
        func cloud(_ id: String) -> String {
            #"{"specversion":"1.0","id":"\#(id)","source":"/crm","type":"contact.update","tenant":"acme","subject":"C-\#(id)","data":{"kind":"activity","actor":{"id":"u1"},"action":"update"}}"#
        }
        #expect(try await server.post("/v1/events", cloud("1"), type: "application/cloudevents+json").status == 200)
        #expect(
            try await server.post("/v1/events", "[\(cloud("2")),\(cloud("3"))]", type: "application/cloudevents-batch+json; charset=utf-8")
                .integer("accepted") == 2)
        let headers = ["ce-specversion": "1.0", "ce-id": "4", "ce-source": "/crm", "ce-type": "contact.update", "ce-subject": "C-4"]
        #expect(
            try await server.post(
                "/v1/activity?tenant=acme", #"{"actor":{"id":"u1"},"action":"update"}"#, type: "application/json", headers
            ).status == 200)
        let found = try await server.get("/v1/events?type=contact.update&order=asc").events
        #expect(found.map { $0["original_id"] as? String } == ["1", "2", "3", "4"])
        let wrong = try await server.post("/v1/events", cloud("5").replacing("1.0", with: "2.0"), type: "application/cloudevents+json")
        #expect(try wrong.rejections.first?["field"] as? String == "specversion")
        await server.close()
    }

    @Test("secrets in what is refused do not reach the disk")
    func secrets() async throws {
        let server = try await TestServer()
        let secret = "hunter2hunter2"
        _ = try await server.post(
            "/v1/events", #"{"kind":"activity","password":"\#(secret)"}"# + "\n" + #"{"kind":"activity","api_key":"\#(secret)"#)
        _ = try await server.post("/v1/events", event(1, extra: #","details":{"token":"\#(secret)"}"#))
        try await server.reopen()
        let files = try #require(FileManager.default.enumerator(atPath: server.folder)?.allObjects as? [String])
        for file in files {
            guard let content = FileManager.default.contents(atPath: server.folder + "/" + file) else { continue }
            #expect(content.range(of: Data(secret.utf8)) == nil, "\(file)")
        }
        await server.close()
    }

    @Test("dead letters are taken once their pipeline is mended, and leave the log")
    func replay() async throws {
        let server = try await TestServer()
        _ = try await server.post(
            "/v1/events", #"{"kind":"ticket_moved","tenant":"acme","actor":{"id":"u1"},"action":"move","target":{"id":"T-1"}}"#,
            ["Idempotency-Key": "k9"])
        #expect(try await server.ask(.post, "/v1/dead-letters/replay").integer("rejected") == 1)
        let folder = server.folder + "/pipelines"
        try FileManager.default.copyItem(atPath: TestServer.pipelines, toPath: folder)
        let definition = try String(contentsOfFile: folder + "/activity.yaml", encoding: .utf8)
        try Self.renamed(definition).write(toFile: folder + "/moved.yaml", atomically: true, encoding: .utf8)
        server.server.ingest.use(try .load(folder: folder))
        let answer = try await server.ask(.post, "/v1/dead-letters/replay")
        #expect(try answer.integer("accepted") == 1, "\(answer.text)")
        #expect(try await server.get("/v1/dead-letters").json["total"] as? Int == 0)
        #expect(try await server.get("/v1/events?original_id=k9/1").events.count == 1)
        await server.close()
    }

    /// A pipeline for another kind, without the tests and the path that belong to the first.
    private static func renamed(_ definition: String) -> String {
        definition.split(separator: "\n", omittingEmptySubsequences: false).prefix { !$0.hasPrefix("tests:") }
            .filter { !$0.hasPrefix("listens:") }
            .map { $0.hasPrefix("name:") ? "name: ticket-moved" : $0.hasPrefix("kind:") ? "kind: ticket_moved" : String($0) }
            .joined(separator: "\n") + "\n"
    }
}
