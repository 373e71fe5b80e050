import Foundation
import Pipelines
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

    private let start = ContinuousClock.now

    /// Turns until there is nothing new, `seconds` after the test began.
    private func follow(_ server: TestServer, at seconds: Int) async throws {
        while try await server.server.tails[0].turn(at: start + .seconds(seconds)) != .idle {}
    }

    /// Turns until there is nothing new and no writer is waited for any more.
    private func follow(_ server: TestServer) async throws {
        for seconds in [0, 3600] { try await follow(server, at: seconds) }
    }

    private func remove() {
        for suffix in ["", ".1", ".2", ".3"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    }

    private func rotate(keeping: Int = 1) throws {
        for number in (1...keeping).reversed() {
            let older = number == 1 ? path : "\(path).\(number - 1)"
            if FileManager.default.fileExists(atPath: older) {
                try FileManager.default.moveItem(atPath: older, toPath: "\(path).\(number)")
            }
        }
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

    @Test("a writer that goes on in the renamed file loses nothing, before and after the new file is there")
    func lateWriter() async throws {
        let server = try await server()
        try write(line(1) + line(2) + line(3))
        try await follow(server, at: 0)
        let old = try #require(FileHandle(forWritingAtPath: path))
        try old.seekToEnd()
        try rotate()
        try await follow(server, at: 1)
        try await follow(server, at: 60)
        try old.write(contentsOf: Data(line(4).utf8))
        try await follow(server, at: 61)
        #expect(try await targets(server) == expected(1...4))
        try write(line(6))
        try await follow(server, at: 62)
        try old.write(contentsOf: Data(line(5).prefix(30).utf8))
        // Nine seconds of silence are not enough to take half a line for a whole one.
        try await follow(server, at: 65)
        try await follow(server, at: 74)
        try old.write(contentsOf: Data(line(5).dropFirst(30).utf8))
        try await follow(server, at: 75)
        #expect(try await targets(server) == expected(1...5))
        try await follow(server, at: 85)
        #expect(try await targets(server) == expected(1...6))
        #expect(try await server.get("/v1/dead-letters").json["total"] as? Int == 0)
        await server.close()
        remove()
    }

    @Test("two rotations between two looks, and two while the server is down, lose no file", arguments: [false, true])
    func rotatedTwice(isDown: Bool) async throws {
        let server = try await server()
        defer { remove() }
        try write(line(1))
        try await follow(server)
        if isDown { await server.close() }
        try write(line(2))
        for number in [3, 4] {
            try rotate(keeping: 2)
            try write(line(number))
            if !isDown { try await follow(server, at: 0) }
        }
        // Written last, and still the oldest file.
        try write(line(5), to: path + ".2")
        if isDown { try await server.reopen() }
        try await follow(server)
        #expect(try await targets(server) == ["T-1", "T-2", "T-5", "T-3", "T-4"])
        await server.close()
    }

    @Test("a byte order mark at a file's start is skipped; anywhere else it is content", arguments: [[0xEF, 0xBB, 0xBF], [0xFF, 0xFE]])
    func byteOrderMark(mark: [UInt8]) async throws {
        let server = try await server()
        defer { remove() }
        try (Data([0xEF, 0xBB, 0xBF]) + Data(line(1).utf8)).write(to: URL(fileURLWithPath: path))
        try await follow(server)
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(mark) + Data((line(2) + line(3)).utf8))
        try await follow(server)
        #expect(try await targets(server) == ["T-1", "T-3"])
        #expect(try await server.get("/v1/dead-letters").json["total"] as? Int == 1)
        await server.close()
    }

    @Test("what can never be taken goes to the dead-letter log, is seen in health, and holds nothing up")
    func permanentProblem() async throws {
        let server = try await TestServer(tails: [TailEntry(path: path, pipeline: "activity", tenant: "acme", from: .start)])
        defer { remove() }
        let others = server.folder + "/others"
        try FileManager.default.createDirectory(atPath: others, withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: TestServer.pipelines + "/sshd.yaml", toPath: others + "/sshd.yaml")
        let pipelines = server.server.ingest.pipelines
        server.server.ingest.use(try PipelineSet.load(folder: others))
        try write(line(1) + "\n" + line(2))
        try await follow(server)
        #expect(try await server.get("/v1/dead-letters").json["total"] as? Int == 2)
        let health = try await server.get("/health/ready")
        #expect(health.status == 200)
        #expect(try health.json["status"] as? String == "warning")
        #expect(health.text.contains("2 lines went to the dead-letter log"))
        server.server.ingest.use(pipelines)
        try write(line(3))
        try await follow(server)
        #expect(try await targets(server) == ["T-3"])
        await server.close()
    }
}
