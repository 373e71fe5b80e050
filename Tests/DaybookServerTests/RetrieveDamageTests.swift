import ArgumentParser
import DaybookClient
import EventModel
import Foundation
import Testing

@testable import Archive
@testable import DaybookServer
@testable import daybook

/// Packs of archives that have a bad file: what can be read is in them, and they say what is not.
@Suite struct RetrieveDamageTests {
    private func description(_ pack: String) throws -> JSONText {
        try #require(JSONText(Array(FileManager.default.contents(atPath: pack + "/_pack.json")!)))
    }

    private func faults(_ description: JSONText) -> [String] {
        (description["unreadable_files"]?.elements ?? []).map { fault in
            ["day", "file", "missing_events"].map { fault[$0]?.shown ?? "" }.joined(separator: " ")
        }
    }

    private func incomplete(_ house: RetrieveHouse, _ name: String, _ options: [String] = []) async throws -> String {
        do {
            try await house.retrieve(name, options)
            Issue.record("the pack passes for a complete one")
        } catch let code as ExitCode { #expect(code.rawValue == 3) }
        #expect(FileManager.default.fileExists(atPath: house.folder + "/" + name + ".partial"))
        return try house.unpack(name)
    }

    @Test("A file that is missing costs its own day, and once it is back the same command makes the pack whole")
    func missingFile() async throws {
        let house = try await RetrieveHouse()
        let (lost, aside) = (house.archived("2026-11-19", ArchiveFolder.events), house.folder + "/aside")
        try FileManager.default.moveItem(atPath: lost, toPath: aside)
        let pack = try await incomplete(house, "pack.zip", ["--format", "csv"])
        let said = try description(pack)
        #expect(faults(said) == ["2026-11-19 events.ndjson.gz 40"] && said["events"]?.integer == 58)
        let readme = try house.text(pack + "/README.txt")
        #expect(readme.contains("NOT COMPLETE") && readme.contains("2026-11-19, events.ndjson.gz:"))
        let names = try FileManager.default.contentsOfDirectory(atPath: pack + "/tenant=acme/day=2026-11-19").sorted()
        #expect(names == ["_checkpoint", "_manifest.json"])
        #expect(
            FileManager.default.contents(atPath: pack + "/tenant=acme/day=2026-11-21/" + ArchiveFolder.events)
                == FileManager.default.contents(atPath: house.archived("2026-11-21", ArchiveFolder.events)))

        try FileManager.default.moveItem(atPath: aside, toPath: lost)
        let result = try await house.retrieve("pack.zip", ["--format", "csv"])
        #expect(result.isResumed && result.heldBytes > 0)
        try FileManager.default.removeItem(atPath: pack)
        let whole = try description(try house.unpack("pack.zip"))
        #expect(faults(whole) == [] && whole["events"]?.integer == 99)
        #expect(!FileManager.default.fileExists(atPath: house.folder + "/pack.zip.partial"))
        let report = try ArchiveVerifier.verify([pack], ArchiveVerifier.Options(keys: [house.key]))
        #expect(report.result != .tampered)
        // A complete pack is not replaced.
        await #expect(throws: CommandFailure.self) { try await house.retrieve("pack.zip", ["--format", "csv"]) }
        try await house.live.stop()
    }

    @Test("A day's folder that is gone altogether is named")
    func missingFolder() async throws {
        let house = try await RetrieveHouse()
        try FileManager.default.removeItem(atPath: house.live.rooms.folder + "/archive/tenant=acme/day=2026-11-19")
        let pack = try await incomplete(house, "pack.zip")
        #expect(faults(try description(pack)) == ["2026-11-19 _checkpoint 40"])
        #expect(FileManager.default.fileExists(atPath: pack + "/tenant=acme/day=2026-11-21/" + ArchiveFolder.events))
        let found = try await incomplete(house, "found.zip", ["--where", "needle"])
        let said = try description(found)
        let lines = try house.text(found + "/events.ndjson").split(separator: "\n").map(String.init)
        // The store still holds them.
        let unproven = lines.count { RetrieveHouse.day($0) == "2026-11-19" }
        #expect(unproven > 0 && said["unproven_by_damage"]?.integer == unproven && said["unproven"]?.integer == unproven)
        #expect(said["proofs"]?.integer == lines.count { ["2026-11-21"].contains(RetrieveHouse.day($0)) })
        try await house.live.stop()
    }

    @Test("One flipped byte: the file goes into the pack as it is, and a search proves what is left to prove")
    func flippedByte() async throws {
        let house = try await RetrieveHouse()
        let path = house.archived("2026-11-21", ArchiveFolder.events)
        let good = Array(FileManager.default.contents(atPath: path)!)
        var bytes = good
        bytes[200] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let pack = try await incomplete(house, "pack.zip")
        let said = try description(pack)
        #expect(said["damaged_blocks"]?.integer == 1 && faults(said) == ["2026-11-21 events.ndjson.gz 50"])
        #expect(FileManager.default.contents(atPath: pack + "/tenant=acme/day=2026-11-21/" + ArchiveFolder.events).map(Array.init) == bytes)

        let found = try await incomplete(house, "found.zip", ["--where", "needle"])
        let searched = try description(found)
        let lines = try house.text(found + "/events.ndjson").split(separator: "\n").map(String.init)
        let (lost, proven) = (lines.count { RetrieveHouse.day($0) == "2026-11-21" }, lines.count { RetrieveHouse.day($0) == "2026-11-19" })
        #expect(lost > 0 && searched["unproven_by_damage"]?.integer == lost && searched["proofs"]?.integer == proven && proven > 0)
        #expect(try house.text(found + "/README.txt").contains("\(lost) of the events carry no proof"))
        #expect(try ArchiveVerifier.verify([found + "/proofs"], ArchiveVerifier.Options(keys: [house.key])).result == .good)

        try Data(good).write(to: URL(fileURLWithPath: path))
        try FileManager.default.removeItem(atPath: found)
        try await house.retrieve("found.zip", ["--where", "needle"])
        let whole = try description(try house.unpack("found.zip"))
        #expect(whole["unproven"]?.integer == 0 && whole["proofs"]?.integer == lost + proven && faults(whole) == [])
        try await house.live.stop()
    }

    @Test("A count that needs totals alone says that a file is missing, as one by day does")
    func counts() async throws {
        let house = try await RetrieveHouse()
        let rooms = house.live.rooms
        let day = ArchiveFolder.day("2026-11-19")!
        try rooms.server.store.drop(day: day, today: ArchiveFolder.day("2026-12-18")!)
        func count(_ by: String) async throws -> (total: Int, damaged: Int) {
            let answer = try await rooms.get("/v1/counts?tenant=acme" + by)
            let scanned = try answer.json["scanned"] as? [String: Any]
            return (try answer.integer("total"), scanned?["damaged_blocks"] as? Int ?? 0)
        }
        #expect(try await count("") == (97, 0))
        let path = house.archived("2026-11-19", ArchiveFolder.events)
        let good = FileManager.default.contents(atPath: path)!
        try Data().write(to: URL(fileURLWithPath: path))
        for by in ["", "&by=tenant", "&by=day"] { #expect(try await count(by) == (57, 1), "\(by)") }
        try good.write(to: URL(fileURLWithPath: path))
        for by in ["", "&by=tenant", "&by=day"] { #expect(try await count(by) == (97, 0), "\(by)") }
        try await house.live.stop()
    }
}
