import EventModel
import Foundation
import GRDB
import TestSupport
import Testing

@testable import EventStore

@Suite struct RecoveryTests {
    /// Delivers again what a journal would: every batch that reaches beyond `position`.
    private func replay(_ store: EventStore, _ batches: [CommittedBatch]) {
        for batch in batches where batch.endPosition > store.appliedPosition { store.committed(batch) }
    }

    private func checkAll(_ store: EventStore, _ feed: EventFeed) async throws {
        var query = SearchQuery()
        query.limit = 1000
        var found: [String] = []
        repeat {
            let page = try await store.search(query)
            found += page.lines.map { String(decoding: $0, as: UTF8.self) }
            query.cursor = page.nextCursor
        } while query.cursor != nil
        let expected = feed.events.sorted { ($1.time, $1.seq, $1.tenant) < ($0.time, $0.seq, $0.tenant) }.map(\.line)
        let agrees = found == expected
        #expect(agrees, "found \(found.count), expected \(expected.count)")
        let total = try await store.counts(CountQuery()).total
        #expect(total == feed.events.count)
        for event in [feed.events.first!, feed.events[feed.events.count / 2], feed.events.last!] {
            #expect(try await store.event(EventID(event.id)!) == Array(event.line.utf8))
        }
        #expect(try await store.event(EventID(received: feed.received, node: 7, tenant: 0, position: 1 << 40)) == nil)
    }

    @Test("a stop without packing loses nothing and doubles nothing, wherever it comes")
    func stops() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 41)
        var random = SeededRandom(seed: 42)
        var batches: [CommittedBatch] = []
        for round in 0..<8 {
            // Blocks of 8 KiB with little room: some events are packed and some are not when it ends.
            let store = try folder.open { $0.windowBytes = 200 << 10 }
            replay(store, batches)
            #expect(store.appliedPosition <= feed.position)
            for _ in 0..<1 + random.below(12) {
                let batch = feed.batch(1 + random.below(90), millisecondsLater: round == 5 ? 3 * 3_600_000 : 5)
                batches.append(batch)
                store.waitForRoom()
                store.committed(batch)
            }
            if random.below(3) == 0 { try store.packAll() }
            try await checkAll(store, feed)
            await store.close()
        }
    }

    @Test("the floor names the next position and every tenant's last seq")
    func floor() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 43)
        let store = try folder.open()
        store.committed(feed.batch(100))
        try store.packAll()
        #expect(store.appliedPosition == 100)
        await store.close()
        let reopened = try folder.open()
        #expect(reopened.floor.position == 100)
        #expect(reopened.floor.tenants.map(\.lastSeq) == feed.seqs.sorted { $0.key < $1.key }.map(\.value))
        #expect(reopened.floor.tenants.map(\.name) == feed.seqs.keys.sorted().map { EventFeed.tenants[Int($0)] })
        await reopened.close()
    }

    @Test("bytes behind the last block are cut off")
    func membersTail() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 44)
        var store = try folder.open()
        store.committed(feed.batch(300))
        try store.packAll()
        await store.close()
        let members = folder.path + "/2026-11-20.0001.members"
        let handle = FileHandle(forWritingAtPath: members)!
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(repeating: 7, count: 777))
        try handle.close()
        store = try folder.open()
        #expect(store.report.membersBytesCut == 777)
        store.committed(feed.batch(300))
        try store.packAll()
        try await checkAll(store, feed)
        await store.close()
    }

    @Test(
        "a day whose index or members are damaged is made again from its members, and the rest comes from the journal",
        arguments: ["garbage", "truncated", "missing", "old format", "interrupted", "identity page", "short members", "no members"])
    func rebuilt(how: String) async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 45)
        var batches: [CommittedBatch] = []
        var store = try folder.open()
        for day in 0..<3 {
            for _ in 0..<4 {
                let batch = feed.batch(100, millisecondsLater: 5)
                batches.append(batch)
                store.committed(batch)
            }
            if day < 2 { feed.received += 86_400_000 }
            try store.packAll()
        }
        await store.close()
        try damage(folder.path + "/2026-11-21", how)
        store = try folder.open()
        #expect(store.report.unreadable.isEmpty)
        #expect(store.report.rebuilt.map(\.day) == ["2026-11-21"])
        #expect(store.report.rebuilt.first?.movedTo.allSatisfy { FileManager.default.fileExists(atPath: $0) } == true)
        #expect(store.appliedPosition == 0)
        if how.hasSuffix("members") {
            #expect(store.report.rebuilt.first?.missingEvents ?? 0 > 0)
        } else {
            // Nothing is lost although the journal has not said a word.
            #expect(store.report.rebuilt.first?.events == 400)
            try await checkAll(store, feed)
            for event in feed.events where event.identity != 0 {
                #expect(
                    Array(event.body.utf8).withUnsafeBytes { store.look(identity: event.identity, tenant: event.tenant, content: $0) }
                        == .duplicate(seq: event.seq))
            }
        }
        replay(store, batches)
        try await checkAll(store, feed)
        try store.packAll()
        try await checkAll(store, feed)
        await store.close()
        store = try folder.open()
        #expect(store.report.unreadable.isEmpty && store.report.rebuilt.isEmpty)
        #expect(store.appliedPosition == feed.position)
        try await checkAll(store, feed)
        await store.close()
    }

    private func damage(_ base: String, _ how: String) throws {
        let index = URL(fileURLWithPath: base + ".sqlite")
        // The day is over, so its piece may have been compacted or not.
        let day = String(base.suffix(10))
        let piece = try FileManager.default.contentsOfDirectory(atPath: String(base.dropLast(11))).first {
            $0.hasPrefix(day) && PieceName(fileName: $0) != nil
        }
        let members = URL(fileURLWithPath: String(base.dropLast(10)) + piece!)
        switch how {
        case "garbage": try Data(repeating: 0x55, count: 20_000).write(to: index)
        case "truncated": try Data(contentsOf: index).prefix(5000).write(to: index)
        case "missing": try FileManager.default.removeItem(at: index)
        case "old format":
            let queue = try DatabaseQueue(path: index.path)
            try queue.write { try $0.execute(sql: "UPDATE meta SET value = 0 WHERE key = 'format'") }
            try queue.close()
        case "identity page":
            let queue = try DatabaseQueue(path: index.path)
            try queue.write { database in
                let row = try Row.fetchOne(database, sql: "SELECT id, body FROM term_page ORDER BY id & 4398046511103 DESC LIMIT 1")!
                var body: Data = row[1]
                body[body.count / 2] ^= 4
                try database.execute(sql: "UPDATE term_page SET body = ? WHERE id = ?", arguments: [body, row[0] as Int64])
            }
            try queue.close()
        case "interrupted": try Data("begun".utf8).write(to: URL(fileURLWithPath: base + ".rebuild"))
        case "short members": try Data(contentsOf: members).prefix(5000).write(to: members)
        default: try FileManager.default.removeItem(at: members)
        }
    }

    @Test("members that hold no member at all are moved aside and not written over")
    func unreadable() async throws {
        let folder = try StoreFolder()
        let path = folder.path + "/2026-11-20.0001.members"
        try Data(repeating: 0x55, count: 3000).write(to: URL(fileURLWithPath: path))
        var feed = EventFeed(seed: 49)
        let store = try folder.open()
        let moved = store.report.unreadable.first?.movedTo.first { $0.contains("members") }
        #expect(moved.flatMap { FileManager.default.contents(atPath: $0) } == Data(repeating: 0x55, count: 3000))
        store.committed(feed.batch(100))
        try store.packAll()
        try await checkAll(store, feed)
        await store.close()
    }

    @Test("a rebuild steps over a damaged member and says how much it was")
    func rebuiltAroundDamage() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 50)
        var store = try folder.open()
        store.committed(feed.batch(500))
        try store.packAll()
        await store.close()
        let members = URL(fileURLWithPath: folder.path + "/2026-11-20.0001.members")
        var bytes = try Data(contentsOf: members)
        bytes[bytes.count / 2] ^= 0xFF
        try bytes.write(to: members)
        try FileManager.default.removeItem(atPath: folder.path + "/2026-11-20.sqlite")
        store = try folder.open()
        let rebuilt = try #require(store.report.rebuilt.first)
        #expect(rebuilt.damagedBytes > 0 && rebuilt.damagedBytes < 8 << 10)
        #expect(rebuilt.events > 300 && rebuilt.events < 500)
        #expect(try await store.counts(CountQuery()).total == rebuilt.events)
        await store.close()
    }

    @Test("a flipped bit in the index is an error and no wrong answer, is named, and is mended by the next start")
    func damagedPages() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 51)
        var store = try folder.open()
        store.committed(feed.batch(500))
        try store.packAll()
        let path = folder.path + "/2026-11-20.sqlite"
        // Under a store that runs, as a disk does it.
        let queue = try DatabaseQueue(path: path)
        try await queue.write { database in
            for row in try Row.fetchAll(database, sql: "SELECT id, body FROM term_page") {
                var body: Data = row[1]
                body[body.count / 2] ^= 4
                try database.execute(sql: "UPDATE term_page SET body = ? WHERE id = ?", arguments: [body, row[0] as Int64])
            }
        }
        try queue.close()
        var query = SearchQuery()
        query.filters = [FieldFilter(.kind, ["access"])]
        await #expect(throws: SearchError.self) { try await store.search(query) }
        #expect(store.statistics.damage.count == 1)
        #expect(store.statistics.damage.first?.contains("2026-11-20.sqlite") == true)
        let event = feed.events.first { $0.identity != 0 }!
        let match = Array(event.body.utf8).withUnsafeBytes { store.look(identity: event.identity, tenant: event.tenant, content: $0) }
        if case .unavailable = match {} else { Issue.record("\(match)") }
        await store.close()
        store = try folder.open()
        #expect(store.report.rebuilt.map(\.events) == [500])
        #expect(store.statistics.damage.isEmpty)
        try await checkAll(store, feed)
        await store.close()
    }

    @Test("a damaged member is named in the answer and the rest is served")
    func damagedMember() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 46)
        var store = try folder.open()
        store.committed(feed.batch(500))
        try store.packAll()
        await store.close()
        let members = URL(fileURLWithPath: folder.path + "/2026-11-20.0001.members")
        var bytes = try Data(contentsOf: members)
        bytes[bytes.count / 2] ^= 0xFF
        try bytes.write(to: members)
        store = try folder.open()
        var query = SearchQuery()
        query.limit = 1000
        let page = try await store.search(query)
        #expect(page.scanned.damagedBlocks == 1)
        #expect(page.lines.count > 300 && page.lines.count < 500)
        await store.close()
    }

    @Test("the members file is plain gzip that holds every line")
    func zcat() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 47)
        let store = try folder.open()
        store.committed(feed.batch(400))
        try store.packAll()
        await store.close()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "zcat < '\(folder.path)/2026-11-20.0001.members' | sort | md5sum"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let answer = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let lines = folder.path + "/lines"
        try feed.events.map { $0.line + "\n" }.joined().write(toFile: lines, atomically: true, encoding: .utf8)
        let other = Process()
        other.executableURL = URL(fileURLWithPath: "/bin/sh")
        other.arguments = ["-c", "sort '\(lines)' | md5sum"]
        let otherPipe = Pipe()
        other.standardOutput = otherPipe
        try other.run()
        #expect(answer == String(decoding: otherPipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
    }

    @Test("replay gives events in the order of their positions, of one tenant or all")
    func replayOrder() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 48)
        let store = try folder.open()
        for _ in 0..<5 { store.committed(feed.batch(100)) }
        try store.packAll()
        for _ in 0..<2 { store.committed(feed.batch(100)) }
        for (after, tenant, limit) in [(UInt64(0), nil, 1000), (250, nil, 77), (333, UInt32(1), 1000), (650, nil, 10), (699, nil, 10)] {
            let expected = feed.events.filter { $0.position > after && (tenant == nil || $0.tenant == tenant) }.prefix(limit)
            let found = try await store.replay(after: after, tenant: tenant, limit: limit)
            #expect(found.map(\.position) == expected.map(\.position))
            #expect(found.map { String(decoding: $0.line, as: UTF8.self) } == expected.map(\.line))
        }
        await store.close()
    }
}
