import Foundation
import Testing

@testable import Archive
@testable import DaybookServer
@testable import daybook

/// The archive's commands as the built program, against a live server: exit codes, JSON, and what is said to whoever errs.
@Suite("Commands of the archive") struct ArchiveCommandTests {
    private static func run(_ house: RetrieveHouse, _ arguments: String...) async throws -> DaybookProcess {
        try await DaybookProcess.run(arguments, variables: ["DAYBOOK_URL": house.url, "DAYBOOK_KEY": house.live.key])
    }

    private static func publicKey(_ house: RetrieveHouse) -> String { house.live.rooms.folder + "/keys/signing.pub" }

    @Test("archive list gives one object a day, seal follows the day to its end and refuses one that is not over")
    func listAndSeal() async throws {
        let house = try await RetrieveHouse()
        // What is fresh has no day yet.
        try house.live.rooms.server.store.packAll()
        let list = try await Self.run(house, "archive", "list", "--tenant", "acme")
        let days = try list.jsonLines
        #expect(list.status == 0 && list.errors == "")
        #expect(days.map { $0["day"] as? String } == ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"])
        #expect(days.map { $0["state"] as? String } == ["pruned", "sealed", "quiet", "sealed", "open"])
        #expect(days[1]["events"] as? Int == 40 && days[1]["tree_size"] as? Int == 70 && (days[1]["root"] as? String)?.count == 44)
        let part = try await Self.run(house, "archive", "list", "--all", "--from", "2026-11-19", "--to", "2026-11-19", "--json")
        #expect(try Set(part.jsonLines.map { $0["tenant"] as? String }) == ["acme", "globex"])

        let early = try await Self.run(house, "archive", "seal", "2026-11-22")
        #expect(early.status == 1 && early.output == "" && early.errors.contains("2026-11-23T00:00:00Z"), "\(early)")
        let wrong = try await Self.run(house, "archive", "seal", "someday")
        #expect(wrong.status == 1 && wrong.errors.contains("someday"), "\(wrong)")
        try await house.seal("2026-11-22", at: "2026-11-23T00:01:00Z")
        let sealed = try await Self.run(house, "archive", "seal", "2026-11-22", "--json")
        #expect(try sealed.status == 0 && sealed.json["state"] as? String == "sealed", "\(sealed)")
        #expect(try await Self.run(house, "archive", "seal", "2026-11-22").output == "2026-11-22 is sealed.\n")

        for bad in [["list", "--limit", "0"], ["list", "--every"], ["seal"], ["restore"]] {
            let refused = try await DaybookProcess.run(["archive"] + bad)
            #expect(refused.status == 64 && refused.output == "" && refused.errors.contains("Usage:"), "\(bad): \(refused)")
        }
        try await house.live.stop()
    }

    @Test("A checkpoint that was printed verifies what it was printed of, and nothing else")
    func checkpoint() async throws {
        let house = try await RetrieveHouse()
        let note = try await Self.run(house, "archive", "checkpoint", "acme")
        #expect(note.status == 0 && note.output.contains("/tenant=acme\n") && note.output.contains("\n— "), "\(note)")
        let json = try await Self.run(house, "archive", "checkpoint", "acme", "--json").json
        #expect(json["note"] as? String == note.output && json["size"] as? Int ?? 0 >= 120)
        #expect((json["origin"] as? String)?.hasSuffix("/tenant=acme") == true && json["extensions"] is [String])
        let nobody = try await Self.run(house, "archive", "checkpoint", "nobody")
        #expect(nobody.status == 1 && nobody.errors.contains("answered 404"), "\(nobody)")

        let sealed = house.archived("2026-11-21", "_checkpoint")
        let tenant = house.live.rooms.folder + "/archive/tenant="
        let good = try await DaybookProcess.run([
            "verify", tenant + "acme", "--key", Self.publicKey(house), "--checkpoint", sealed, "--json",
        ])
        #expect(try good.status == 0 && good.json["result"] as? String == "good", "\(good)")
        // The history that the checkpoint tells of is gone with its last day.
        try FileManager.default.removeItem(atPath: tenant + "acme/day=2026-11-21")
        try FileManager.default.copyItem(atPath: tenant + "globex/day=2026-11-21/_checkpoint", toPath: house.folder + "/other")
        let cut = try await DaybookProcess.run(["verify", tenant + "acme", "--key", Self.publicKey(house)])
        #expect(cut.status == 0, "without the checkpoint nobody can tell: \(cut)")
        let given = house.folder + "/given"
        try note.output.write(toFile: given, atomically: true, encoding: .utf8)
        let found = try await DaybookProcess.run(["verify", tenant + "acme", "--key", Self.publicKey(house), "--checkpoint", given])
        #expect(found.status == 1, "\(found)")
        try await house.live.stop()
    }

    @Test("verify says by its exit code what it found")
    func verify() async throws {
        let house = try await RetrieveHouse()
        let archive = house.live.rooms.folder + "/archive"
        let key = ["--key", Self.publicKey(house)]
        let good = try await DaybookProcess.run(["verify", archive, "--json"] + key)
        #expect(try good.status == 0 && good.json["result"] as? String == "good" && good.json["tenants"] is [Any], "\(good)")
        let spoken = try await DaybookProcess.run(["verify", archive] + key)
        #expect(spoken.status == 0 && !spoken.output.isEmpty && spoken.errors == "", "\(spoken)")
        let day = try await DaybookProcess.run(["verify", archive + "/tenant=acme/day=2026-11-21", "--partial"] + key)
        #expect(day.status == 3 && day.output.contains("50 events good"), "\(day)")

        let file = house.archived("2026-11-19", "events.ndjson.gz")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        var changed = bytes
        changed[bytes.count / 2] ^= 1
        try changed.write(to: URL(fileURLWithPath: file))
        let tampered = try await DaybookProcess.run(["verify", archive, "--json"] + key)
        #expect(try tampered.status == 1 && tampered.json["result"] as? String == "tampered", "\(tampered)")
        #expect(tampered.output.contains("day=2026-11-19"))
        try bytes.write(to: URL(fileURLWithPath: file))
        #expect(try await DaybookProcess.run(["verify", archive] + key).status == 0)

        let keyless = try await DaybookProcess.run(["verify", archive])
        #expect(keyless.status == 2 && keyless.errors.contains("No public key"), "\(keyless)")
        let noKey = try await DaybookProcess.run(["verify", archive, "--key", "some words"])
        #expect(noKey.status == 2 && noKey.errors.contains("some words is no public key"), "\(noKey)")
        let nowhere = try await DaybookProcess.run(["verify", archive + "/nothing"] + key)
        #expect(nowhere.status == 2 && nowhere.output + nowhere.errors != "", "\(nowhere)")
        let wrong = try await DaybookProcess.run(["verify"] + key)
        #expect(wrong.status == 64 && wrong.errors.contains("Usage:"), "\(wrong)")
        // Signed by somebody else.
        let other = try await TestServer()
        let foreign = try await DaybookProcess.run(["verify", archive, "--key", other.folder + "/keys/signing.pub"])
        #expect(foreign.status == 1, "\(foreign)")
        await other.close()
        try await house.live.stop()
    }

    @Test("prove writes what verify takes, and what was changed in it is found")
    func prove() async throws {
        let house = try await RetrieveHouse()
        let data = house.live.rooms.folder
        let search = try await Self.run(house, "search", "--tenant", "acme", "needle", "--json")
        let event = try #require(try search.jsonLines.first { ($0["received"] as? String)?.hasPrefix("2026-11-21") == true })
        let id = try #require(event["id"] as? String)
        let path = house.folder + "/event.tlog-proof"
        let made = try await DaybookProcess.run(["prove", id, "--data", data, "--tenant", "acme", "-o", path])
        #expect(made.status == 0 && made.output == "" && made.errors == "", "\(made)")
        let printed = try await DaybookProcess.run(["prove", id], variables: ["DAYBOOK_DATA": data])
        #expect(try printed.status == 0 && printed.output == house.text(path))
        let key = ["--key", Self.publicKey(house)]
        #expect(try await DaybookProcess.run(["verify", path] + key).status == 0)
        let moved = try house.text(path).replacing(#/\nindex (\d+)\n/#) { "\nindex \(Int($0.output.1)! - 1)\n" }
        try moved.write(toFile: path, atomically: true, encoding: .utf8)
        let changed = try await DaybookProcess.run(["verify", path] + key)
        #expect(changed.status == 1, "\(changed)")

        let stranger = id.dropLast(4) + "ffff"
        let unknown = try await DaybookProcess.run(["prove", String(stranger), "--data", data])
        #expect(unknown.status == 1 && unknown.output == "" && unknown.errors.contains(stranger), "\(unknown)")
        let noID = try await DaybookProcess.run(["prove", "4711", "--data", data])
        #expect(noID.status == 64 && noID.errors.contains("4711 is no event id"), "\(noID)")
        let nowhere = try await DaybookProcess.run(["prove", id, "--data", house.folder])
        #expect(nowhere.status == 1 && nowhere.errors.contains("There is no archive at"), "\(nowhere)")
        try await house.live.stop()
    }

    @Test("A server that is not there, or does not take the key, is told from one that refuses")
    func unreachable() async throws {
        let house = try await RetrieveHouse()
        let strange = try await DaybookProcess.run(
            ["hold", "list"], variables: ["DAYBOOK_URL": house.url, "DAYBOOK_KEY": "not-a-key"])
        #expect(strange.status == 1 && strange.errors.contains("answered 401") && strange.errors.contains("admin.key"), "\(strange)")
        let bad = try await Self.run(house, "retention", "set", "acme", "--recent", "3 weeks")
        #expect(
            bad.status == 1 && bad.errors.contains(#"answered 400, Bad request: "recent" must be such as 30d, not "3 weeks""#), "\(bad)")
        let (url, key) = (house.url, house.live.key)
        try await house.live.stop()
        let gone = try await DaybookProcess.run(["archive", "list"], variables: ["DAYBOOK_URL": url, "DAYBOOK_KEY": key])
        #expect(gone.status == 1 && gone.errors.contains("Is the server running?"), "\(gone)")
    }
}
