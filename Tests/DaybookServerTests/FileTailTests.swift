import Foundation
import Testing

@testable import Collectors
@testable import DaybookServer

@Suite struct FileTailTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-tail-\(UUID().uuidString).log").path

    private func server(from: TailEntry.Beginning = .start) async throws -> TestServer {
        try await TestServer(tails: [TailEntry(path: path, tenant: "acme", from: from)])
    }

    private func write(_ text: String, to path: String? = nil) throws {
        let path = path ?? self.path
        if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    private func line(_ number: Int) -> String { event(number, extra: #","time":"2026-11-20T10:00:00Z""#) + "\n" }

    /// Turns until there is nothing new twice: the first may only have closed a file that was rotated away.
    private func follow(_ server: TestServer) async throws {
        let tail = server.server.tails[0]
        var idle = 0
        while idle < 2 { idle = try await tail.turn() == .idle ? idle + 1 : 0 }
    }

    private func targets(_ server: TestServer) async throws -> [String] {
        try await server.get("/v1/events?limit=1000&order=asc").events.compactMap { ($0["target"] as? [String: Any])?["id"] as? String }
    }

    private func expected(_ numbers: ClosedRange<Int>) -> [String] { numbers.map { "T-\($0)" } }

    @Test("whole lines are taken once; half a line waits for its rest")
    func growth() async throws {
        let server = try await server()
        try await follow(server)
        try write(line(1) + line(2) + String(line(3).prefix(20)))
        try await follow(server)
        #expect(try await targets(server) == expected(1...2))
        try write(String(line(3).dropFirst(20)))
        try await follow(server)
        #expect(try await targets(server) == expected(1...3))
        await server.close()
        try FileManager.default.removeItem(atPath: path)
    }

    @Test("`from: end` leaves out what was there")
    func fromEnd() async throws {
        try write(line(1))
        let server = try await server(from: .end)
        try await follow(server)
        try write(line(2))
        try await follow(server)
        #expect(try await targets(server) == ["T-2"])
        await server.close()
        try FileManager.default.removeItem(atPath: path)
    }

    @Test("a file that is renamed is read to its end, its last line without a newline included; then the new one from its start")
    func renamed() async throws {
        let server = try await server()
        try write(line(1))
        try await follow(server)
        try write(line(2) + line(3).trimmingCharacters(in: .newlines))
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        try write(line(4))
        try await follow(server)
        #expect(try await targets(server) == expected(1...4))
        await server.close()
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.removeItem(atPath: path + ".1")
    }

    @Test("a file that is cut short is read from its start")
    func truncated() async throws {
        let server = try await server()
        try write(line(1) + line(2))
        try await follow(server)
        try FileHandle(forWritingAtPath: path)?.truncate(atOffset: 0)
        try write(line(3))
        try await follow(server)
        // As long as before, with other content: the fingerprint tells.
        try FileHandle(forWritingAtPath: path)?.truncate(atOffset: 0)
        try write(line(4))
        try await follow(server)
        #expect(try await targets(server) == expected(1...4))
        await server.close()
        try FileManager.default.removeItem(atPath: path)
    }

    @Test("a restart goes on where the journal left off, also in a file that was rotated meanwhile")
    func restarted() async throws {
        let server = try await server()
        try write(line(1) + line(2))
        try await follow(server)
        try write(line(3))
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        try write(line(4))
        try await server.reopen()
        try await follow(server)
        #expect(try await targets(server) == expected(1...4))
        await server.close()
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.removeItem(atPath: path + ".1")
    }

    @Test("a stop between acknowledgement and record doubles nothing")
    func lostRecord() async throws {
        let server = try await server()
        try write(line(1))
        try await follow(server)
        let records = server.folder + "/tail"
        let record = try #require(FileManager.default.contentsOfDirectory(atPath: records).first { $0.hasSuffix(".json") })
        let before = try #require(FileManager.default.contents(atPath: records + "/" + record))
        try write(line(2) + line(3))
        try await follow(server)
        await server.close()
        try before.write(to: URL(fileURLWithPath: records + "/" + record))
        try write(line(4))
        try await server.reopen()
        try await follow(server)
        #expect(try await targets(server) == expected(1...4))
        #expect(try await server.get("/v1/counts").json["total"] as? Int == 4)
        await server.close()
        try FileManager.default.removeItem(atPath: path)
    }
}
