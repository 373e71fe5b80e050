import Crypto
import Foundation
import GRDB
import Testing

@testable import Collectors
@testable import DaybookServer

/// A small body is answered on the event loop, the same body sent in chunks by Hummingbird: nobody can tell the two apart.
@Suite struct AnswerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var body: String
        var path = "/v1/events"
        var type = "application/x-ndjson"
        var fields: [String] = []
        var code: Int

        var testDescription: String { "\(code): \(path) \(body.prefix(40)) \(fields.joined())" }
    }

    private static let cases = [
        Case(body: event(1), code: 200), Case(body: event(1) + "\n" + event(2) + "\n", code: 200),
        Case(body: "[\(event(1)),\(event(2))]", type: "application/json", code: 200),
        Case(body: event(1), type: "application/json; charset=utf-8", fields: ["Idempotency-Key: abc"], code: 200),
        Case(body: event(1), path: "/v1/events?tenant=globex", code: 200),
        Case(body: event(1), path: "/v1/activity", type: "application/json", code: 200),
        Case(body: event(1) + "\n{oops\n", code: 207), Case(body: event(1) + "\n{}\n", code: 207),
        Case(body: (1...1500).map { _ in "{}" }.joined(separator: "\n"), code: 422),
        Case(body: (1...300).map { event($0) }.joined(separator: "\n"), code: 200), Case(body: "{oops", code: 400),
        Case(body: "", code: 400), Case(body: " \n", type: "application/json", code: 400),
        Case(body: "\u{FEFF}" + event(1), type: "application/json", code: 400),
        Case(body: event(1), path: "/v1/events?tenat=acme", code: 400), Case(body: event(1), path: "/v1/events?pipeline=nope", code: 400),
        Case(body: event(1), path: "/v1/events?tenant=..", code: 400), Case(body: event(1), path: "/v1/events?tenant=%zz", code: 400),
        Case(body: event(1), fields: ["Idempotency-Key: a b"], code: 400), Case(body: event(1), path: "/v1/nowhere", code: 404),
        Case(body: event(1), path: "/v1/counts", code: 405), Case(body: event(1), type: "text/html", code: 415),
        Case(body: "text", type: "text/plain", code: 415), Case(body: event(1), fields: ["Content-Encoding: br"], code: 415),
        Case(body: event(1), fields: ["Content-Encoding: gzip"], code: 400), Case(body: #"{"kind":"activity"}"#, code: 422),
        Case(
            body: #"{"actor":{"id":"u1"},"action":"update"}"#, path: "/v1/activity?tenant=acme", type: "application/json",
            fields: ["ce-specversion: 1.0", "ce-id: 4", "Ce-Source: /crm", "ce-type: contact.update", "ce-subject: C-4"], code: 200),
        Case(body: "{}", type: "application/json", fields: ["ce-specversion: 2.0", "ce-id: 4"], code: 422),
    ]

    @Test("status, fields and body are the same on both ways", arguments: cases)
    func same(_ wanted: Case) async throws {
        // One server each, for both must be told the same about the first time and the second.
        let answers = try await [false, true].asyncMap { (chunked: Bool) in
            let server = try await LiveServer()
            let answers = try await onThread {
                let connection = try server.connect()
                return try (0..<2).map { _ in
                    try connection.send(server.post(wanted.body, path: wanted.path, type: wanted.type, wanted.fields, chunked: chunked))
                    return try connection.answer()
                }
            }
            let letters = server.rooms.server.ingest.deadLetters.statistics.letters
            try await server.stop()
            return (answers, letters, server.rooms.server.ingest.statistics)
        }
        #expect(answers[0].0.map(\.lasting) == answers[1].0.map(\.lasting))
        #expect(answers[0].0.first?.code == wanted.code, "\(answers[0].0)")
        #expect(answers[0].1 == answers[1].1)
        #expect(answers[0].2.accepted == answers[1].2.accepted)
        #expect(answers[0].2.rejected == answers[1].2.rejected)
        #expect(answers[0].2.problems == answers[1].2.problems)
        #expect(answers[0].2.bytes == answers[1].2.bytes)
        #expect(answers[0].2.requests == answers[1].2.requests)
    }

    @Test("an original_id with other content is refused and kept, on both ways")
    func conflict() async throws {
        let server = try await LiveServer()
        let answers = try await onThread {
            let connection = try server.connect()
            return try [(1, false), (2, false), (2, true)].map { (number: Int, chunked: Bool) in
                try connection.send(server.post(event(number, extra: #","original_id":"x1""#), chunked: chunked))
                return try connection.answer()
            }
        }
        #expect(answers.map(\.code) == [200, 422, 422])
        #expect(answers[1].lasting == answers[2].lasting)
        #expect(try await server.rooms.get("/v1/dead-letters").json["total"] as? Int == 2)
        try await server.stop()
    }

    @Test("without a valid key nothing is taken", arguments: ["", "Authorization: Bearer dbk_wrong", "Authorization: Basic x"])
    func noKey(field: String) async throws {
        let server = try await LiveServer()
        let answers = try await onThread {
            let connection = try server.connect()
            // Also on a connection that had one.
            try connection.send(server.post(event(1)))
            #expect(try connection.answer().code == 200)
            return try [false, true].map { chunked in
                try connection.send(
                    server.post(event(1), chunked: chunked).replacing("Authorization: Bearer \(server.key)", with: field)
                        .replacing("\r\n\r\nContent-Type", with: "\r\nContent-Type"))
                return try connection.answer()
            }
        }
        #expect(answers[0].code == 401)
        #expect(answers[0].lasting == answers[1].lasting)
        #expect(answers[0].fields.contains { $0.hasPrefix("WWW-Authenticate: Bearer") })
        #expect(server.rooms.server.ingest.statistics.accepted == 1)
        try await server.stop()
    }

    @Test("a key of one tenant may not write for another")
    func forbidden() async throws {
        let rooms = try await TestServer()
        await rooms.close()
        let key = "dbk_of-globex"
        try await DatabaseQueue(path: rooms.folder + "/daybook.sqlite").write {
            try $0.execute(
                sql: "INSERT INTO keys (name, role, tenant, hash, created) VALUES ('globex', 'admin', 'globex', ?, '2026-11-20')",
                arguments: [Data(SHA256.hash(data: Data(key.utf8)))])
        }
        try await rooms.reopen()
        let server = try await LiveServer(rooms, key: key)
        let answers = try await onThread {
            let connection = try server.connect()
            return try [false, true].map { chunked in
                try connection.send(server.post(event(1), chunked: chunked))
                return try connection.answer()
            }
        }
        #expect(answers.map(\.code) == [403, 403])
        #expect(answers[0].lasting == answers[1].lasting)
        try await server.stop()
    }

    @Test("a key of one tenant replays and sees what came with such a key, and nobody's replay writes for another tenant")
    func forbiddenReplay() async throws {
        let rooms = try await TestServer()
        await rooms.close()
        let key = "dbk_of-globex"
        try await DatabaseQueue(path: rooms.folder + "/daybook.sqlite").write {
            try $0.execute(
                sql: "INSERT INTO keys (name, role, tenant, hash, created) VALUES ('globex', 'admin', 'globex', ?, '2026-11-20')",
                arguments: [Data(SHA256.hash(data: Data(key.utf8)))])
        }
        try await rooms.reopen()
        let limited = ["Authorization": "Bearer \(key)", "Content-Type": "application/json"]
        let bodies = [event(1), #"{"kind":"activity","category":"c","time":"yesterday"}"#]
        for body in bodies { _ = try await rooms.ask(.post, "/v1/events", limited, body: Array(body.utf8), authorised: false) }
        _ = try await rooms.post("/v1/events?tenant=globex", #"{"kind":"activity","tenant":"acme"}"#)
        try await rooms.reopen()
        let seen = try await rooms.ask(.get, "/v1/dead-letters", limited, authorised: false)
        #expect(try seen.integer("total") == 2)
        #expect(try (seen.json["dead_letters"] as? [[String: Any]])?.map { $0["key_tenant"] as? String } == ["globex", "globex"])
        #expect(try await rooms.get("/v1/dead-letters").integer("total") == 3)
        let replayed = try await rooms.ask(.post, "/v1/dead-letters/replay", limited, authorised: false)
        #expect(try replayed.integer("replayed") == 2)
        #expect(try await rooms.ask(.post, "/v1/dead-letters/replay").integer("accepted") == 0)
        #expect(try await rooms.get("/v1/events?tenant=acme").events.isEmpty)
        await rooms.close()
    }

    @Test("a full disk is a 503 that says when to come back")
    func diskFull() async throws {
        let server = try await LiveServer { $0.journal.minimumFreeBytes = 1 << 60 }
        let answers = try await onThread {
            let connection = try server.connect()
            return try [false, true].map { chunked in
                try connection.send(server.post(event(1), chunked: chunked))
                return try connection.answer()
            }
        }
        #expect(answers[0].code == 503)
        #expect(answers[0].fields.contains("Retry-After: 10"))
        #expect(answers[0].lasting == answers[1].lasting)
        try await server.stop()
    }

    @Test("a full queue is a 429 that says when to come back")
    func queueFull() async throws {
        let gate = Gate()
        let server = try await LiveServer(configure: { $0.journal.maxQueuedEvents = 1 }, gate: gate)
        let answers = try await onThread {
            gate.shut()
            let first = try server.connect()
            try first.send(server.post(event(1)))
            while server.rooms.server.journal.statistics.queuedEvents == 0 { sched_yield() }
            let connection = try server.connect()
            let refused = try [false, true].map { chunked in
                try connection.send(server.post(event(2), chunked: chunked))
                return try connection.answer()
            }
            gate.open()
            #expect(try first.answer().code == 200)
            return refused
        }
        #expect(answers[0].code == 429)
        #expect(answers[0].fields.contains("Retry-After: 1"))
        #expect(answers[0].lasting == answers[1].lasting)
        try await server.stop()
    }

    @Test("a HEAD has no body, whatever its status")
    func head() async throws {
        let server = try await LiveServer()
        try await onThread {
            let connection = try server.connect()
            try connection.send(server.get("/v1/nowhere").replacing("GET", with: "HEAD") + server.get("/v1/nowhere"))
            let head = try connection.answer(withoutBody: true)
            #expect(head.code == 404)
            let get = try connection.answer()
            #expect(get.code == 404)
            #expect(head.fields.filter { !$0.hasPrefix("Date") } == get.fields.filter { !$0.hasPrefix("Date") })
        }
        try await server.stop()
    }
}

extension Sequence {
    func asyncMap<Value>(_ work: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await work(element)) }
        return values
    }
}
