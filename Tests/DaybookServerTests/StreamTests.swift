import EventModel
import Foundation
import TestSupport
import Testing

@testable import Collectors
@testable import DaybookServer
@testable import QueryAPI

@Suite struct StreamTests {
    /// Opens a stream, lets `work` run once it is open, ends it, and gives the ids it brought.
    private func ids(_ server: TestServer, _ uri: String, _ headers: [String: String] = [:], work: () async throws -> Void) async throws
        -> [Int]
    {
        let stream = Task { try await server.ask(.get, uri, headers) }
        while server.server.live.clientCount == 0 { await Task.yield() }
        try await work()
        server.server.live.close()
        let text = try await stream.value.text
        return text.split(separator: "\n\n").filter { $0.contains("\ndata: {") }.compactMap { block in
            block.split(separator: "\n").first { $0.hasPrefix("id: ") }.flatMap { Int($0.dropFirst(4)) }
        }
    }

    private func post(_ server: TestServer, _ numbers: ClosedRange<Int>) async throws {
        let answer = try await server.post(
            "/v1/events", numbers.map { event($0, tenant: $0 % 2 == 0 ? "acme" : "globex") }.joined(separator: "\n"))
        #expect(answer.status == 200)
    }

    @Test("a stream brings what is committed after it was opened, in order")
    func live() async throws {
        let server = try await TestServer()
        try await post(server, 1...10)
        let found = try await ids(server, "/v1/events/stream") { try await post(server, 11...30) }
        #expect(found == Array(10..<30))
        await server.close()
    }

    @Test("filters hold for streams, also for a tenant that comes later")
    func filtered() async throws {
        let server = try await TestServer()
        let found = try await ids(server, "/v1/events/stream?tenant=acme&actor=u2") { try await post(server, 1...40) }
        #expect(found == (1...40).filter { $0 % 2 == 0 && $0 % 7 == 2 }.map { $0 - 1 })
        await server.close()
    }

    @Test("a stream goes on exactly behind the last id, from journal and store", arguments: [0, 5, 99])
    func resumed(last: Int) async throws {
        let server = try await TestServer()
        try await post(server, 1...50)
        try await server.reopen()
        try await post(server, 51...100)
        // Everything before the stream's opening has to come from disk, so the end must wait until it was read.
        let stream = StreamCollector(server.server, from: last + 1)
        try await stream.readAll()
        #expect(stream.ids == Array(last + 1..<100))
        await server.close()
    }

    @Test("a stream from before what the store holds says which positions it cannot bring", arguments: [0, 4, 12])
    func gap(from position: Int) async throws {
        let clock = SetClock("2026-11-01T12:00:00Z")
        let server = try await TestServer(configure: { settings in
            settings.journal.now = { clock.now }
            settings.archive.now = { clock.now }
            settings.archive.isGentle = false
        })
        try await post(server, 1...10)
        try await server.server.journal.beginSegment()
        clock.set("2026-11-20T12:00:00Z")
        try await post(server, 11...20)
        #expect(try await server.ask(.post, "/v1/archives/seal?day=2026-11-01").text.contains(#""state":"sealed""#))
        try server.server.store.packAll()
        server.server.journal.freeSegments()
        let day = try #require(server.server.store.heldDays.first?.day)
        try server.server.store.drop(day: day)
        #expect(server.server.journal.oldestPosition == 10)
        let stream = StreamCollector(server.server, from: position)
        try await stream.readAll()
        #expect(stream.gaps == (position < 10 ? [#"{"first_position":\#(position),"last_position":9}"#] : []))
        #expect(stream.ids == Array(max(10, position)..<20))
        await server.close()
    }

    @Test("a stream that breaks before its first event goes on from its opening")
    func opening() async throws {
        let server = try await TestServer()
        func openingID(_ headers: [String: String] = [:]) async throws -> String? {
            let stream = Task { try await server.ask(.get, "/v1/events/stream?tenant=nobody", headers) }
            while server.server.live.clientCount == 0 { await Task.yield() }
            server.server.live.close()
            return try await stream.value.text.split(separator: "\n").first { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
        }
        #expect(try await openingID() == "start")
        try await server.reopen()
        try await post(server, 1...10)
        #expect(try await openingID() == "9")
        try await server.reopen()
        #expect(try await server.server.store.replay(after: nil, tenant: nil, limit: 3).map(\.position) == [0, 1, 2])
        let stream = StreamCollector(server.server, from: 0)
        try await stream.readAll()
        #expect(stream.ids == Array(0..<10))
        await server.close()
    }

    @Test("a wrong Last-Event-ID is a problem document and not a stream")
    func wrongID() async throws {
        let server = try await TestServer()
        #expect(try await server.ask(.get, "/v1/events/stream", ["Last-Event-ID": "abc"]).status == 400)
        #expect(try await server.get("/v1/events/stream?kynd=access").status == 400)
        await server.close()
    }
}
