import EventModel
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Archive
@testable import DaybookServer

/// Mei is erased; everybody else stays.
@Suite struct ErasureTests {

    static func server(_ clock: SetClock) async throws -> TestServer {
        try await TestServer(configure: { settings in
            settings.journal.now = { clock.now }
            settings.archive.now = { clock.now }
            settings.archive.isGentle = false
        })
    }

    static let traces = ["mei.olsen1@oscorp.example.com", "mei.olsen1%40oscorp.example.com", "mei olsen", "u-000002"]

    /// Some of Mei, some about her, most of others.
    static func send(_ rooms: TestServer, _ day: Int, _ tenant: String = "acme") async throws {
        let mei = #""actor":{"id":"u-000002","name":"Mei Olsen","email":"Mei.Olsen1@oscorp.example.com"}"#
        var lines = (0..<200).map { number in
            #"{"id":"d\#(day)n\#(number)","kind":"activity","tenant":"\#(tenant)","actor":{"id":"u-\#(number)","name":"Ana \#(number)"},"action":"update","category":"c","summary":"nothing \#(number)"}"#
        }
        lines[17] = #"{"kind":"activity","tenant":"\#(tenant)",\#(mei),"action":"update","category":"c","ip":"9.8.7.6"}"#
        lines[99] =
            #"{"kind":"activity","tenant":"\#(tenant)","actor":{"id":"u-5"},"action":"update","target":{"type":"user","id":"u-000002","name":"Mei Olsen"},"changes":[{"field":"email","before":"x","after":"mei.olsen1@oscorp.example.com"}],"note":"see https://x/?u=Mei.Olsen1%40oscorp.example.com"}"#
        #expect(try await rooms.post("/v1/events", lines.joined(separator: "\n")).integer("accepted") == 200)
        // One that is rejected and kept.
        let rejected = #"{"kind":"activity","tenant":"\#(tenant)",\#(mei),"time":"never"}"#
        _ = try await rooms.post("/v1/events?tenant=\(tenant)", rejected)
    }

    private static func seal(_ rooms: TestServer, _ day: String) async throws {
        let answer = try await rooms.ask(.post, "/v1/archives/seal?day=\(day)")
        #expect(answer.status == 200 && answer.text.contains("sealed"), "\(answer.text)")
    }

    static func erase(_ rooms: TestServer, dry: Bool, _ tenant: String = "acme") async throws -> [String: Any] {
        let body = #"{"tenant":"\#(tenant)","email":"mei.olsen1@oscorp.example.com","reason":"request 4711","dry_run":"\#(dry)"}"#
        let begun = try await rooms.post("/v1/erasures", body, type: "application/json")
        #expect(begun.status == 202, "\(begun.text)")
        let name = try #require(try begun.json["name"] as? String)
        while true {
            let job = try await rooms.get("/v1/erasures/\(name)").json
            if job["state"] as? String != "running" { return job }
            await Task.yield()
        }
    }

    private static func verify(_ rooms: TestServer) throws -> VerificationReport {
        let key = try VerifierKey(String(contentsOfFile: rooms.folder + "/keys/signing.pub", encoding: .utf8))
        return try ArchiveVerifier.verify([rooms.folder + "/archive"], ArchiveVerifier.Options(keys: [key]))
    }

    /// Files below the data folder that hold `words`, as they lie there or inflated.
    static func holders(_ folder: String, _ words: [String]) throws -> [String] {
        try (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).filter { name in
            let path = folder + "/" + name
            guard let data = FileManager.default.contents(atPath: path) else { return false }
            var texts = [String(decoding: data, as: UTF8.self).lowercased()]
            if data.starts(with: [0x1F, 0x8B]) { texts.append(String(decoding: try inflated(path), as: UTF8.self).lowercased()) }
            return words.contains { word in texts.contains { $0.contains(word) } }
        }
    }

    private static func inflated(_ path: String) throws -> Data {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "gzip -dc < \"$0\"", path]
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(path)")
        return data
    }

    static func lines(_ rooms: TestServer) async throws -> [String] {
        var lines: [String] = []
        var cursor: String?
        repeat {
            let page = try await rooms.get("/v1/events?limit=1000&order=asc" + (cursor.map { "&cursor=\($0)" } ?? ""))
            let events = try #require(try JSONSerialization.jsonObject(with: Data(page.body)) as? [String: Any])
            cursor = events["next_cursor"] as? String
            let list = try #require(events["events"] as? [[String: Any]])
            lines += try list.map { String(decoding: try JSONSerialization.data(withJSONObject: $0, options: .sortedKeys), as: UTF8.self) }
        } while cursor != nil
        return lines
    }

    @Test("Not one byte of the person is left, all others stay, and everything signed before still verifies")
    func erases() async throws {
        let clock = SetClock("2026-11-18T12:00:00Z")
        let rooms = try await Self.server(clock)
        try await Self.send(rooms, 18)
        try await Self.send(rooms, 18, "globex")
        clock.set("2026-11-19T12:00:00Z")
        try await Self.seal(rooms, "2026-11-18")
        try await Self.send(rooms, 19)
        clock.set("2026-11-20T10:00:00Z")
        try await Self.seal(rooms, "2026-11-19")
        try await Self.send(rooms, 20)
        try rooms.server.store.packAll()
        // A checkpoint over the open day as it is, before and after which things are erased.
        clock.set("2026-11-20T11:10:00Z")
        rooms.server.archive.sealer?.look()
        let hourly = rooms.folder + "/archive/tenant=acme/_hourly/2026-11-20T11"
        while !FileManager.default.fileExists(atPath: hourly) { await Task.yield() }
        try await Self.send(rooms, 21)
        let before = try await Self.lines(rooms)
        let holding = try Self.holders(rooms.folder, Self.traces)
        #expect(holding.contains { $0.hasPrefix("journal/") } && holding.contains { $0.hasPrefix("store/") })
        #expect(holding.contains { $0.hasPrefix("archive/") } && holding.contains { $0.hasPrefix("deadletter/") })

        let looked = try await Self.erase(rooms, dry: true)
        #expect(looked["state"] as? String == "done" && looked["events"] as? Int == 8, "\(looked)")
        #expect(try await Self.lines(rooms) == before)
        let done = try await Self.erase(rooms, dry: false)
        #expect(done["state"] as? String == "done" && done["events"] as? Int == 8, "\(done)")
        #expect(done["archived_days_rewritten"] as? Int == 2 && done["dead_letters"] as? Int == 4)

        // Another tenant's Mei is another person as far as anybody knows.
        let left = try Self.holders(rooms.folder, Self.traces).filter { !$0.contains("tenant=globex") }
        #expect(left.allSatisfy { $0.hasPrefix("store/") || $0.hasPrefix("deadletter/") }, "\(left)")
        let other = try await Self.erase(rooms, dry: false, "globex")
        #expect(other["state"] as? String == "done" && other["events"] as? Int == 2)
        #expect(try Self.holders(rooms.folder, Self.traces) == [])

        let after = try await Self.lines(rooms)
        #expect(after.count == before.count + 4, "the two erasures are recorded, and how they ended")
        let stayed = Set(after)
        let changed = before.filter { !stayed.contains($0) }
        #expect(changed.count == 10 && changed.allSatisfy { $0.lowercased().contains("mei") })
        #expect(try await rooms.get("/v1/counts?q=%22mei%20olsen%22").integer("total") == 0)
        #expect(try await rooms.get("/v1/counts?q=erased").integer("total") >= 10)

        var report = try Self.verify(rooms)
        #expect(report.findings.allSatisfy { $0.severity == .info }, "\(report.findings)")
        #expect(report.findings.contains { "\($0)".contains("eras") })
        // The open day's tree goes on over what was erased in it, also after a restart.
        try await rooms.reopen()
        clock.set("2026-11-20T12:10:00Z")
        rooms.server.archive.sealer?.look()
        clock.set("2026-11-21T00:30:00Z")
        try await Self.seal(rooms, "2026-11-20")
        report = try Self.verify(rooms)
        #expect(report.findings.allSatisfy { $0.severity == .info }, "\(report.findings)")
        #expect(try Self.holders(rooms.folder, Self.traces) == [])
        await rooms.close()
    }

    /// Stops an erasure at a step as a kill would: nothing after it is done, and the server begins anew.
    @Test("Stopped at any step, the next start removes what is left, and erasing again leaves nothing", arguments: DayErasure.Step.allCases)
    func stopped(step: DayErasure.Step) async throws {
        let clock = SetClock("2026-11-18T12:00:00Z")
        let rooms = try await Self.server(clock)
        try await Self.send(rooms, 18)
        clock.set("2026-11-19T12:00:00Z")
        try await Self.seal(rooms, "2026-11-18")
        let archive = rooms.server.archive
        let row = try #require(try archive.catalogue.days(tenant: "acme", in: 0...100_000, limit: 1).first)
        // A copy of the folder as it lies there at that step is put back: all that was undone or done after is lost.
        let copy = rooms.folder + "-killed"
        defer { try? FileManager.default.removeItem(atPath: copy) }
        var erasure = DayErasure(
            folder: archive.folder, catalogue: archive.catalogue, key: archive.key, level: 6, erasure: "first",
            reason: "r", now: clock.now)
        let tenant = rooms.folder + "/archive/tenant=acme"
        erasure.probe = { if $0 == step { try FileManager.default.copyItem(atPath: tenant, toPath: copy) } }
        var eraser = PersonEraser(Person(id: "u-000002", email: "mei.olsen1@oscorp.example.com"))
        let isCatalogued = step == .catalogued
        #expect(try erasure.run(row, &eraser)?.events == 2)
        if !isCatalogued { try archive.catalogue.replace(row) }
        try FileManager.default.removeItem(atPath: tenant)
        try FileManager.default.moveItem(atPath: copy, toPath: tenant)
        try await rooms.reopen()
        #expect(try FileManager.default.contentsOfDirectory(atPath: tenant).allSatisfy { !$0.hasSuffix(".erasing") })
        #expect(try Self.verify(rooms).findings.allSatisfy { $0.severity == .info })
        let done = try await Self.erase(rooms, dry: false)
        #expect(done["state"] as? String == "done", "\(done)")
        #expect(try Self.holders(rooms.folder, Self.traces) == [])
        clock.set("2026-11-20T12:00:00Z")
        try await Self.seal(rooms, "2026-11-19")
        #expect(try Self.verify(rooms).findings.allSatisfy { $0.severity == .info })
        await rooms.close()
    }

    @Test(
        "A request that names nobody, or names the person as its reason, is refused",
        arguments: [
            #"{"tenant":"acme","reason":"r"}"#, #"{"tenant":"acme","email":"ana@example.com"}"#,
            #"{"email":"ana@example.com","reason":"r"}"#, #"{"tenant":"acme","email":"ana","reason":"r"}"#,
            #"{"tenant":"acme","email":"ana@example.com","reason":"Ana@Example.com asked"}"#,
            #"{"tenant":"acme","actor":"u1","reason":"r","who":"x"}"#, #"{"tenant":"acme","actor":7,"reason":"r"}"#, "[]",
        ])
    func badRequests(body: String) async throws {
        let rooms = try await TestServer()
        #expect(try await rooms.post("/v1/erasures", body, type: "application/json").status == 400)
        await rooms.close()
    }
}
