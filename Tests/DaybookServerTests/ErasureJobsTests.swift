import EventModel
import Foundation
import Logging
import Testing

@testable import Archive
@testable import Collectors
@testable import DaybookServer
@testable import QueryAPI

@Suite("Erasure jobs")
struct ErasureJobsTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func jobs(_ rooms: TestServer, work: @escaping ErasureJobs.Work) -> ErasureJobs {
        ErasureJobs(
            now: { Timestamp("2026-11-20T12:00:00Z")! }, activity: OwnActivity(rooms.server.ingest), logger: logger, work: work)
    }

    private static func request(_ name: String, isDry: Bool = false) -> ErasureJobs.Request {
        ErasureJobs.Request(tenant: "acme", actor: "u-000002", email: nil, reason: "r", isDry: isDry, name: name)
    }

    private static let author = OwnActivity.Author(
        Call(
            request: .init(head: .init(method: .post, scheme: nil, authority: nil, path: "/"), body: .init(buffer: .init())), key: nil,
            parameter: nil, remote: "127.0.0.1"))

    private static func ended(_ jobs: ErasureJobs, _ name: String) async throws -> ErasureJobs.Job {
        while true {
            let job = try #require(jobs.job(name))
            if job.state != .running { return job }
            await Task.yield()
        }
    }

    /// Summary and outcome of what the tenant's log has of an erasure, oldest first.
    private static func log(_ rooms: TestServer, _ name: String) async throws -> [String] {
        try await rooms.get("/v1/events?tenant=acme&order=asc&target=\(name)").events
            .map { "\($0["outcome"] ?? ""): \($0["summary"] ?? "")" }
    }

    @Test("One that finds another running is not recorded, and how each ended is")
    func busy() async throws {
        let rooms = try await TestServer()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let jobs = Self.jobs(rooms) { _, job in
            job.report.person = Person(id: "u-000002", email: "mei@example.com")
            job.report.ids = 1
            job.report.events = [20_000: 3]
            for await _ in gate { break }
        }
        #expect(try await jobs.begin(Self.request("first"), by: Self.author)?.state == .running)
        #expect(try await jobs.begin(Self.request("second"), by: Self.author) == nil)
        #expect(try await Self.log(rooms, "first") == ["unknown: erasure first of a person asked for"])
        open.yield()
        let job = try await Self.ended(jobs, "first")
        #expect(job.state == .done && job.report.ids == 1 && job.remarks == [])
        #expect(job.report.person == Person(), "the list of jobs names nobody")
        #expect(
            try await Self.log(rooms, "first").last
                == "success: erasure first of a person is done: 3 events of 1 days and 0 dead letters changed")
        #expect(try await Self.log(rooms, "second") == [])
        await rooms.close()
    }

    @Test("A refused one, a failed one and a mere look are told apart in the log")
    func outcomes() async throws {
        let rooms = try await TestServer()
        let hold = LegalHold(
            id: 3, tenant: "acme", firstDay: nil, lastDay: nil, reason: "about Mei", owner: "legal", created: Timestamp(milliseconds: 0))
        let jobs = Self.jobs(rooms) { request, _ in
            switch request.name {
            case "held": throw ErasureError.held(days: 2, firstDay: 20_000, hold: hold)
            case "broken": throw ErasureError.damaged(path: "a file", reason: "bad CRC")
            default: break
            }
        }
        for name in ["held", "broken"] {
            _ = try #require(try await jobs.begin(Self.request(name), by: Self.author))
            _ = try await Self.ended(jobs, name)
        }
        _ = try #require(try await jobs.begin(Self.request("look", isDry: true), by: Self.author))
        #expect(try await Self.ended(jobs, "look").state == .done)
        #expect(
            try await Self.log(rooms, "held").last == "denied: erasure held of a person was refused: a legal hold covers days with traces")
        #expect(try await Self.log(rooms, "broken").last == "failure: erasure broken of a person failed")
        #expect(try await Self.log(rooms, "look") == [])
        #expect(jobs.job("held")?.state == .refused && jobs.job("broken")?.problem?.contains("bad CRC") == true)
        await rooms.close()
    }

    @Test("What cannot be recorded is not done, and takes no other's place")
    func notRecorded() async throws {
        let rooms = try await TestServer()
        let jobs = Self.jobs(rooms) { _, _ in Issue.record("it was done") }
        await rooms.close()
        await #expect(throws: Problem.self) { try await jobs.begin(Self.request("first"), by: Self.author) }
        #expect(jobs.list.isEmpty)
    }
}
