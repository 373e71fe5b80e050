import EventModel
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import EventStore

@Suite struct CompactionTests {
    static let day = "2026-11-20"

    /// A store with some pieces of one day and one open block for each tenant.
    private func filled(_ folder: StoreFolder, _ feed: inout EventFeed, rounds: Int = 6) throws -> EventStore {
        let store = try folder.open {
            $0.pieceBytes = 24 << 10
            $0.smallestCompactionBytes = 1
        }
        for _ in 0..<rounds {
            for _ in 0..<3 { store.committed(feed.batch(120)) }
            try store.packAll()
        }
        return store
    }

    private static func pieces(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains(".members") }.sorted()
    }

    /// Every line of the day's files, as `zcat` gives them.
    private static func zcat(_ folder: String) throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "zcat '\(folder)'/*.members"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private static func checkFiles(_ folder: String, _ feed: EventFeed) throws {
        let isSame = try zcat(folder).sorted() == feed.events.map(\.line).sorted()
        #expect(isSame, "zcat gives every line once")
    }

    /// Questions of every kind, chosen by the seed.
    private static func answers(_ store: EventStore, _ feed: EventFeed, seed: UInt64, questions: Int = 30) async throws -> [[String]] {
        var random = SeededRandom(seed: seed)
        var answers: [[String]] = []
        for _ in 0..<questions {
            var query = SearchQuery()
            query.limit = 1 + random.below(80)
            query.order = random.below(2) == 0 ? .descending : .ascending
            if random.below(2) == 0 { query.tenants = [UInt32(random.below(EventFeed.tenants.count))] }
            switch random.below(4) {
            case 0: query.filters = [FieldFilter(.actor, ["u\(random.below(40))"])]
            case 1: query.text = try TextQuery.parse("rare\(random.below(500))")
            case 2: query.text = try TextQuery.parse(random.pick(["billing", "refund", "outage", "tck-4711"]))
            default: break
            }
            var found: [String] = []
            for _ in 0..<3 {
                let page = try await store.search(query)
                #expect(page.scanned.damagedBlocks == 0)
                found += page.lines.map { String(decoding: $0, as: UTF8.self) }
                query.cursor = page.nextCursor
                if query.cursor == nil { break }
            }
            answers.append(found)
            let event = random.pick(feed.events)
            let line = try await store.event(EventID(event.id)!)
            #expect(line == Array(event.line.utf8))
            answers.append([String(try await store.counts(CountQuery()).total)])
        }
        let replayed = try await store.replay(after: nil, tenant: nil, limit: 10_000)
        answers.append(replayed.map { String(decoding: $0.line, as: UTF8.self) })
        return answers
    }

    @Test("a compaction changes no answer, makes one smaller file, and zcat gives every line once", arguments: [71, 72, 73] as [UInt64])
    func sameAnswers(seed: UInt64) async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: seed)
        var store = try filled(folder, &feed)
        let before = try await Self.answers(store, feed, seed: seed)
        let bytes = store.statistics.memberBytes
        #expect(try Self.pieces(folder.path).count > 3)
        #expect(store.statistics.uncompactedBytes == bytes)
        try store.settle()
        #expect(try Self.pieces(folder.path).count == 1)
        #expect(store.statistics.memberBytes < bytes * 9 / 10)
        #expect(store.statistics.compactedBytes == store.statistics.memberBytes)
        #expect(store.statistics.uncompactedBytes == 0 && store.statistics.unmergedRuns == 0 && store.statistics.runs == 1)
        #expect(store.statistics.damage.isEmpty)
        let isSame = try await Self.answers(store, feed, seed: seed) == before
        #expect(isSame, "seed \(seed)")
        try Self.checkFiles(folder.path, feed)
        for event in feed.events where event.identity != 0 {
            let match = Array(event.body.utf8).withUnsafeBytes { store.look(identity: event.identity, tenant: event.tenant, content: $0) }
            #expect(match == .duplicate(seq: event.seq))
        }
        await store.close()
        store = try folder.open()
        #expect(store.report.membersBytesCut == 0 && store.report.rebuilt.isEmpty)
        let isSameAgain = try await Self.answers(store, feed, seed: seed) == before
        #expect(isSameAgain, "seed \(seed), opened again")
        await store.close()
    }

    @Test("a stop at any step of a compaction leaves every event readable once, with the index and without it")
    func stops() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 74)
        let store = try filled(folder, &feed, rounds: 3)
        let before = try await Self.answers(store, feed, seed: 1, questions: 8)
        // A copy of the folder is what a process that is killed at this step leaves.
        let copies = FileManager.default.temporaryDirectory.appendingPathComponent("steps-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: copies, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: copies) }
        let path = folder.path
        store.compactor!.probe { step in
            let copy = "\(copies)/\(step)"
            if !FileManager.default.fileExists(atPath: copy) { try FileManager.default.copyItem(atPath: path, toPath: copy) }
        }
        try store.settle()
        await store.close()
        for step in Compactor.Step.allCases {
            for losesIndex in [false, true] {
                let killed = try StoreFolder(copyOf: "\(copies)/\(step)")
                if losesIndex { for suffix in ["", "-wal", "-shm"] { unlink(killed.path + "/\(Self.day).sqlite" + suffix) } }
                let reopened = try killed.open { $0.smallestCompactionBytes = 1 }
                #expect(reopened.report.unreadable.isEmpty)
                #expect(reopened.report.rebuilt.map(\.events) == (losesIndex ? [feed.events.count] : []), "\(step)")
                #expect(reopened.report.rebuilt.allSatisfy { $0.damagedBytes == 0 })
                let isSame = try await Self.answers(reopened, feed, seed: 1, questions: 8) == before
                #expect(isSame, "stopped at \(step), index lost: \(losesIndex)")
                try Self.checkFiles(killed.path, feed)
                try reopened.settle()
                let isSameSettled = try await Self.answers(reopened, feed, seed: 1, questions: 8) == before
                #expect(isSameSettled, "stopped at \(step), index lost: \(losesIndex), compacted again")
                #expect(try Self.pieces(killed.path).count == 1)
                try Self.checkFiles(killed.path, feed)
                await reopened.close()
            }
        }
    }

    @Test("an index is made again from compacted files, the packer's pieces and what an interrupted compaction left")
    func rebuilt() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 75)
        var store = try filled(folder, &feed)
        let old = try Self.pieces(folder.path)
        let kept = try old.map { try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + $0)) }
        try store.settle()
        for _ in 0..<3 { store.committed(feed.batch(100)) }
        try store.packAll()
        let before = try await Self.answers(store, feed, seed: 2)
        await store.close()
        for (name, bytes) in zip(old, kept) { try bytes.write(to: URL(fileURLWithPath: folder.path + "/" + name)) }
        try Data(repeating: 1, count: 999).write(
            to: URL(fileURLWithPath: folder.path + "/\(Self.day).0001-0099\(PieceName.unfinishedSuffix)"))
        for suffix in ["", "-wal", "-shm"] { unlink(folder.path + "/\(Self.day).sqlite" + suffix) }
        store = try folder.open()
        #expect(store.report.rebuilt.map(\.events) == [feed.events.count])
        let isSame = try await Self.answers(store, feed, seed: 2) == before
        #expect(isSame)
        try Self.checkFiles(folder.path, feed)
        #expect(try Self.pieces(folder.path).count == 2)
        await store.close()
    }

    @Test("lookups that began before a compaction read on in the files it removes")
    func readers() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 76)
        let store = try filled(folder, &feed)
        let snapshot = store.snapshot(tenants: nil, times: .min..<(.max))
        let day = try #require(snapshot.days.first)
        let held = try #require(day.directory)
        try store.settle()
        var scanned = Scanned()
        var lines = 0
        let cache = InflatedBlocks(largestBytes: 0)
        for number in 1...held.lastNumber {
            let block = cache.lines(of: number, in: held, day: day.partition.day, Inflater(), scanned: &scanned)
            lines += block?.count { $0 == UInt8(ascii: "\n") } ?? 0
        }
        #expect(lines == feed.events.count && scanned.damagedBlocks == 0)
        await store.close()
    }

    @Test("lookups and intake go on while files are compacted")
    func meanwhile() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 77)
        let store = try filled(folder, &feed)
        let known = feed.events
        let isRunning = Flag()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var random = SeededRandom(seed: 78)
                repeat {
                    let event = random.pick(known)
                    let line = try? await store.event(EventID(event.id)!)
                    #expect(line == Array(event.line.utf8))
                } while isRunning.value
            }
            for _ in 0..<6 {
                for _ in 0..<2 { store.committed(feed.batch(100)) }
                #expect(throws: Never.self) { try store.packAll() }
                #expect(throws: Never.self) { try store.settle() }
            }
            isRunning.value = false
        }
        #expect(store.statistics.damage.isEmpty)
        #expect(store.statistics.compactions >= 6)
        #expect(try await store.counts(CountQuery()).total == feed.events.count)
        try Self.checkFiles(folder.path, feed)
        await store.close()
    }

    @Test("a damaged member is kept byte for byte and named as before, and all others are compacted")
    func damaged() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 79)
        var store = try filled(folder, &feed)
        let directory = try #require(store.snapshot(tenants: nil, times: .min..<(.max)).days.first?.directory)
        let entry = directory[3]
        let path = directory.file(of: 3)!.path
        await store.close()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let range = Int(entry.location.offset)..<Int(entry.location.offset) + Int(entry.location.length)
        bytes[range.lowerBound + range.count / 2] ^= 0xFF
        let member = bytes[range]
        try bytes.write(to: URL(fileURLWithPath: path))
        store = try folder.open { $0.smallestCompactionBytes = 1 }
        try store.settle()
        let compacted = try Self.pieces(folder.path)
        #expect(compacted.count == 1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + compacted[0])).range(of: member) != nil)
        var query = SearchQuery()
        query.limit = 1000
        var found = 0
        var damagedBlocks = 0
        repeat {
            let page = try await store.search(query)
            found += page.lines.count
            damagedBlocks = max(damagedBlocks, page.scanned.damagedBlocks)
            query.cursor = page.nextCursor
        } while query.cursor != nil
        #expect(found == feed.events.count - Int(entry.count))
        #expect(damagedBlocks == 1)
        await store.close()
    }

    @Test("small blocks of quiet tenants grow together with every compaction")
    func quietTenants() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 80)
        let store = try folder.open {
            $0.smallestCompactionBytes = 1
            $0.blockBytes = 32 << 10
            $0.memberBytes = 64 << 10
        }
        for _ in 0..<40 {
            store.committed(feed.batch(12))
            try store.packAll()
            try store.settle()
        }
        let statistics = store.statistics
        let directory = try #require(store.snapshot(tenants: nil, times: .min..<(.max)).days.first?.directory)
        let members = Set(
            directory.blocks.map {
                BlockLocation(piece: $0.location.piece, length: 0, offset: $0.location.offset, memberBytes: 0, start: 0)
            })
        #expect(statistics.blocks > 100)
        #expect(members.count < 40)
        // Forty compactions left no more files than forty has binary digits.
        #expect(directory.files.count <= 6)
        #expect(statistics.uncompactedBytes == 0)
        try Self.checkFiles(folder.path, feed)
        await store.close()
    }

    @Test(
        "a compaction that finds no room leaves everything as it was, says so, and works later",
        arguments: [Compactor.Step.begun, .written, .renamed])
    func noRoom(step: Compactor.Step) async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 81)
        let store = try filled(folder, &feed)
        let before = try await Self.answers(store, feed, seed: 3)
        let names = try Self.pieces(folder.path)
        let isFull = Flag()
        store.compactor!.probe { if $0 == step, isFull.value { throw StoreError.io(path: "x", operation: "pwrite", errno: ENOSPC) } }
        #expect(throws: StoreError.self) { try store.settle() }
        #expect(try Self.pieces(folder.path) == names)
        #expect(store.statistics.compactionsFailed == 1 && store.statistics.compactions == 0)
        #expect(store.statistics.compactionError?.contains("pwrite") == true)
        let isSame = try await Self.answers(store, feed, seed: 3) == before
        #expect(isSame)
        isFull.value = false
        store.committed(feed.batch(50))
        try store.packAll()
        try store.settle()
        #expect(store.statistics.compactionError == nil && store.statistics.uncompactedBytes == 0)
        try Self.checkFiles(folder.path, feed)
        await store.close()
    }

    @Test("a day that is over is compacted and merged without being asked and without idleness")
    func pastDay() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 82)
        let store = try filled(folder, &feed, rounds: 2)
        let compacted = Wake()
        store.compactor!.probe { if $0 == .removed { compacted.signal() } }
        #expect(store.statistics.compactions == 0)
        feed.received += 86_400_000
        store.committed(feed.batch(100))
        try store.packAll()
        while store.statistics.compactions == 0 { compacted.wait(milliseconds: 1000) }
        #expect(try Self.pieces(folder.path).filter { $0.hasPrefix(Self.day) }.count == 1)
        #expect(try Self.pieces(folder.path).contains("2026-11-21.0001.members"))
        #expect(try await store.counts(CountQuery()).total == feed.events.count)
        try Self.checkFiles(folder.path, feed)
        await store.close()
    }
}

/// True at first.
private final class Flag: Sendable {
    private let state = Mutex(true)
    var value: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
