import DaybookClient
import EventModel
import Foundation
import Testing

@testable import Archive
@testable import DaybookServer
@testable import daybook

@Suite struct RetrieveTests {
    private struct Interrupted: Error {}

    private func findings(_ report: VerificationReport) -> [String] {
        report.findings.filter { $0.severity >= .warning }.map { "\($0.kind) \($0.path) \($0.text)" }
    }

    @Test("A pack of whole days holds the sealed files as they are, the open day, the records, and verifies")
    func wholeDays() async throws {
        let house = try await RetrieveHouse()
        let erased = try await house.erase("u3")
        #expect(erased > 0)
        let expected = try await house.lines()
        let result = try await house.retrieve("pack.zip", ["--format", "csv", "--reason", "ticket 4711"])
        #expect(!result.isResumed && !FileManager.default.fileExists(atPath: house.folder + "/pack.zip.partial"))
        let pack = try house.unpack("pack.zip")
        for day in ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"] {
            for name in [ArchiveFolder.events, ArchiveFolder.manifest, ArchiveFolder.checkpoint] {
                let original = FileManager.default.contents(atPath: house.archived(day, name))
                #expect(FileManager.default.contents(atPath: "\(pack)/tenant=acme/day=\(day)/\(name)") == original, "\(day) \(name)")
                #expect((original == nil) == (name == ArchiveFolder.events && ["2026-11-18", "2026-11-20"].contains(day)))
            }
        }
        let records = try FileManager.default.contentsOfDirectory(atPath: pack + "/tenant=acme/_records")
        #expect(records.contains { $0.hasPrefix("prune-") } && records.count >= 3)
        let report = try ArchiveVerifier.verify([pack], ArchiveVerifier.Options(keys: [house.key]))
        #expect(findings(report) == [] && report.result != .tampered && report.tenants.first?.prunedDays == 1)
        #expect(report.events == 90 && report.findings.contains { $0.kind == .erased })

        let open = try house.text(pack + "/open/events.ndjson").split(separator: "\n").map(String.init)
        // The record of the retrieval itself is among them: it was made before anything was given.
        #expect(open == (try await house.lines()).filter { RetrieveHouse.day($0) == "2026-11-22" })
        #expect(open.count == 8 && open.last?.contains("\"type\":\"archive.export\"") == true)
        #expect(open.last?.contains("ticket 4711") == true && open.last?.contains("2026-11-18") == true)

        let table = try house.text(pack + "/events.csv")
        #expect(table.hasPrefix("seq,id,received,time,tenant,kind,"))
        #expect(try rows(pack + "/events.csv", house) == expected.count + 2)
        let readme = try house.text(pack + "/README.txt")
        for part in [
            "ticket 4711", house.key.description, "2026-11-22: not sealed", "2026-11-23T00:15:00", "2026-11-20: nothing was received",
        ] {
            #expect(readme.contains(part), "\(part)\n\(readme)")
        }
        #expect(try house.text(pack + "/keys/signing.pub") == "\(house.key)\n")
        let description = try #require(JSONText(Array(FileManager.default.contents(atPath: pack + "/_pack.json")!)))
        #expect(description["events"]?.integer == 98 && description["open_events"]?.integer == 8)
        #expect(description["days"]?.elements?.compactMap { $0["state"]?.string } == ["pruned", "sealed", "quiet", "sealed", "open"])

        // What was changed behind our back is told.
        let file = pack + "/tenant=acme/day=2026-11-21/" + ArchiveFolder.events
        var bytes = Array(FileManager.default.contents(atPath: file)!)
        bytes[200] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        #expect(try ArchiveVerifier.verify([pack], ArchiveVerifier.Options(keys: [house.key])).result == .tampered)
        try await house.live.stop()
    }

    /// As Python's reader counts them, which also says that every row has all columns.
    private func rows(_ path: String, _ house: RetrieveHouse) throws -> Int {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let script = """
            import csv,sys
            rows=list(csv.reader(open(sys.argv[1],newline='',encoding='utf-8'),strict=True))
            assert {len(r) for r in rows}=={len(rows[0])}
            bad=[c for r in rows[1:] for c in r if c[:1] in '=+-@' and c]
            assert not bad, bad
            at=rows[0].index('summary')
            assert any(r[at]=="'=needle(\\"a\\", 1)\\nüber" for r in rows)
            print(len(rows))
            """
        process.arguments = ["python3", "-c", script, path]
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return Int(String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
    }

    @Test("A search gives the matching lines byte for byte, a proof for each of a sealed day, and says which it cannot prove")
    func search() async throws {
        let house = try await RetrieveHouse()
        #expect(try await house.erase("u3") > 0)
        let expected = try await house.lines().filter { $0.contains("needle") }
        try await house.retrieve("found.zip", ["--where", "needle", "--format", "csv"])
        let pack = try house.unpack("found.zip")
        let found = try house.text(pack + "/events.ndjson").split(separator: "\n").map(String.init)
        // The request was recorded in the open day and names the word itself; that record is no answer to it.
        #expect(try await house.lines().contains { $0.contains("archive.export") && $0.contains("needle") })
        #expect(found.sorted { RetrieveHouse.seq($0) < RetrieveHouse.seq($1) } == expected && expected.count > 20)
        let sealed = expected.filter { RetrieveHouse.day($0) != "2026-11-22" }
        let erased = sealed.filter { $0.contains("[erased]") }
        #expect(!erased.isEmpty && erased.count < sealed.count)
        let proofs = try FileManager.default.contentsOfDirectory(atPath: pack + "/proofs")
        #expect(Set(proofs) == Set(sealed.filter { !erased.contains($0) }.map { "\(RetrieveHouse.seq($0)).tlog-proof" }))
        let report = try ArchiveVerifier.verify([pack + "/proofs"], ArchiveVerifier.Options(keys: [house.key]))
        #expect(report.result == .good && Set(report.proofs.map(\.line)) == Set(sealed).subtracting(erased))
        #expect(try ArchiveVerifier.verify([pack], ArchiveVerifier.Options(keys: [house.key])).result == .good)
        for day in ["2026-11-19", "2026-11-21"] {
            #expect(
                FileManager.default.contents(atPath: "\(pack)/days/day=\(day)/_manifest.json")
                    == FileManager.default.contents(atPath: house.archived(day, ArchiveFolder.manifest)))
        }
        #expect(!FileManager.default.fileExists(atPath: pack + "/days/day=2026-11-20"))
        let description = try #require(JSONText(Array(FileManager.default.contents(atPath: pack + "/_pack.json")!)))
        #expect(description["unproven"]?.integer == erased.count && description["proofs"]?.integer == proofs.count)
        #expect(try house.text(pack + "/README.txt").contains("\(erased.count) of the events cannot be proven"))
        #expect(description["events"]?.integer == expected.count && description["open_events"]?.integer == expected.count - sealed.count)
        // The record of another retrieval is an event like any other.
        try await house.retrieve("again.zip", ["--where", "needle"])
        let again = try house.text(try house.unpack("again.zip") + "/events.ndjson").split(separator: "\n").map(String.init)
        #expect(again.count == expected.count + 1 && again.count { $0.contains("archive.export") } == 1)
        // Received-days, not event times, are asked for.
        try await house.retrieve("day.zip", ["--where", "needle", "--from", "2026-11-21", "--to", "2026-11-21"])
        let day = try house.text(try house.unpack("day.zip") + "/events.ndjson").split(separator: "\n").map(String.init)
        #expect(day.count == expected.count { RetrieveHouse.day($0) == "2026-11-21" })
        #expect(day.allSatisfy { RetrieveHouse.day($0) == "2026-11-21" })
        try await house.live.stop()
    }

    @Test("An interrupted run goes on: what is whole does not come again, what is damaged does")
    func interrupted() async throws {
        let house = try await RetrieveHouse()
        var steps = 0
        await #expect(throws: Interrupted.self) {
            try await house.retrieve("pack.zip") { _ in
                steps += 1
                throw Interrupted()
            }
        }
        let content = house.folder + "/pack.zip.partial/content/tenant=acme/"
        #expect(steps == 1 && !FileManager.default.fileExists(atPath: house.folder + "/pack.zip"))
        let first = try Data(contentsOf: URL(fileURLWithPath: house.archived("2026-11-19", ArchiveFolder.events)))
        let second = try Data(contentsOf: URL(fileURLWithPath: house.archived("2026-11-21", ArchiveFolder.events)))
        #expect(FileManager.default.contents(atPath: content + "day=2026-11-19/" + ArchiveFolder.events) == first)
        // As a connection leaves it that broke in the middle.
        try FileManager.default.createDirectory(atPath: content + "day=2026-11-21", withIntermediateDirectories: true)
        try second.prefix(700).write(to: URL(fileURLWithPath: content + "day=2026-11-21/" + ArchiveFolder.events))
        await #expect(throws: CommandFailure.self) { try await house.retrieve("pack.zip", ["--to", "2026-11-21"]) }
        var received = 0
        await #expect(throws: Interrupted.self) {
            try await house.retrieve("pack.zip") { if $0 == "packed" { throw Interrupted() } }
        }
        // Behind the first event of the open day the line is cut in two.
        let open = house.folder + "/pack.zip.partial/content/open/events.ndjson"
        let lines = try house.text(open).split(separator: "\n")
        try String(lines[0] + "\n" + lines[1].prefix(100)).write(toFile: open, atomically: true, encoding: .utf8)
        // One byte of a file that was there is another.
        var damaged = first
        damaged[60] ^= 1
        try damaged.write(to: URL(fileURLWithPath: content + "day=2026-11-19/" + ArchiveFolder.events))
        let result = try await house.retrieve("pack.zip")
        received = result.receivedBytes
        #expect(result.isResumed && result.heldBytes == first.count + second.count)
        #expect(received >= first.count && received < first.count + second.count + 9 * 1000)
        let pack = try house.unpack("pack.zip")
        #expect(FileManager.default.contents(atPath: pack + "/tenant=acme/day=2026-11-19/" + ArchiveFolder.events) == first)
        #expect(FileManager.default.contents(atPath: pack + "/tenant=acme/day=2026-11-21/" + ArchiveFolder.events) == second)
        let all = try await house.lines().filter { RetrieveHouse.day($0) == "2026-11-22" }
        #expect(try house.text(pack + "/open/events.ndjson").split(separator: "\n").map(String.init) == all)
        #expect(all.count { $0.contains("archive.export") } == 3 && all.last?.contains("continues") == true)
        let report = try ArchiveVerifier.verify([pack], ArchiveVerifier.Options(keys: [house.key]))
        #expect(findings(report) == [])
        try await house.live.stop()
    }

    @Test("A search that was interrupted goes on at its proofs, and a day that was sealed meanwhile gets them too")
    func interruptedSearch() async throws {
        let house = try await RetrieveHouse()
        await #expect(throws: Interrupted.self) {
            try await house.retrieve("found.zip", ["--where", "needle"]) { if $0 == "proved" { throw Interrupted() } }
        }
        let partial = house.folder + "/found.zip.partial/content/proofs"
        let before = try FileManager.default.contentsOfDirectory(atPath: partial)
        try await house.seal("2026-11-22", at: "2026-11-23T00:01:00Z")
        try await house.retrieve("found.zip", ["--where", "needle"])
        let pack = try house.unpack("found.zip")
        let found = try house.text(pack + "/events.ndjson").split(separator: "\n").map(String.init)
        let proofs = try FileManager.default.contentsOfDirectory(atPath: pack + "/proofs")
        #expect(!before.isEmpty && before.count < proofs.count && Set(before).isSubset(of: proofs))
        #expect(Set(proofs) == Set(found.map { "\(RetrieveHouse.seq($0)).tlog-proof" }))
        #expect(try ArchiveVerifier.verify([pack], ArchiveVerifier.Options(keys: [house.key])).result == .good)
        try await house.live.stop()
    }

    @Test("A day that is sealed between list, record and reading is in the pack as a sealed one", arguments: [nil, "needle"])
    func sealedMeanwhile(query: String?) async throws {
        for isLate in [false, true] {
            let house = try await RetrieveHouse()
            let client = try DaybookClient(url: house.url, key: house.live.key)
            let (from, to) = (ArchiveFolder.day("2026-11-18")!, ArchiveFolder.day("2026-11-22")!)
            let request = RetrieveRequest(tenant: "acme", from: from, to: to, query: query, reason: nil)
            #expect(try await RetrieveListing.read(client, request).open.map(\.day) == [to])
            func seal() async throws { try await house.seal("2026-11-22", at: "2026-11-23T00:01:00Z") }
            if !isLate { try await seal() }
            let run = try await RetrieveRun(client, request, output: house.folder + "/pack.zip")
            #expect(run.listing.open.map(\.day) == (isLate ? [to] : []))
            if isLate { try await seal() }
            try await run.run()
            let pack = try house.unpack("pack.zip")
            let description = try #require(JSONText(Array(FileManager.default.contents(atPath: pack + "/_pack.json")!)))
            #expect(description["days"]?.elements?.last?["state"]?.string == "sealed" && description["open_events"]?.integer == 0)
            #expect(description["unproven"]?.integer == 0)
            if query == nil {
                let sealed = FileManager.default.contents(atPath: house.archived("2026-11-22", ArchiveFolder.events))
                #expect(sealed != nil)
                #expect(FileManager.default.contents(atPath: pack + "/tenant=acme/day=2026-11-22/" + ArchiveFolder.events) == sealed)
                #expect(!FileManager.default.fileExists(atPath: pack + "/open"))
                // Of 22 November there is the record of the retrieval besides, unless that came after the seal.
                #expect(description["events"]?.integer == (isLate ? 98 : 97))
            } else {
                let found = try house.text(pack + "/events.ndjson").split(separator: "\n").map(String.init)
                #expect(found.contains { RetrieveHouse.day($0) == "2026-11-22" })
                #expect(description["proofs"]?.integer == found.count)
            }
            try await house.live.stop()
        }
    }

    @Test("A day is read once for all its proofs, until an erasure changes it")
    func keptProver() async throws {
        let house = try await RetrieveHouse()
        let archive = house.live.rooms.server.archive
        let days = ["2026-11-19", "2026-11-21"].map { ArchiveFolder.day($0)! }
        let provers = try days.map { try archive.prover(of: "acme", day: $0) }
        for (day, prover) in zip(days, provers) { #expect(try archive.prover(of: "acme", day: day) === prover) }
        #expect(archive.provers.count == 2 && provers[0] !== provers[1])
        #expect(try await house.erase("u3") > 0)
        #expect(archive.provers.count == 0)
        for (day, prover) in zip(days, provers) { #expect(try archive.prover(of: "acme", day: day) !== prover) }
        try await house.live.stop()
    }

    @Test("Nothing is given without a record, and nothing but what was recorded")
    func recorded() async throws {
        let house = try await RetrieveHouse()
        let rooms = house.live.rooms
        let before = try await house.lines().count
        for body in [
            #"{"tenant":"acme","from":"2026-11-18"}"#, #"{"tenant":"acme","from":"2026-11-19","to":"2026-11-18"}"#,
            #"{"tenant":"../x","from":"2026-11-18","to":"2026-11-18"}"#,
            #"{"tenant":"acme","from":"2026-11-18","to":"2026-11-18","where":"\"open"}"#,
        ] { #expect(try await rooms.post("/v1/retrievals", body).status == 400, "\(body)") }
        #expect(try await house.lines().count == before)
        let good = #"{"tenant":"acme","from":"2026-11-21","to":"2026-11-22"}"#
        let answer = try await rooms.post("/v1/retrievals", good)
        let id = try #require(try answer.json["id"] as? String)
        #expect(answer.status == 201 && id.count == 16)
        #expect(try await house.lines().count == before + 1)
        #expect(try await rooms.get("/v1/retrievals/\(id)/records").status == 200)
        #expect(try await rooms.get("/v1/retrievals/\(id)/open/2026-11-22?after=0").status == 200)
        for path in [
            "0000000000000000/records", "\(id)/open/2026-11-20", "\(id)/records/tenant=globex/_records/x",
            "\(id)/records/tenant=acme/_records/../day=2026-11-21/_manifest.json", "\(id)/records/_records/..", "\(id)",
        ] { #expect(try await rooms.get("/v1/retrievals/" + path).status == 404, "\(path)") }
        #expect(try await rooms.get("/v1/retrievals/\(id)/open/2026-11-21").status == 409)
        #expect(try await rooms.post("/v1/retrievals/\(id)/proofs/2026-11-21", "nothing").status == 400)
        #expect(try await rooms.post("/v1/retrievals/\(id)/proofs/2026-11-18", "").status == 404)
        try await house.live.stop()
    }
}
