import EventModel
import Foundation
import Testing

@testable import EventStore

@Suite struct DayRewriteTests {
    static let day: Int64 = 1_795_168_800_000 / 86_400_000
    static let person = "P7.x@ex1.example.com"

    /// Some pieces of one day, the last of which stays open.
    private func filled(_ folder: StoreFolder, _ feed: inout EventFeed, compacts: Bool) throws -> EventStore {
        let store = try folder.open {
            $0.pieceBytes = 24 << 10
            $0.smallestCompactionBytes = 1
        }
        for round in 0..<4 {
            for _ in 0..<3 { store.committed(feed.batch(120)) }
            try store.packAll()
            if compacts, round == 2 { try store.settle() }
        }
        return store
    }

    /// What erasing person 7 makes of a line; `nil` when nothing of it is in the line.
    static func erased(_ line: String) -> String? {
        guard line.contains(person) else { return nil }
        return line.replacingOccurrences(of: person, with: "[erased]").replacingOccurrences(
            of: "\"id\":\"u7\"", with: "\"id\":\"[erased]\""
        )
        .replacingOccurrences(of: "\"name\":\"Béla O\\\"Neil\"", with: "\"name\":\"[erased]\"")
    }

    static func erase(_ tenant: UInt32, _ line: UnsafeRawBufferPointer) -> [UInt8]? {
        erased(String(decoding: line, as: UTF8.self)).map { Array($0.utf8) }
    }

    private static func stored(_ folder: String) throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "zcat '\(folder)'/*.members"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init).sorted()
    }

    private static func check(_ store: EventStore, _ folder: String, _ feed: EventFeed, _ note: String) async throws {
        let expected = feed.events.map { erased($0.line) ?? $0.line }
        let isSame = try stored(folder) == expected.sorted()
        #expect(isSame, "\(note): every line once, erased or untouched")
        var query = SearchQuery()
        query.limit = 1000
        for (actor, isThere) in [("u7", false), (person, false), ("u8", true), ("[erased]", true)] {
            query.filters = [FieldFilter(.actor, [actor])]
            let lines = try await store.search(query).lines.map { String(decoding: $0, as: UTF8.self) }
            let own = expected.filter { $0.contains("\"id\":\"\(actor)\"") || $0.contains("\"email\":\"\(actor)\"") }
            #expect(lines.sorted() == own.sorted() && own.isEmpty != isThere, "\(note): \(actor)")
        }
        query.filters = []
        query.text = try TextQuery.parse("erased")
        let erasedLines = try await store.search(query).lines.count
        #expect(erasedLines == feed.events.filter { erased($0.line) != nil }.count, "\(note)")
        for event in feed.events.shuffled().prefix(20) {
            let line = try await store.event(EventID(event.id)!).map { String(decoding: $0, as: UTF8.self) }
            #expect(line == erased(event.line) ?? event.line, "\(note)")
        }
        let kinds = try await store.counts(CountQuery(by: [.kind]))
        #expect(kinds.total == feed.events.count && kinds.fromRollups)
        let replayed = try await store.replay(after: nil, tenant: nil, limit: 10_000).map { String(decoding: $0.line, as: UTF8.self) }
        let isReplayed = replayed == expected
        #expect(isReplayed, "\(note): replayed in order")
        #expect(store.statistics.damage.isEmpty)
    }

    @Test(
        "a person's lines are replaced and nothing else, in compacted files and the packer's, and terms follow", arguments: [false, true])
    func rewrites(compacts: Bool) async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 91)
        var store = try filled(folder, &feed, compacts: compacts)
        store.committed(feed.batch(60))
        // Lines in memory: inflated blocks, and blocks that confirmed a duplicate.
        let sent = feed.events[0]
        _ = Array(sent.body.utf8).withUnsafeBytes { store.look(identity: sent.identity, tenant: sent.tenant, content: $0) }
        let lines = try store.rewrite(day: Self.day, Self.erase)
        let expected = feed.events.filter { Self.erased($0.line) != nil }
        #expect(lines.count == expected.count && !lines.isEmpty)
        #expect(Set(lines.map { [UInt64($0.tenant), $0.seq] }) == Set(expected.map { [UInt64($0.tenant), $0.seq] }))
        try await Self.check(store, folder.path, feed, "rewritten")
        #expect(try store.rewrite(day: Self.day, Self.erase).isEmpty)
        // The day goes on, and everything is compacted again.
        store.committed(feed.batch(200))
        _ = try store.rewrite(day: Self.day, Self.erase)
        try store.settle()
        try await Self.check(store, folder.path, feed, "compacted")
        for event in feed.events where event.identity != 0 && Self.erased(event.line) == nil {
            let match = Array(event.body.utf8).withUnsafeBytes { store.look(identity: event.identity, tenant: event.tenant, content: $0) }
            #expect(match == .duplicate(seq: event.seq))
        }
        await store.close()
        store = try folder.open()
        #expect(store.report.rebuilt.isEmpty && store.report.membersBytesCut == 0)
        try await Self.check(store, folder.path, feed, "opened again")
        await store.close()
        for suffix in ["", "-wal", "-shm"] { unlink(folder.path + "/2026-11-20.sqlite" + suffix) }
        store = try folder.open()
        #expect(store.report.rebuilt.map(\.events) == [feed.events.count])
        try await Self.check(store, folder.path, feed, "index made again")
        await store.close()
    }

    @Test("a stop at any step of a rewrite leaves all lines as before or all as after, and it can be done again")
    func stops() async throws {
        for losesIndex in [false, true] {
            let folder = try StoreFolder()
            var feed = EventFeed(seed: 92)
            let store = try filled(folder, &feed, compacts: true)
            let copies = FileManager.default.temporaryDirectory.appendingPathComponent("rewrite-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: copies, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: copies) }
            _ = try store.rewrite(day: Self.day, tenants: nil, LineChange(change: Self.erase)) { step in
                // A copy of the folder is what a process that is killed at this step leaves.
                let copy = "\(copies)/\(step)"
                if !FileManager.default.fileExists(atPath: copy) { try FileManager.default.copyItem(atPath: folder.path, toPath: copy) }
            }
            await store.close()
            for step in EventStore.RewriteStep.allCases {
                let killed = try StoreFolder(copyOf: "\(copies)/\(step)")
                if losesIndex { for suffix in ["", "-wal", "-shm"] { unlink(killed.path + "/2026-11-20.sqlite" + suffix) } }
                let reopened = try killed.open { $0.smallestCompactionBytes = 1 }
                #expect(reopened.report.unreadable.isEmpty && reopened.report.rebuilt.count == (losesIndex ? 1 : 0))
                let lines = try Self.stored(killed.path)
                if !losesIndex {
                    let before = feed.events.map(\.line).sorted()
                    let after = feed.events.map { Self.erased($0.line) ?? $0.line }.sorted()
                    let isWhole = lines == ([.committed, .published, .removed].contains(step) ? after : before)
                    #expect(isWhole, "stopped at \(step)")
                }
                #expect(lines.count == feed.events.count)
                _ = try reopened.rewrite(day: Self.day, Self.erase)
                try await Self.check(reopened, killed.path, feed, "stopped at \(step), index lost: \(losesIndex)")
                try reopened.settle()
                try await Self.check(reopened, killed.path, feed, "compacted after \(step), index lost: \(losesIndex)")
                await reopened.close()
            }
        }
    }

    @Test("a failure at any step before the commit changes nothing and leaves no file behind")
    func failures() async throws {
        struct Full: Error {}
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 93)
        let store = try filled(folder, &feed, compacts: true)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains(".members") }.sorted()
        for step in [EventStore.RewriteStep.begun, .written, .renamed, .indexed] {
            #expect(throws: Full.self) {
                try store.rewrite(day: Self.day, tenants: nil, LineChange(change: Self.erase)) { if $0 == step { throw Full() } }
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains(".members") }.sorted()
            #expect(left == files, "\(step)")
            let isSame = try Self.stored(folder.path) == feed.events.map(\.line).sorted()
            #expect(isSame, "\(step)")
        }
        _ = try store.rewrite(day: Self.day, Self.erase)
        try await Self.check(store, folder.path, feed, "at last")
        await store.close()
    }

    @Test("what another event would be is refused, and one tenant's lines can be rewritten alone")
    func refusals() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 94)
        let store = try filled(folder, &feed, compacts: false)
        let changes: [(String, String)] = [
            ("\"seq\":", "\"seq\":1"), ("\"kind\":\"access\"", "\"kind\":\"activity\""), ("\"outcome\":\"denied\"", "\"outcome\":\"x\""),
            ("\"time\":\"2026-11-20", "\"time\":\"2026-11-21"), ("\"category\":", "\n\"category\":"),
        ]
        for (old, new) in changes {
            #expect(throws: StoreError.self, "\(old)") {
                try store.rewrite(day: Self.day) { _, line in
                    Array(String(decoding: line, as: UTF8.self).replacingOccurrences(of: old, with: new).utf8)
                }
            }
        }
        let lines = try store.rewrite(day: Self.day, tenants: [1], Self.erase)
        #expect(!lines.isEmpty && lines.allSatisfy { $0.tenant == 1 })
        let expected = feed.events.map { $0.tenant == 1 ? Self.erased($0.line) ?? $0.line : $0.line }.sorted()
        let isSame = try Self.stored(folder.path) == expected
        #expect(isSame)
        await store.close()
    }

    @Test("lookups and intake go on while lines are replaced")
    func concurrently() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 95)
        let store = try filled(folder, &feed, compacts: false)
        let count = feed.events.count
        let events = feed.events
        let searches = Task {
            for round in 0..<40 {
                var query = SearchQuery(to: Timestamp(milliseconds: events.map(\.time).max()! + 1))
                query.limit = 1000
                if round % 2 == 0 { query.filters = [FieldFilter(.actor, ["u8"])] }
                let page = try await store.search(query)
                let own = round % 2 == 0 ? events.filter { $0.line.contains("\"id\":\"u8\"") }.count : 1000
                #expect(page.scanned.damagedBlocks == 0 && page.lines.count >= min(own, 1000))
                #expect(try await store.counts(CountQuery()).total >= count)
            }
        }
        for _ in 0..<6 {
            _ = try store.rewrite(day: Self.day, Self.erase)
            store.committed(feed.batch(50))
        }
        try await searches.value
        _ = try store.rewrite(day: Self.day, Self.erase)
        try await Self.check(store, folder.path, feed, "at the end")
        await store.close()
    }
}
