import EventModel
import Foundation
import TestSupport
import Testing

@testable import Archive
@testable import DaybookServer

@Suite struct RetentionTests {
    private static func seal(_ rooms: TestServer, _ day: String) async throws {
        let answer = try await rooms.ask(.post, "/v1/archives/seal?day=\(day)")
        #expect(answer.status == 200 && answer.text.contains("sealed"), "\(answer.text)")
    }

    /// Ten sealed days of two tenants, 2026-11-01 to 10; the clock stands at noon of the 11th.
    private static func tenDays(_ clock: SetClock) async throws -> TestServer {
        let rooms = try await TestServer(configure: { settings in
            settings.journal.now = { clock.now }
            settings.archive.now = { clock.now }
            settings.archive.isGentle = false
            settings.archive.checkpointsHourly = false
        })
        for day in 1...10 {
            let date = "2026-11-\(day < 10 ? "0" : "")\(day)"
            clock.set("\(date)T12:00:00Z")
            for tenant in ["acme", "globex"] { _ = try await rooms.post("/v1/events", event(day, tenant: tenant)) }
        }
        clock.set("2026-11-11T12:00:00Z")
        try await seal(rooms, "2026-11-10")
        return rooms
    }

    private static func states(_ rooms: TestServer, _ tenant: String) async throws -> [String] {
        let list = try await rooms.get("/v1/archives?tenant=\(tenant)&to=2026-11-10").json
        return try #require(list["archives"] as? [[String: Any]]).map { $0["state"] as? String ?? "" }
    }

    private static func file(_ rooms: TestServer, _ tenant: String, _ day: Int) -> Bool {
        let name = "/archive/tenant=\(tenant)/day=2026-11-\(day < 10 ? "0" : "")\(day)/events.ndjson.gz"
        return FileManager.default.fileExists(atPath: rooms.folder + name)
    }

    private static func verify(_ rooms: TestServer) throws -> VerificationReport {
        let key = try VerifierKey(String(contentsOfFile: rooms.folder + "/keys/signing.pub", encoding: .utf8))
        return try ArchiveVerifier.verify([rooms.folder + "/archive"], ArchiveVerifier.Options(keys: [key]))
    }

    @Test("Days past a plan wait for a word when they are many, go when it is given, and leave the rest verifiable")
    func prunes() async throws {
        let clock = SetClock("2026-11-01T12:00:00Z")
        let rooms = try await Self.tenDays(clock)
        let set = try await rooms.ask(.put, "/v1/retention/acme", body: Array(#"{"recent":"3d","archive":"4d","reason":"contract"}"#.utf8))
        #expect(set.status == 200 && set.text.contains(#""archive":"4d""#), "\(set.text)")
        let waiting = #""waiting_for_confirmation":{"days":6,"first_day":"2026-11-01","last_day":"2026-11-06"}"#
        #expect(set.text.contains(waiting), "\(set.text)")
        // A clock that jumps ahead an hour or a year deletes nothing by itself.
        clock.set("2027-11-11T13:00:00Z")
        rooms.server.archive.sealer?.look()
        try await rooms.server.archive.exclusively {}
        try await rooms.server.archive.exclusively {}
        #expect(try await Self.states(rooms, "acme").allSatisfy { $0 == "sealed" })
        clock.set("2026-11-11T14:00:00Z")
        let prune = #"{"tenant":"acme","through":"2026-11-04"}"#
        let gone = try await rooms.post("/v1/retention/prune", prune, type: "application/json")
        #expect(gone.status == 200 && gone.text.contains(#""pruned_days":4"#) && gone.text.contains(#""waiting_days":0"#), "\(gone.text)")
        // Two are left past the plan: few enough to go by themselves.
        clock.set("2026-11-11T15:00:00Z")
        rooms.server.archive.sealer?.look()
        while try await Self.states(rooms, "acme").filter({ $0 == "pruned" }).count < 6 { await Task.yield() }
        // The catalogue knows before the files go.
        while (1...6).contains(where: { Self.file(rooms, "acme", $0) }) { await Task.yield() }
        #expect((1...10).map { Self.file(rooms, "acme", $0) } == Array(repeating: false, count: 6) + Array(repeating: true, count: 4))
        #expect((1...10).allSatisfy { Self.file(rooms, "globex", $0) })
        let report = try Self.verify(rooms)
        #expect(report.findings.allSatisfy { $0.severity == .info }, "\(report.findings)")
        #expect(report.findings.contains { "\($0)".contains("prune") })
        let log = try await rooms.get("/v1/events?tenant=acme&q=pruning")
        #expect(try log.events.count == 1)
        await rooms.close()
    }

    @Test("A held day stays whatever the plan and whoever confirms, and goes once the hold is released")
    func held() async throws {
        let clock = SetClock("2026-11-01T12:00:00Z")
        let rooms = try await Self.tenDays(clock)
        _ = try await rooms.ask(.put, "/v1/retention/acme", body: Array(#"{"recent":"1d","archive":"1d"}"#.utf8))
        let hold = #"{"tenant":"acme","from":"2026-11-03","to":"2026-11-05","reason":"case 7","owner":"legal"}"#
        let id = try #require(try await rooms.post("/v1/holds", hold, type: "application/json").json["id"] as? String)
        let prune = #"{"tenant":"acme","through":"2026-11-10"}"#
        var gone = try await rooms.post("/v1/retention/prune", prune, type: "application/json")
        #expect(try gone.integer("pruned_days") == 6, "\(gone.text)")
        #expect((1...10).filter { Self.file(rooms, "acme", $0) } == [3, 4, 5, 10])
        _ = try await rooms.ask(.delete, "/v1/holds/\(id)")
        gone = try await rooms.post("/v1/retention/prune", prune, type: "application/json")
        #expect(try gone.integer("pruned_days") == 3, "\(gone.text)")
        #expect((1...10).filter { Self.file(rooms, "acme", $0) } == [10])
        await rooms.close()
    }

    @Test(
        "A plan without a duration is refused and pins nothing",
        arguments: ["{}", "", #"{"recent":null,"archive":" "}"#, #"{"reason":"r"}"#])
    func emptyPlan(body: String) async throws {
        let rooms = try await TestServer()
        let answer = try await rooms.ask(.put, "/v1/retention/acme", body: Array(body.utf8))
        #expect(answer.status == 400 && answer.text.contains(#"\"recent\""#) && answer.text.contains(#"\"archive\""#), "\(answer.text)")
        #expect(rooms.server.administration.plans.plans.isEmpty)
        let half = try await rooms.ask(.put, "/v1/retention/acme", body: Array(#"{"archive":"90d"}"#.utf8))
        #expect(half.status == 200 && half.text.contains(#""archive":"90d""#), "\(half.text)")
        await rooms.close()
    }

    @Test(
        "What a decision says is bounded, in one line and not blank, and is refused by name",
        arguments: [
            (#"{"tenant":"acme","reason":" \u00a0\u2003","owner":"o"}"#, #"\"reason\" is required"#),
            (#"{"tenant":"acme","reason":"a\nb","owner":"o"}"#, #"\"reason\" must not hold control characters; it has U+000A"#),
            (#"{"tenant":"acme","reason":"r","owner":"o\u0085"}"#, #"\"owner\" must not hold control characters; it has U+0085"#),
            (#"{"tenant":"acme","reason":"r","owner":"\u2028"}"#, #"\"owner\" must not hold control characters; it has U+2028"#),
            (#"{"tenant":"acme","reason":"\#(String(repeating: "ü", count: 513))","owner":"o"}"#, "longer than 1024 bytes; it has 1026"),
            (#"{"tenant":"a b","reason":"r","owner":"o"}"#, #"\"tenant\": \"a b\" is not"#),
            (#"{"tenant":"acme","reason":"r","owner":true}"#, #"\"owner\" must be a string"#),
        ])
    func badValues(body: String, detail: String) async throws {
        let rooms = try await TestServer()
        let answer = try await rooms.post("/v1/holds", body, type: "application/json")
        #expect(answer.status == 400 && answer.text.contains(detail), "\(answer.text)")
        #expect(rooms.server.administration.plans.holds.isEmpty)
        await rooms.close()
    }

    @Test("The longest reason is taken whole")
    func longReason() async throws {
        let rooms = try await TestServer()
        let reason = String(repeating: "ü", count: 512)
        let answer = try await rooms.post(
            "/v1/holds", #"{"tenant":"acme","reason":"\#(reason)","owner":"o"}"#, type: "application/json")
        #expect(try answer.status == 201 && answer.json["reason"] as? String == reason)
        await rooms.close()
    }

    @Test(
        "A plan that cannot be meant is refused by name",
        arguments: [
            #"{"recent":"30"}"#, #"{"archive":"1y"}"#, #"{"recent":"40d","archive":"30d"}"#, #"{"archive":"0d"}"#, #"{"keep":"1d"}"#,
            #"{"recent":"forever"}"#, #"{"recent":"+3d"}"#,
        ])
    func badPlans(body: String) async throws {
        let rooms = try await TestServer()
        #expect(try await rooms.ask(.put, "/v1/retention/acme", body: Array(body.utf8)).status == 400)
        #expect(try await rooms.ask(.put, "/v1/retention/no%20tenant", body: Array(#"{"recent":"3d"}"#.utf8)).status == 400)
        await rooms.close()
    }
}
