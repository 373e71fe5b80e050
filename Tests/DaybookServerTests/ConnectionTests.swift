import Foundation
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Collectors
@testable import DaybookServer

/// What a connection promises, whoever of the two answers its requests.
@Suite struct ConnectionTests {
    @Test("answers come in the order of pipelined requests, be they answered here or passed on")
    func pipelining() async throws {
        let server = try await LiveServer()
        let answers = try await onThread {
            let connection = try server.connect()
            let requests = [
                server.post(event(1)), server.get("/v1/nowhere"), server.post(event(2), chunked: true), server.post(event(3)),
                server.post(event(4)), server.get("/health/ready"), server.post("{oops"), server.post(event(5), path: "/v1/nothing"),
                server.post(event(5)),
            ]
            try connection.send(String(repeating: requests.joined(), count: 5))
            return try (0..<5 * requests.count).map { _ in try connection.answer() }
        }
        for round in 0..<5 {
            let codes = answers[round * 9..<round * 9 + 9].map(\.code)
            #expect(codes == [200, 404, 200, 200, 200, 200, 400, 404, 200])
        }
        let sequence = answers.filter { $0.code == 200 }.compactMap { $0.body.firstMatch(of: /"first_seq":([0-9]+)/).flatMap { Int($0.1) } }
        #expect(sequence == Array(1...25))
        try await server.stop()
    }

    @Test("a request may arrive cut at any byte")
    func cuts() async throws {
        let server = try await LiveServer()
        try await onThread {
            let connection = try server.connect()
            let bytes = Array(server.post(event(1), ["Idempotency-Key: k1"]).utf8)
            for cut in 1..<bytes.count {
                try connection.send(Array(bytes[..<cut]))
                try connection.send(Array(bytes[cut...]))
                #expect(try connection.answer().code == 200)
            }
            for byte in bytes { try connection.send([byte]) }
            #expect(try connection.answer().body.contains(#""duplicates":1"#))
        }
        #expect(server.rooms.server.ingest.statistics.accepted == 1)
        try await server.stop()
    }

    @Test("a connection is kept or closed as the request says", arguments: [false, true])
    func closing(chunked: Bool) async throws {
        let server = try await LiveServer()
        try await onThread {
            for fields in [["Connection: close"], ["Connection: Close"], ["Connection: foo, close"]] {
                let connection = try server.connect()
                try connection.send(server.post(event(1), fields, chunked: chunked) + server.post(event(2)))
                #expect(try connection.answer().code == 200)
                #expect(try connection.isEnded())
            }
            let old = try server.connect()
            try old.send(server.post(event(1)).replacing("HTTP/1.1", with: "HTTP/1.0"))
            #expect(try old.answer().code == 200)
            #expect(try old.isEnded())
            let kept = try server.connect()
            for _ in 0..<3 {
                try kept.send(server.post(event(1), ["Connection: keep-alive"], chunked: chunked))
                #expect(try kept.answer().code == 200)
            }
            // A client that sends no more still gets its answer.
            try kept.send(server.post(event(1), chunked: chunked))
            kept.endSending()
            #expect(try kept.answer().code == 200)
            #expect(try kept.isEnded())
        }
        #expect(server.rooms.server.ingest.statistics.accepted == 3 + 1 + 4)
        try await server.stop()
    }

    @Test("100-continue is said when the request has its turn, and before its body", arguments: [10, 40_000, 100_000])
    func continuing(size: Int) async throws {
        let server = try await LiveServer()
        try await onThread {
            let connection = try server.connect()
            let body = event(1, extra: #","note":"\#(String(repeating: "x", count: size))""#)
            let request = server.post(body, ["Expect: 100-continue"])
            try connection.send(server.get("/v1/nowhere") + server.post(event(2)) + String(request.dropLast(body.utf8.count)))
            #expect(try connection.answer().code == 404)
            #expect(try connection.answer().code == 200)
            #expect(try connection.answer().code == 100)
            try connection.send(body)
            #expect(try connection.answer().code == 200)
        }
        try await server.stop()
    }

    @Test("of a client that does not take its answers nothing more is read")
    func unwritable() async throws {
        let rooms = try await TestServer()
        let channel = EmbeddedChannel()
        let reads = ReadCounter()
        let encoder = HTTPResponseEncoder()
        try channel.pipeline.syncOperations.addHandlers([reads, encoder])
        let context = try channel.pipeline.syncOperations.context(handler: encoder)
        try channel.pipeline.syncOperations.addHandler(IngestHandler(rooms.server.channel { _, _, _ in }.configuration, encoder: context))
        channel.read()
        #expect(reads.count == 1)
        channel.isWritable = false
        channel.read()
        #expect(reads.count == 1)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(reads.count == 2)
        _ = try channel.finish()
        await rooms.close()
    }

    private final class ReadCounter: ChannelOutboundHandler {
        typealias OutboundIn = Never
        var count = 0

        func read(context: ChannelHandlerContext) {
            count += 1
            context.read()
        }
    }

    @Test("a body that comes slowly holds up nobody else")
    func slow() async throws {
        let server = try await LiveServer()
        try await onThread {
            let slow = try (0..<32).map { _ in try server.connect() }
            let request = server.post(event(1))
            for connection in slow { try connection.send(String(request.dropLast(20))) }
            let quick = try server.connect()
            for _ in 0..<20 {
                try quick.send(server.post(event(2)))
                #expect(try quick.answer().code == 200)
            }
            for connection in slow { try connection.send(String(request.suffix(20))) }
            for connection in slow { #expect(try connection.answer().code == 200) }
        }
        try await server.stop()
    }

    @Test("many connections at once are all answered, and nothing of them is left")
    func many() async throws {
        let server = try await LiveServer()
        try await onThread {
            let connections = try (0..<200).map { _ in try server.connect() }
            for round in 0..<5 {
                for connection in connections { try connection.send(server.post(event(round), chunked: round == 3)) }
                for connection in connections { #expect(try connection.answer().code == 200) }
            }
        }
        #expect(server.rooms.server.ingest.statistics.accepted == 1000)
        try await server.stop()
        #expect(server.handlers.made == 200)
        #expect(server.handlers.alive == 0)
    }

    @Test("a client that is gone before its answer is counted, one that is gone before its body's end is not", arguments: [1, 200])
    func vanishing(count: Int) async throws {
        let gate = Gate()
        let server = try await LiveServer(gate: gate)
        try await onThread {
            let half = try (0..<count).map { _ in try server.connect() }
            let request = server.post(event(1), ["Expect: 100-continue"])
            let head = String(request.dropLast(event(1).utf8.count))
            for connection in half {
                // A reset may overtake what was sent before it; who was told to go on has surely begun.
                try connection.send(head)
                #expect(try connection.answer().code == 100)
                try connection.send(String(event(1).dropLast(1)))
                connection.reset()
            }
            gate.shut()
            let whole = try (0..<count).map { _ in try server.connect() }
            for connection in whole { try connection.send(server.post(event(2))) }
            // Only what was handed to the journal is sure to be committed.
            while server.rooms.server.journal.statistics.queuedEvents < count { sched_yield() }
            for connection in whole { connection.reset() }
            gate.open()
            let last = try server.connect()
            try last.send(server.post(event(3)))
            #expect(try last.answer().code == 200)
        }
        while server.rooms.server.ingest.statistics.accepted < count + 1 { await Task.yield() }
        while server.rooms.server.ingest.statistics.requests < 2 * count + 1 { await Task.yield() }
        #expect(server.rooms.server.ingest.statistics.accepted == UInt64(count + 1))
        #expect(server.rooms.server.ingest.statistics.problems[400] == UInt64(count))
        try await server.stop()
        #expect(server.handlers.alive == 0)
    }

    @Test("stopping answers what is under way, then closes; idle connections end at once", arguments: [false, true])
    func stopping(chunked: Bool) async throws {
        let gate = Gate()
        let server = try await LiveServer(gate: gate)
        let (idle, busy) = try await onThread {
            let idle = try server.connect()
            try idle.send(server.post(event(1)))
            #expect(try idle.answer().code == 200)
            gate.shut()
            let busy = try server.connect()
            try busy.send(server.post(event(2), chunked: chunked) + server.post(event(3)))
            while server.rooms.server.journal.statistics.queuedEvents == 0 { sched_yield() }
            return (Sent(idle), Sent(busy))
        }
        let stopping = Task { try await server.stop() }
        let (wasEnded, code) = try await onThread {
            let wasEnded = try idle.connection.isEnded()
            gate.open()
            return (wasEnded, try busy.connection.answer().code)
        }
        #expect(wasEnded)
        #expect(code == 200)
        try await stopping.value
        #expect(server.handlers.alive == 0)
    }

    @Test("what pipelining clients have sent when the server stops is answered or not stored", arguments: [1, 50])
    func stoppingPipelines(events: Int) async throws {
        let server = try await LiveServer()
        let body = (0..<events).map { event($0) }.joined(separator: "\n")
        let request = Array(server.post(body).utf8)
        // Each has had an answer, or the quickest alone might send all that the stop waits for.
        let connections = try await onThread {
            try (0..<10).map { _ in
                let connection = try server.connect()
                try connection.send(request)
                #expect(try connection.answer().code == 200)
                return Sent(connection)
            }
        }
        for sent in connections {
            Thread.detachNewThread { while (try? sent.connection.send(request)) != nil {} }
        }
        let answered = connections.map { sent in
            Task {
                try await onThread {
                    var answers: [RawConnection.Answer] = []
                    while let answer = try? sent.connection.answer() { answers.append(answer) }
                    return answers
                }
            }
        }
        while server.rooms.server.ingest.statistics.requests < 200 { await Task.yield() }
        try await server.stop()
        var accepted = connections.count * events
        var farewells = 0
        for task in answered {
            let answers = try await task.value
            #expect(answers.allSatisfy { $0.code == 200 })
            // One that the stop finds between two requests ends without a word; behind a request under way it says so.
            if answers.last?.fields.contains("Connection: close") == true { farewells += 1 }
            #expect(answers.dropLast().allSatisfy { !$0.fields.contains("Connection: close") })
            accepted += answers.count * events
        }
        #expect(farewells > 0)
        #expect(accepted == Int(server.rooms.server.ingest.statistics.accepted))
        #expect(server.handlers.alive == 0)
    }

    @Test("a body that breaks off is a 400 that says what was taken, whatever broke it", arguments: ["zz\r\n", "-5\r\n", ""])
    func brokenFraming(rest: String) async throws {
        let server = try await LiveServer()
        let (answer, isEnded) = try await onThread {
            let connection = try server.connect()
            let body = (0..<9_000).map { event($0) }.joined(separator: "\n") + "\n"
            try connection.send(String(server.post(body, chunked: true).dropLast(5)) + rest)
            if rest.isEmpty { connection.endSending() }
            return (try connection.answer(), try connection.isEnded())
        }
        let accepted = try #require(answer.body.firstMatch(of: /"accepted":([0-9]+)/).flatMap { Int($0.1) })
        let next = try #require(answer.body.firstMatch(of: /"first_line_not_taken":([0-9]+)/).flatMap { Int($0.1) })
        #expect(answer.code == 400)
        #expect(accepted >= 2_000 && next == accepted + 1, "\(answer.body.prefix(500))")
        #expect(accepted == Int(server.rooms.server.ingest.statistics.accepted))
        #expect(isEnded)
        try await server.stop()
    }

    @Test(
        "what is no certain request is refused with a problem document, and its connection ends",
        arguments: [
            ("Host: test\r\n", "", 400), ("Host: test\r\n", "Host: test\r\nHost: other\r\n", 400),
            ("Host: test\r\n", "Host : test\r\n", 400),
            ("Host: test\r\n", "Host: test\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
        ])
    func refusedHeads(field: String, other: String, code: Int) async throws {
        let server = try await LiveServer()
        let (answers, isEnded) = try await onThread {
            let connection = try server.connect()
            var request = server.post(event(1)).replacing(field, with: other)
            if code == 501 { request = request.replacing(/Content-Length: [0-9]+\r\n/, with: "") }
            try connection.send(server.post(event(2)) + request)
            return ([try connection.answer(), try connection.answer()], try connection.isEnded())
        }
        #expect(answers.map(\.code) == [200, code])
        #expect(answers[1].fields.contains("Content-Type: application/problem+json") && answers[1].body.contains(#""detail":"#))
        #expect(isEnded)
        #expect(server.rooms.server.ingest.statistics.accepted == 1)
        try await server.stop()
    }

    @Test("HTTP/1.0 is not told to go on, and needs no Host")
    func oldExpectation() async throws {
        let server = try await LiveServer()
        let code = try await onThread {
            let connection = try server.connect()
            let request = server.post(event(1), ["Expect: 100-continue"]).replacing("HTTP/1.1", with: "HTTP/1.0")
            try connection.send(request.replacing("Host: test\r\n", with: ""))
            return try connection.answer().code
        }
        #expect(code == 200)
        try await server.stop()
    }

    /// Handed from one thread to the next; two use it only where one sends and the other one receives.
    private struct Sent: @unchecked Sendable {
        let connection: RawConnection
        init(_ connection: RawConnection) { self.connection = connection }
    }

    @Test("a connection that is silent for too long is closed, also in the middle of a body")
    func idling() async throws {
        let server = try await LiveServer { $0.idleTimeout = .seconds(1) }
        try await onThread {
            let silent = try server.connect()
            let used = try server.connect()
            try used.send(server.post(event(1)))
            #expect(try used.answer().code == 200)
            let half = try server.connect()
            try half.send(String(server.post(event(1)).dropLast(1)))
            #expect(try silent.isEnded())
            #expect(try used.isEnded())
            #expect(try half.isEnded())
        }
        try await server.stop()
        #expect(server.handlers.alive == 0)
    }
}
