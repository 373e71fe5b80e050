import Foundation
import Testing

@testable import Archive
@testable import daybook

/// Retention, holds, erasure and packs as the built program does them.
@Suite("Commands that decide") struct DecisionCommandTests {
    private static func run(_ house: RetrieveHouse, _ arguments: String...) async throws -> DaybookProcess {
        try await DaybookProcess.run(arguments, variables: ["DAYBOOK_URL": house.url, "DAYBOOK_KEY": house.live.key])
    }

    private static func verify(_ house: RetrieveHouse, _ path: String) async throws -> DaybookProcess {
        try await DaybookProcess.run(["verify", path, "--key", house.live.rooms.folder + "/keys/signing.pub", "--json"])
    }

    @Test("A plan is set, shown, lets go of what is confirmed, and is taken back")
    func retention() async throws {
        let house = try await RetrieveHouse()
        let hold = try await Self.run(
            house, "hold", "place", "acme", "--from", "2026-11-19", "--to", "2026-11-19", "--reason", "r", "--owner", "o")
        #expect(hold.status == 0 && hold.output == "Hold 1 stands on acme.\n", "\(hold)")
        let set = try await Self.run(
            house, "retention", "set", "acme", "--recent", "1d", "--archive", "1d", "--reason", "contract", "--json")
        #expect(try set.status == 0 && set.json["archive"] as? String == "1d" && set.json["standard"] as? Bool == false, "\(set)")
        #expect(try set.json["held_days"] as? Int == 1)
        let list = try await Self.run(house, "retention", "list", "--json").json
        let plans = try #require(list["plans"] as? [[String: Any]])
        #expect(
            plans.contains { $0["tenant"] as? String == "acme" && $0["recent"] as? String == "1d" } && list["standard"] is [String: Any])
        let table = try await Self.run(house, "retention")
        #expect(table.status == 0 && table.output.contains("acme") && table.output.contains("(standard)"), "\(table)")

        let file = house.archived("2026-11-19", "events.ndjson.gz")
        func prune() async throws -> DaybookProcess {
            try await Self.run(house, "retention", "prune", "acme", "--through", "2026-11-19", "--json")
        }
        let held = try await prune()
        #expect(try held.status == 0 && held.json["pruned_days"] as? Int == 0 && held.json["waiting_days"] as? Int == 0, "\(held)")
        #expect(FileManager.default.fileExists(atPath: file))
        #expect(try await Self.run(house, "hold", "release", "1").status == 0)
        // The server's own hourly pruning may have been faster.
        let pruned = try await prune()
        #expect(try pruned.status == 0 && [0, 1].contains(pruned.json["pruned_days"] as? Int), "\(pruned)")
        #expect(!FileManager.default.fileExists(atPath: file))
        let none = try await Self.run(house, "retention", "prune", "acme", "--through", "2026-11-19")
        #expect(none.status == 0 && none.output == "Nothing of acme up to 2026-11-19 is past its plan and free to go.\n", "\(none)")
        #expect(try await Self.verify(house, house.live.rooms.folder + "/archive").status == 0)
        let unset = try await Self.run(house, "retention", "unset", "acme")
        #expect(unset.status == 0 && unset.output.contains("(the standard plan)"), "\(unset)")

        let empty = try await Self.run(house, "retention", "set", "acme")
        #expect(empty.status == 64 && empty.errors.contains("Give --recent, --archive or both."), "\(empty)")
        for (arguments, text) in [
            (["set", "acme", "--recent", "+3d"], #""recent" must be such as 30d, not "+3d""#),
            (["set", "acme", "--recent", "40d", "--archive", "30d"], "must not be shorter"),
            (["set", "no tenant", "--recent", "3d"], "is not a tenant's name"),
            (["prune", "acme", "--through", "yesterday"], #""through" must be a date"#),
            (["prune", "nobody", "--through", "2026-11-19"], "nobody"),
        ] {
            let refused = try await DaybookProcess.run(
                ["retention"] + arguments, variables: ["DAYBOOK_URL": house.url, "DAYBOOK_KEY": house.live.key])
            #expect(refused.status == 1 && refused.output == "" && refused.errors.contains(text), "\(arguments): \(refused)")
        }
        try await house.live.stop()
    }

    @Test("A hold refuses an erasure until it is released; then verify shows the erasure")
    func holdAndErase() async throws {
        let house = try await RetrieveHouse()
        let placed = try await Self.run(
            house, "hold", "place", "acme", "--from", "2026-11-19", "--to", "2026-11-19", "--reason", "case 7", "--owner",
            "legal@example.com",
            "--json")
        let id = try #require(try placed.json["id"] as? String)
        #expect(try placed.status == 0 && placed.json["from"] as? String == "2026-11-19" && placed.json["released"] is NSNull, "\(placed)")
        let list = try await Self.run(house, "hold", "list", "--tenant", "acme")
        #expect(list.status == 0 && list.output.contains("case 7") && list.output.contains("stands"), "\(list)")

        let erase = ["erase", "--tenant", "acme", "--actor", "u3", "--reason", "request 4711"]
        func erased(_ more: String...) async throws -> DaybookProcess {
            try await DaybookProcess.run(erase + more, variables: ["DAYBOOK_URL": house.url, "DAYBOOK_KEY": house.live.key])
        }
        let refused = try await erased("--yes")
        #expect(refused.status == 1 && refused.output == "", "\(refused)")
        #expect(refused.errors.contains("The erasure was not done.") && refused.errors.contains("legal hold \(id) (case 7"), "\(refused)")
        let released = try await Self.run(house, "hold", "release", id)
        #expect(released.status == 0 && released.output == "Hold \(id) on acme is released.\n", "\(released)")
        let again = try await Self.run(house, "hold", "release", id)
        #expect(again.status == 1 && again.errors.contains("answered 404"), "\(again)")

        let before = try await house.lines()
        let looked = try await erased()
        #expect(looked.status == 0 && looked.output.contains("Nothing was changed. Add --yes to erase."), "\(looked)")
        #expect(try await house.lines() == before)
        let done = try await erased("--yes", "--json").json
        #expect(done["state"] as? String == "done" && done["events"] as? Int == 14 && done["dead_letters"] as? Int == 0, "\(done)")
        #expect(done["archived_days_rewritten"] as? Int == 2 && done["remarks"] as? [String] == [], "\(done)")
        let report = try await Self.verify(house, house.live.rooms.folder + "/archive/tenant=acme")
        #expect(report.status == 0 && report.output.contains(#""kind":"erased""#), "\(report)")
        let log = try await Self.run(house, "search", "--tenant", "acme", "erasure", "--json").jsonLines
        #expect(Set(log.compactMap { $0["outcome"] as? String }) == ["unknown", "denied", "success"])

        let nobody = try await DaybookProcess.run(["erase", "--tenant", "acme", "--reason", "r"])
        #expect(nobody.status == 64 && nobody.errors.contains("Give --actor, --email or both."), "\(nobody)")
        let named = try await Self.run(
            house, "erase", "--tenant", "acme", "--email", "ana@example.com", "--reason", "ana@example.com asked")
        #expect(named.status == 1 && named.errors.contains("must not name the person"), "\(named)")
        let wide = try await Self.run(
            house, "hold", "place", "acme", "--from", "2026-11-20", "--to", "2026-11-19", "--reason", "r", "--owner", "o")
        #expect(wide.status == 1 && wide.errors.contains("lies behind"), "\(wide)")
        #expect(try await Self.run(house, "hold", "place", "acme", "--owner", "o").status == 64)
        try await house.live.stop()
    }

    @Test("A pack is what verify takes, and a run that was interrupted goes on with what it left")
    func retrieve() async throws {
        let house = try await RetrieveHouse()
        let days = ["--tenant", "acme", "--from", "2026-11-18", "--to", "2026-11-22"]
        func retrieved(_ name: String, _ more: String...) async throws -> DaybookProcess {
            try await DaybookProcess.run(
                ["retrieve"] + days + ["-o", house.folder + "/" + name] + more,
                variables: ["DAYBOOK_URL": house.url, "DAYBOOK_KEY": house.live.key])
        }
        let made = try await retrieved("a.zip", "--json", "--reason", "ticket 4711")
        let json = try made.json
        #expect(made.status == 0 && json["events"] as? Int == 98 && json["resumed"] as? Bool == false, "\(made)")
        #expect(json["verification"] as? String == "good" && json["reason"] as? String == "ticket 4711" && json["days"] is [Any])
        let size = try FileManager.default.attributesOfItem(atPath: house.folder + "/a.zip")[.size] as? Int
        #expect(json["bytes"] as? Int == size)
        let report = try await Self.verify(house, try house.unpack("a.zip"))
        #expect(try report.status == 0 && report.json["events"] as? Int == 90, "\(report)")
        let there = try await retrieved("a.zip")
        #expect(there.status == 1 && there.errors.contains("a.zip is there already."), "\(there)")

        let found = try await retrieved("found.zip", "--where", "needle", "--format", "csv", "--json")
        #expect(try found.status == 0 && found.json["proofs"] as? Int ?? 0 > 20 && found.json["where"] as? String == "needle", "\(found)")
        let proofs = try await Self.verify(house, try house.unpack("found.zip"))
        #expect(try proofs.status == 0 && (proofs.json["proofs"] as? [Any])?.count ?? 0 > 20, "\(proofs)")

        struct Stop: Error {}
        await #expect(throws: Stop.self) {
            var steps = 0
            try await house.retrieve("b.zip") { _ in
                steps += 1
                if steps == 4 { throw Stop() }
            }
        }
        #expect(FileManager.default.fileExists(atPath: house.folder + "/b.zip.partial"))
        let resumed = try await retrieved("b.zip", "--json")
        #expect(
            try resumed.status == 0 && resumed.json["resumed"] as? Bool == true && resumed.json["earlier_ids"] as? [String] != [],
            "\(resumed)")
        let second = try await Self.verify(house, try house.unpack("b.zip"))
        #expect(second.status == 0, "\(second)")
        #expect(!FileManager.default.fileExists(atPath: house.folder + "/b.zip.partial"))

        let nothing = try await Self.run(
            house, "retrieve", "--tenant", "nobody", "--from", "2026-11-18", "--to", "2026-11-19", "-o", house.folder + "/n.zip")
        #expect(nothing.status == 1 && nothing.errors.contains("There is nothing of nobody"), "\(nothing)")
        for (more, text) in [
            (["--from", "someday", "--to", "2026-11-19"], "--from must be a date"),
            (["--from", "2026-11-19", "--to", "2026-11-18"], "lies behind"),
            (["--from", "2026-11-18", "--to", "2026-11-19", "--where", " "], "--where holds no query"),
        ] {
            let refused = try await DaybookProcess.run(["retrieve", "--tenant", "acme", "-o", house.folder + "/n.zip"] + more)
            #expect(refused.status == 64 && refused.errors.contains(text), "\(more): \(refused)")
        }
        let query = try await retrieved("q.zip", "--where", "changes.role:")
        #expect(query.status == 1 && query.errors.contains("answered 400"), "\(query)")
        try await house.live.stop()
    }
}
