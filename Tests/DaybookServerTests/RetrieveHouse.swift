import DaybookClient
import EventModel
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Archive
@testable import DaybookServer
@testable import daybook

/// A live server with five days of the tenant acme: 18 pruned, 19 sealed, 20 quiet, 21 sealed, 22 November still open.
final class RetrieveHouse: Sendable {
    let live: LiveServer
    /// For packs; goes with the object.
    let folder: String
    private let clock: SetClock

    static let tenant = "acme"
    static let eventsByDay = ["2026-11-18": 30, "2026-11-19": 40, "2026-11-20": 0, "2026-11-21": 50, "2026-11-22": 7]

    init() async throws {
        let clock = SetClock("2026-11-18T12:00:00Z")
        self.clock = clock
        folder = FileManager.default.temporaryDirectory.path + "/daybook-retrieve-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        live = try await LiveServer(configure: { settings in
            settings.journal.now = { clock.now }
            settings.archive.now = { clock.now }
            settings.archive.isGentle = false
            settings.archive.checkpointsHourly = false
        })
        for day in 18...22 {
            clock.set("2026-11-\(day)T12:00:00Z")
            let count = Self.eventsByDay["2026-11-\(day)"]!
            let lines = (0..<count).map { Self.event(day * 100 + $0) } + [DaybookServerTests.event(day, tenant: "globex")]
            let answer = try await live.rooms.post("/v1/events", lines.joined(separator: "\n"))
            #expect(try answer.integer("accepted") == count + 1, "\(answer.text.prefix(300))")
            if day < 22 { try await seal("2026-11-\(day)", at: "2026-11-\(day + 1)T00:01:00Z") }
        }
        let archive = live.rooms.server.archive
        let chain = try #require(try archive.catalogue.chains().first { $0.name == Self.tenant })
        let pruner = Pruner(folder: archive.folder, catalogue: archive.catalogue, key: archive.key)
        _ = try pruner.prune(tenant: chain, days: [ArchiveFolder.day("2026-11-18")!], plan: "archive 3d", now: clock.now)
        // The store would still answer for the day whose file went.
        try live.rooms.server.store.drop(day: ArchiveFolder.day("2026-11-18")!, today: ArchiveFolder.day("2026-12-18")!)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func seal(_ day: String, at time: String) async throws {
        clock.set(time)
        let answer = try await live.rooms.ask(.post, "/v1/archives/seal?day=\(day)")
        #expect(answer.text.contains(#""state":"sealed""#), "\(answer.text)")
    }

    /// Every third one holds the word needle; texts are such as tables get wrong.
    static func event(_ number: Int) -> String {
        let summary = number % 3 == 0 ? #"=needle(\"a\", 1)\nüber"# : "@plain, haystack"
        let changes = #"[{"field":"price","old":-1,"new":"+2"}]"#
        return
            #"{"kind":"activity","tenant":"acme","actor":{"id":"u\#(number % 7)","name":"-N\#(number % 7)"},"action":"update","target":{"type":"ticket","id":"T-\#(number)"},"summary":"\#(summary)","changes":\#(changes)}"#
    }

    func erase(_ actor: String) async throws -> Int {
        let request = ErasureRequest(tenant: Self.tenant, id: actor, email: nil, reason: "asked", name: "e1")
        return try await live.rooms.server.archive.erase(request, isDry: false) { _, _ in nil }.total
    }

    var url: String { "http://127.0.0.1:\(live.port)" }
    var key: VerifierKey { live.rooms.server.archive.key.verifier }
    func archived(_ day: String, _ name: String) -> String { live.rooms.folder + "/archive/tenant=acme/day=\(day)/\(name)" }

    /// All lines of the tenant that the store or the archive has, by seq.
    func lines() async throws -> [String] {
        let answer = try await live.rooms.get("/v1/events?tenant=acme&limit=1000")
        return try #require(JSONText(answer.body)?["events"]?.elements).map(\.shown)
            .sorted { Self.seq($0) < Self.seq($1) }
    }

    static func seq(_ line: String) -> Int { JSONText(Array(line.utf8))?["seq"]?.integer ?? -1 }
    static func day(_ line: String) -> String { String(JSONText(Array(line.utf8))?["received"]?.string?.prefix(10) ?? "") }

    @discardableResult
    func retrieve(_ name: String, _ options: [String] = [], probe: @escaping (String) throws -> Void = { _ in }) async throws
        -> RetrieveRun.Result
    {
        let arguments = ["--tenant", "acme", "--from", "2026-11-18", "--to", "2026-11-22", "-o", folder + "/" + name, "--json"] + options
        let command = try RetrieveCommand.parse(arguments + ["--url", url, "--key", live.key])
        return try await command.retrieve(try DaybookClient(url: url, key: live.key), probe: probe)
    }

    /// Takes the pack apart with Python's reader, which checks every checksum. Returns the folder.
    func unpack(_ name: String) throws -> String {
        let target = folder + "/" + name + ".unpacked"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let script = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])"
        process.arguments = ["python3", "-c", script, folder + "/" + name, target]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return target
    }

    func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
}
