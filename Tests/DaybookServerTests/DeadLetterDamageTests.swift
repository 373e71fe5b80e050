import EventModel
import Foundation
import Testing

@testable import Collectors
@testable import DaybookServer

@Suite struct DeadLetterDamageTests {
    @Test("what is no letter is named in health, kept, and stops neither the start nor further letters")
    func damage() async throws {
        let server = try await TestServer()
        defer { try? FileManager.default.removeItem(atPath: server.folder) }
        _ = try await server.post("/v1/events", "{broken")
        await server.close()
        let folder = server.folder + "/deadletter"
        let segment = try #require(FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".ndjson") })
        let handle = try #require(FileHandle(forWritingAtPath: folder + "/" + segment))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("garbage\n{\"torn\":".utf8))
        try handle.close()
        try FileManager.default.createDirectory(atPath: folder + "/000007.ndjson", withIntermediateDirectories: false)
        try await server.reopen()
        let health = try await server.get("/health/ready")
        #expect(health.status == 200)
        #expect(health.text.contains("\(segment) holds 1 lines that are no letters"))
        #expect(health.text.contains("000007.ndjson is no file that can be read"))
        _ = try await server.post("/v1/events", "{broken again")
        #expect(try await server.get("/v1/dead-letters").json["total"] as? Int == 2)
        let log = server.server.ingest.deadLetters
        try await log.finish(log.letters(after: 0, limit: 10).map(\.id))
        #expect(FileManager.default.fileExists(atPath: folder + "/" + segment + ".damaged"))
        #expect(!FileManager.default.fileExists(atPath: folder + "/" + segment))
        await server.close()
    }
}
