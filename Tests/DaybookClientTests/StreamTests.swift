import Synchronization
import Testing

@testable import DaybookClient

@Suite("Streams")
struct StreamTests {
    static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

    @Test("events arrive whole, however the stream was cut, and the last id is asked for again")
    func streams() async throws {
        let text =
            ": hello\n\n: alive\nid: 40\n\nid: 41\ndata: {\"a\":1}\n\nid: 42\nevent: gap\ndata: one\ndata: two\n\nid: 43\ndata: not ended"
        let server = ScriptedServer([.stream([Self.head + text.prefix(20), String(text.dropFirst(20))])])
        defer { server.stop() }
        let seen = Mutex<[ServerSentEvent]>([])
        let client = try DaybookClient(url: server.url, key: "k")
        try await client.stream("/v1/events/stream", [("kind", "access")], lastEventID: "40") { event in
            seen.withLock { $0.append(event) }
            return true
        }
        #expect(
            seen.withLock { $0 } == [
                ServerSentEvent(id: "40", name: nil, data: []), ServerSentEvent(id: "41", name: nil, data: Array("{\"a\":1}".utf8)),
                ServerSentEvent(id: "42", name: "gap", data: Array("one\ntwo".utf8)),
            ])
        #expect(server.requests[0].headers["last-event-id"] == "40")
        #expect(server.requests[0].line == "GET /v1/events/stream?kind=access HTTP/1.1")
    }

    @Test("a reader that has enough ends the stream without an error")
    func endsEarly() async throws {
        let server = ScriptedServer([.stream([Self.head + "data: 1\n\ndata: 2\n\n"])])
        defer { server.stop() }
        let count = Mutex(0)
        try await DaybookClient(url: server.url, key: "k").stream("/", [], lastEventID: nil) { _ in
            count.withLock { $0 += 1 }
            return false
        }
        #expect(count.withLock { $0 } == 1)
    }

    @Test("a refused stream carries the problem")
    func refused() async throws {
        let server = ScriptedServer([.answer(status: 403, body: #"{"title":"Forbidden","detail":"tenant"}"#)])
        defer { server.stop() }
        let client = try DaybookClient(url: server.url, key: "k")
        let error = await #expect(throws: DaybookError.self) { try await client.stream("/s", [], lastEventID: nil) { _ in true } }
        guard case .refused(let refusal) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.status == 403 && refusal.detail == "tenant")
    }

    @Test("the parser gives the same events for every cut, with either line end", arguments: ["\n", "\r\n"])
    func everyCut(lineEnd: String) {
        let bytes = Array("id: 1\(lineEnd)data:x\(lineEnd)data: y\(lineEnd)\(lineEnd)data: z\(lineEnd)\(lineEnd)".utf8)
        for cut in 0...bytes.count {
            var parser = ServerSentEventParser()
            var events: [ServerSentEvent] = []
            for part in [bytes[..<cut], bytes[cut...]] {
                Array(part).withUnsafeBytes { piece in
                    _ = parser.feed(piece) {
                        events.append($0)
                        return true
                    }
                }
            }
            #expect(
                events == [
                    ServerSentEvent(id: "1", name: nil, data: Array("x\ny".utf8)), ServerSentEvent(id: nil, name: nil, data: [0x7A]),
                ])
        }
    }
}
