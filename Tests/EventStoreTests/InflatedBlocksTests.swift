import EventModel
import Foundation
import GRDB
import TestSupport
import Testing

@testable import EventStore

/// Blocks that are read although only a part of their member was inflated, or nothing more can be.
@Suite struct InflatedBlocksTests {
    /// A compacted store of one day with members of up to four blocks.
    private struct Compacted {
        let folder = try! StoreFolder()
        var feed: EventFeed
        var store: EventStore
        var directory: BlockDirectory
        let day: Int64
        /// Numbers of the blocks of each member that has several.
        let members: [[UInt32]]
        /// Each block's lines, by gzip's own CRC.
        let lines: [UInt32: [UInt8]]

        init(seed: UInt64) throws {
            feed = EventFeed(seed: seed)
            store = try Self.open(folder)
            for _ in 0..<8 {
                for _ in 0..<3 { store.committed(feed.batch(120)) }
                try store.packAll()
            }
            try store.settle()
            let state = try #require(store.snapshot(tenants: nil, times: .min..<(.max)).days.first)
            day = state.partition.day
            let directory = try #require(state.directory)
            self.directory = directory
            let numbers = (1...directory.lastNumber).map { $0 }
            let day = day
            members = Dictionary(grouping: numbers) { InflatedBlocks.Member(day, directory[$0].location) }.values
                .filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
            lines = try Dictionary(uniqueKeysWithValues: numbers.map { ($0, try Self.lines(of: $0, directory)) })
            #expect(members.count > 3 && members.contains { $0.count > 2 })
        }

        static func open(_ folder: StoreFolder) throws -> EventStore {
            try folder.open {
                $0.pieceBytes = 24 << 10
                $0.memberBytes = 20 << 10
                $0.smallestCompactionBytes = 1
            }
        }

        static func lines(of number: UInt32, _ directory: BlockDirectory) throws -> [UInt8] {
            let entry = directory[number]
            var member = [UInt8](repeating: 0, count: Int(entry.location.length))
            #expect(member.withUnsafeMutableBytes { directory.file(of: number)!.read(into: $0, at: Int(entry.location.offset)) })
            let lines = member.withUnsafeBytes { Inflater().bytes(of: $0, count: Int(entry.location.memberBytes)) }
            return Array(try #require(lines)[entry.range])
        }

        /// Asks for blocks one after the other; those that are damaged are missing from the answer.
        func ask(_ numbers: [UInt32], _ cache: InflatedBlocks, upTo extent: InflatedBlocks.Extent, _ scanned: inout Scanned)
            -> [UInt32: [UInt8]]
        {
            var answers: [UInt32: [UInt8]] = [:]
            for number in numbers {
                let lines = cache.lines(of: number, in: directory, day: day, upTo: extent, Inflater(), scanned: &scanned)
                if let lines { answers[number] = Array(lines) }
            }
            return answers
        }

        /// A member of two blocks of much the same length.
        func pair() throws -> [UInt32] {
            try #require(
                members.first {
                    let first = directory[$0[0]]
                    return $0.count == 2 && (0.4...0.6).contains(Double(first.bytes) / Double(first.location.memberBytes))
                })
        }

        func right(_ numbers: [UInt32]) -> [UInt32: [UInt8]] { lines.filter { numbers.contains($0.key) } }

        /// Changes a byte of the member at this part of its way to the end.
        func damage(_ member: [UInt32], at part: Double) throws {
            let location = directory[member[0]].location
            let file = directory.file(of: member[0]) as! MembersFile
            var byte: [UInt8] = [0]
            let offset = Int(location.offset) + Int(Double(location.length) * part)
            #expect(byte.withUnsafeMutableBytes { file.read(into: $0, at: offset) })
            byte[0] ^= 0xFF
            try byte.withUnsafeBytes { try file.write($0, at: offset) }
        }

        mutating func forget(checksumsOf numbers: [UInt32], insteadOf wrong: UInt32 = 0) {
            for number in numbers {
                var location = directory[number].location
                location.checksum = wrong
                directory.relocate([(number, location)], to: location.piece, directory.file(of: number)!, from: [])
            }
        }
    }

    @Test("every block has the right checksum after a compaction, after the next one that only copies it, and after a rebuild")
    func checksums() async throws {
        var made = try Compacted(seed: 301)
        func check(_ directory: BlockDirectory) throws {
            for number in 1...directory.lastNumber {
                let lines = try Compacted.lines(of: number, directory)
                #expect(directory[number].location.checksum == lines.withUnsafeBytes { crc32($0) }, "block \(number)")
            }
        }
        try check(made.directory)
        let day = try #require(made.store.snapshot(tenants: nil, times: .min..<(.max)).days.first?.partition)
        try check(day.loadDirectory())
        for _ in 0..<12 {
            made.store.committed(made.feed.batch(60))
            try made.store.packAll()
            try made.store.settle()
        }
        try check(day.loadDirectory())
        await made.store.close()
        for suffix in ["", "-wal", "-shm"] { unlink(made.folder.path + "/2026-11-20.sqlite" + suffix) }
        made.store = try Compacted.open(made.folder)
        #expect(made.store.report.rebuilt.map(\.events) == [made.feed.events.count])
        try check(try #require(made.store.snapshot(tenants: nil, times: .min..<(.max)).days.first?.partition).loadDirectory())
        await made.store.close()
    }

    @Test("blocks of one member are right in whatever order they are asked for, and a member is inflated twice at most")
    func orders() async throws {
        let made = try Compacted(seed: 302)
        var random = SeededRandom(seed: 303)
        for member in made.members {
            for extents in [[.block], [.member], [.block, .member]] as [[InflatedBlocks.Extent]] {
                for isForward in [true, false] {
                    let cache = InflatedBlocks(largestBytes: 1 << 20)
                    var scanned = Scanned()
                    for number in isForward ? member : member.reversed() {
                        let answer = made.ask([number], cache, upTo: random.pick(extents), &scanned)
                        #expect(answer == made.right([number]), "block \(number), forward \(isForward)")
                    }
                    #expect(made.ask(member, cache, upTo: .block, &scanned) == made.right(member))
                    #expect(scanned.blocksInflated <= 2 && scanned.damagedBlocks == 0)
                    if extents == [.member] || !isForward { #expect(scanned.blocksInflated == 1) }
                    let first = made.directory[member[0]]
                    let isPart = Int(first.bytes) <= Int(first.location.memberBytes) * 3 / 4
                    if extents == [.block], isForward, isPart { #expect(scanned.blocksInflated == 2, "a part, then all") }
                }
            }
        }
        await made.store.close()
    }

    @Test("a cache that keeps nothing, or no more than a part, gives the same blocks")
    func small() async throws {
        let made = try Compacted(seed: 304)
        let numbers = made.members.flatMap { $0 }
        for bytes in [0, 10_000, 30_000] {
            let cache = InflatedBlocks(largestBytes: bytes)
            var scanned = Scanned()
            #expect(made.ask(numbers + numbers.reversed(), cache, upTo: .block, &scanned).count == numbers.count)
            #expect(made.ask(numbers, cache, upTo: .block, &scanned) == made.right(numbers))
            #expect(scanned.damagedBlocks == 0)
        }
        await made.store.close()
    }

    @Test("damage in the first block takes all of its member, whichever block is asked for first", arguments: [0.08, 0.15])
    func damagedStart(part: Double) async throws {
        let made = try Compacted(seed: 305)
        let member = try made.pair()
        try made.damage(member, at: part)
        for order in [member, member.reversed()] {
            for extent in [.block, .member] as [InflatedBlocks.Extent] {
                var scanned = Scanned()
                #expect(made.ask(order, InflatedBlocks(largestBytes: 1 << 20), upTo: extent, &scanned).isEmpty)
                #expect(scanned.damagedBlocks == 2)
            }
        }
        await made.store.close()
    }

    @Test("damage behind a block leaves it readable, and takes the blocks that it lies in and before", arguments: [0.75, 0.95])
    func damagedEnd(part: Double) async throws {
        let made = try Compacted(seed: 306)
        let member = try made.pair()
        try made.damage(member, at: part)
        for order in [member, member.reversed(), member + member] {
            for extent in [.block, .member] as [InflatedBlocks.Extent] {
                var scanned = Scanned()
                let answers = made.ask(order, InflatedBlocks(largestBytes: 1 << 20), upTo: extent, &scanned)
                #expect(answers == made.right([member[0]]))
                #expect(scanned.damagedBlocks == order.count { $0 == member[1] })
            }
        }
        await made.store.close()
    }

    @Test(
        "without a checksum, or with a wrong one, gzip's CRC decides: on a whole member and on a damaged one",
        arguments: [0, 1] as [UInt32])
    func noChecksum(checksum: UInt32) async throws {
        var made = try Compacted(seed: 307)
        let member = try made.pair()
        made.forget(checksumsOf: member, insteadOf: checksum)
        for order in [member, member.reversed()] {
            var scanned = Scanned()
            #expect(made.ask(order, InflatedBlocks(largestBytes: 1 << 20), upTo: .block, &scanned) == made.right(member))
            #expect(scanned.damagedBlocks == 0 && scanned.blocksInflated == 1)
        }
        try made.damage(member, at: 0.95)
        var scanned = Scanned()
        #expect(made.ask(member, InflatedBlocks(largestBytes: 1 << 20), upTo: .block, &scanned).isEmpty)
        #expect(scanned.damagedBlocks == 2)
        await made.store.close()
    }

    @Test("a search finds what lies before the damage, and the damaged block is named")
    func named() async throws {
        let made = try Compacted(seed: 308)
        let member = try made.pair()
        try made.damage(member, at: 0.95)
        let lost = String(decoding: try #require(made.lines[member[1]]), as: UTF8.self).split(separator: "\n").map(String.init)
        var query = SearchQuery()
        query.limit = 1000
        var found: [String] = []
        for person in 0..<40 {
            query.filters = [FieldFilter(.actor, ["u\(person)"])]
            for order in [.ascending, .descending] as [SearchOrder] {
                query.order = order
                let page = try await made.store.search(query)
                found += page.lines.map { String(decoding: $0, as: UTF8.self) }
            }
        }
        let brute = try BruteForce(made.feed.events)
        let expected = (0..<40).flatMap {
            brute.search(tenants: nil, from: nil, to: nil, filters: [FieldFilter(.actor, ["u\($0)"])], clauses: [], descending: true)
        }
        #expect(Set(found) == Set(expected).subtracting(lost))
        #expect(found.count == 2 * Set(found).count)
        let damage = made.store.statistics.damage
        #expect(damage.count == 1 && damage.first?.contains("block \(member[1]) ") == true)
        await made.store.close()
    }

    @Test("an index of format 3 is read as it is, taken over when it is written to, and compaction adds the checksums")
    func formatBefore() async throws {
        var made = try Compacted(seed: 309)
        await made.store.close()
        let index = made.folder.path + "/2026-11-20.sqlite"
        let queue = try DatabaseQueue(path: index)
        try await queue.write { database in
            try database.execute(sql: "ALTER TABLE block DROP COLUMN checksum; UPDATE meta SET value = 3 WHERE key = 'format'")
        }
        try queue.close()
        func format() throws -> Int? {
            try made.store.snapshot(tenants: nil, times: .min..<(.max)).days.first?.partition.read { try Partition.format($0) }
        }
        func checkAll() async throws {
            for event in made.feed.events {
                let line = try await made.store.event(EventID(event.id)!)
                #expect(line == Array(event.line.utf8))
            }
        }
        made.store = try Compacted.open(made.folder)
        #expect(made.store.report.unreadable.isEmpty && made.store.report.rebuilt.isEmpty)
        #expect(try format() == 3)
        try await checkAll()
        let old = try #require(made.store.snapshot(tenants: nil, times: .min..<(.max)).days.first?.partition).loadDirectory()
        #expect(old.lastNumber == made.directory.lastNumber && old.blocks.allSatisfy { $0.location.checksum == 0 })
        made.store.committed(made.feed.batch(360))
        try made.store.packAll()
        #expect(try format() == 4)
        try await checkAll()
        for _ in 0..<4 {
            made.store.committed(made.feed.batch(360))
            try made.store.packAll()
            try made.store.settle()
        }
        let new = try #require(made.store.snapshot(tenants: nil, times: .min..<(.max)).days.first?.partition).loadDirectory()
        #expect(new.blocks.contains { $0.location.checksum != 0 })
        for number in 1...new.lastNumber where new[number].location.checksum != 0 {
            let lines = try Compacted.lines(of: number, new)
            #expect(new[number].location.checksum == lines.withUnsafeBytes { crc32($0) })
        }
        try await checkAll()
        await made.store.close()
        made.store = try Compacted.open(made.folder)
        #expect(made.store.report.rebuilt.isEmpty)
        try await checkAll()
        await made.store.close()
    }

    @Test("of chosen blocks the last in its member needs only a part of it")
    func extents() async throws {
        let made = try Compacted(seed: 310)
        for member in made.members {
            for (index, number) in member.enumerated() {
                let isLast = index == member.count - 1
                let later = Array(member[(index + 1)...])
                #expect(made.directory.extent(of: number, among: [number]) == (isLast ? .member : .block))
                #expect(made.directory.extent(of: number, among: Array(member[...index])) == (isLast ? .member : .block))
                for other in later { #expect(made.directory.extent(of: number, among: [number, other]) == .member) }
            }
        }
        await made.store.close()
    }
}
