import EventModel
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Archive
@testable import DaybookServer

@Suite struct ArchiveEndpointTests {
    private static let day = ArchiveFolder.day("2026-11-20")!

    /// A server whose clock stands where the test sets it.
    private func server(_ clock: SetClock) async throws -> TestServer {
        try await TestServer(configure: { settings in
            settings.journal.now = { clock.now }
            settings.archive.now = { clock.now }
            settings.archive.isGentle = false
            settings.archive.checkpointsHourly = false
        })
    }

    @Test("A sealed day is listed, downloaded whole and in parts, and searched as before")
    func sealedDay() async throws {
        let clock = SetClock("2026-11-20T12:00:00Z")
        let rooms = try await server(clock)
        for tenant in ["acme", "globex"] {
            let lines = (0..<50).map { event($0, tenant: tenant) }.joined(separator: "\n")
            #expect(try await rooms.post("/v1/events", lines).integer("accepted") == 50)
        }
        let early = try await rooms.ask(.post, "/v1/archives/seal?day=2026-11-20")
        #expect(
            try early.status == 409 && early.json["title"] as? String == "Conflict" && early.text.contains("is not over")
                && early.text.contains("2026-11-21T00:00:00Z"))
        clock.set("2026-11-21T00:01:00Z")
        let sealed = try await rooms.ask(.post, "/v1/archives/seal?day=2026-11-20")
        #expect(sealed.status == 200 && sealed.text.contains(#""state":"sealed""#), "\(sealed.text)")
        _ = try await rooms.post("/v1/events", event(1, tenant: "globex"))
        // As it lies in the window, and packed with more in the window.
        for count in 1...2 {
            let open = try #require(try await rooms.get("/v1/archives").json["open"] as? [[String: Any]])
            #expect(open.count == 1 && open[0]["events"] as? Int == count && open[0]["tenant"] as? String == "globex")
            if count == 1 {
                try rooms.server.store.packAll()
                _ = try await rooms.post("/v1/events", event(2, tenant: "globex"))
            }
        }
        #expect((try await rooms.get("/v1/archives?tenant=acme").json["open"] as? [[String: Any]])?.isEmpty == true)

        let list = try await rooms.get("/v1/archives?from=2026-11-01").json
        let archives = try #require(list["archives"] as? [[String: Any]])
        #expect(archives.map { $0["tenant"] as? String } == ["acme", "globex"] && list["sealed_through"] as? String == "2026-11-20")
        #expect(archives.allSatisfy { $0["state"] as? String == "sealed" && $0["events"] as? Int == 50 && $0["tree_size"] as? Int == 50 })
        #expect((list["open"] as? [[String: Any]])?.map { $0["day"] as? String } == ["2026-11-21"])
        let page = try await rooms.get("/v1/archives?limit=1").json
        let cursor = try #require(page["next_cursor"] as? String)
        let next = try await rooms.get("/v1/archives?limit=1&cursor=\(cursor)").json
        #expect((next["archives"] as? [[String: Any]])?.first?["tenant"] as? String == "globex" && next["next_cursor"] is NSNull)

        let base = "/v1/archives/acme/2026-11-20/"
        let whole = try await rooms.get(base + "events.ndjson.gz")
        let onDisk = try Data(contentsOf: URL(fileURLWithPath: rooms.folder + "/archive/tenant=acme/day=2026-11-20/events.ndjson.gz"))
        #expect(whole.status == 200 && Data(whole.body) == onDisk && whole.headers[.contentType] == "application/gzip")
        #expect(whole.body.count == archives[0]["file_bytes"] as? Int)
        for (range, expected) in [
            ("bytes=5-9", 5..<10), ("bytes=10-", 10..<onDisk.count), ("bytes=-7", onDisk.count - 7..<onDisk.count),
            ("bytes=3-9223372036854775807", 3..<onDisk.count), ("bytes=-9223372036854775807", 0..<onDisk.count),
        ] {
            let part = try await rooms.ask(.get, base + "events.ndjson.gz", ["Range": range])
            #expect(part.status == 206 && Data(part.body) == onDisk[expected])
            #expect(part.headers[.contentRange] == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/\(onDisk.count)")
        }
        // What is no range is passed over.
        for range in ["bytes=+5-+9", "bytes=5-99999999999999999999", "bytes=9-5"] {
            #expect(try await rooms.ask(.get, base + "events.ndjson.gz", ["Range": range]).status == 200, "\(range)")
        }
        let behind = try await rooms.ask(.get, base + "events.ndjson.gz", ["Range": "bytes=\(onDisk.count)-"])
        #expect(behind.status == 416 && behind.headers[.contentRange] == "bytes */\(onDisk.count)")
        #expect(try behind.json["title"] as? String == "Range not satisfiable" && behind.json["status"] as? Int == 416)
        let manifest = try Manifest(json: try await rooms.get(base + "_manifest.json").body)
        #expect(manifest.contents?.events == 50)
        let checkpoint = try await rooms.get("/v1/archives/acme/_checkpoint")
        let sealedCheckpoint = try await rooms.get(base + "_checkpoint")
        #expect(checkpoint.text.contains("day 2026-11-20") && checkpoint.body == sealedCheckpoint.body)
        for path in [
            "acme/2026-11-19/_manifest.json", "acme/2026-11-20/passwd", "../keys/signing.key", "acme/2026-11-20", "nobody/_checkpoint",
        ] {
            #expect(try await rooms.get("/v1/archives/" + path).status == 404, "\(path)")
        }
        #expect(try await rooms.get("/v1/archives?day=1").status == 400)
        #expect(try await rooms.ask(.post, "/v1/archives/seal?day=someday").status == 400)

        let health = try await rooms.get("/health/ready").json
        #expect(((health["rooms"] as? [String: Any])?["archive"] as? [String: Any])?["state"] as? String == "good", "\(health)")
        let metrics = try await rooms.get("/metrics").text
        #expect(
            metrics.contains("daybook_archive_sealed_events_total 100\n")
                && metrics.contains(#"daybook_follower_lag_events{follower="archive"}"#))
        try await rooms.reopen()
        #expect(try await rooms.get("/v1/archives").text.contains(#""sealed_through":"2026-11-20""#))
        await rooms.close()
    }

    @Test("What fails is told by health and by the answer, and the server goes on")
    func failure() async throws {
        let clock = SetClock("2026-11-20T12:00:00Z")
        let rooms = try await server(clock)
        for tenant in ["acme", "bad"] { _ = try await rooms.post("/v1/events", event(1, tenant: tenant)) }
        clock.set("2026-11-21T00:01:00Z")
        rooms.server.archive.sealer!.probe { step, tenant in
            if tenant == "bad", step == .described { throw ArchiveFileError("a file", "write", EIO) }
        }
        let answer = try await rooms.ask(.post, "/v1/archives/seal?day=2026-11-20")
        #expect(answer.text.contains(#""state":"failed""#) && answer.text.contains(#""tenant":"bad""#))
        let health = try await rooms.get("/health/ready")
        #expect(health.status == 200 && health.text.contains("of tenant bad: write a file"))
        #expect(try await rooms.post("/v1/events", event(2)).integer("accepted") == 1)
        await rooms.close()
    }

    @Test("A wrong setting of the archive stops the start and is named")
    func settings() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/daybook-settings-\(UUID().uuidString)"
        func read(_ environment: [String: String]) throws -> Settings {
            try Settings.read(ServeOptions(data: folder, pipelines: TestServer.pipelines), environment: environment)
        }
        for (key, value) in [
            ("DAYBOOK_ARCHIVE_ORIGIN", "two words"), ("DAYBOOK_ARCHIVE_CHECKPOINT_WEBHOOK", "ftp://x"), ("DAYBOOK_STORE_KEEP", "3d"),
            ("DAYBOOK_ARCHIVE_SEAL_GRACE", "13h"),
        ] { #expect(throws: SettingsError.self, "\(key)") { try read([key: value]) } }
        let settings = try read([
            "DAYBOOK_STORE_KEEP": "60d", "DAYBOOK_ARCHIVE_JOURNAL_BYTES": "1GiB", "DAYBOOK_ARCHIVE_ORIGIN": "a.example",
        ])
        #expect(
            settings.archive.keep == .seconds(60 * 86_400) && settings.archive.journalBytes == 1 << 30
                && settings.archive.origin == "a.example")
        #expect(settings.archive.folder == folder + "/archive" && settings.archive.keys == folder + "/keys")
    }
}
