import Crypto
import EventModel
import Foundation
import TestSupport
import Testing

@testable import Archive
@testable import EventStore

@Suite struct FormatRoundTripTests {
    struct Size: Sendable {
        var seed: UInt64
        var events: Int
        var memberBytes: Int
        var gaps = 0
        var longest = 0
        var bounds = IndexBounds.standard
    }

    static let sizes = [
        Size(seed: 1, events: 1, memberBytes: 4096), Size(seed: 2, events: 2, memberBytes: 1),
        Size(seed: 3, events: 900, memberBytes: 9000),
        Size(seed: 4, events: 3000, memberBytes: 1200, gaps: 10), Size(seed: 5, events: 300, memberBytes: 20_000, longest: 256 << 10),
        // Many runs, and an index that leaves memory.
        Size(
            seed: 6, events: 2000, memberBytes: 3000, gaps: 3, bounds: IndexBounds(runBytes: 100_000, runPairs: 1 << 20, memoryBytes: 5000)),
        Size(seed: 7, events: 1500, memberBytes: 2000, bounds: IndexBounds(runBytes: 1 << 30, runPairs: 900, memoryBytes: 1 << 20)),
    ]

    @Test(arguments: sizes) func contentsAreThoseOfTheLines(_ size: Size) throws {
        let day = FormatDay(seed: size.seed, events: size.events, memberBytes: size.memberBytes, gaps: size.gaps, longest: size.longest)
        let (bytes, contents, leaves) = try day.write(size.bounds)
        #expect(contents.events == size.events)
        #expect(contents.bytes == day.content.count)
        #expect(contents.contentSHA256 == Digest(of: day.content))
        #expect(contents.fileSHA256 == Digest(of: bytes))
        #expect(contents.fileBytes == bytes.count)
        #expect(contents.indexBytes == bytes.count - day.members.reduce(0) { $0 + $1.member.count })
        #expect(leaves == day.events.map { MerkleHash.leaf($0.line) })
        #expect(contents.lineChecksSHA256 == Digest(of: leaves.flatMap { $0.bytes.prefix(2) }))
        #expect((contents.firstSeq, contents.lastSeq) == (day.events.first!.seq, day.events.last!.seq))
        #expect((contents.firstReceived, contents.lastReceived) == (day.events.first!.received, day.events.last!.received))
        #expect((contents.firstPosition, contents.lastPosition) == (day.events.first!.position, day.events.last!.position))
        #expect(contents.minTime == day.events.map(\.time).min())
        #expect(contents.maxTime == day.events.map(\.time).max())
        #expect(contents.counts == Dictionary(grouping: day.events, by: \.kind).mapValues(\.count))
        for (hash, block) in zip(contents.blockHashes, day.blocks) {
            var tree = CompactRange()
            for leaf in leaves[block] { tree.append(leafHash: leaf) }
            #expect(hash == tree.root)
        }
        #expect(contents.blockHashes.count == day.blocks.count)
        #expect(contents.gaps == Self.gaps(day.events.map(\.seq), after: 0))
    }

    static func gaps(_ seqs: [UInt64], after: UInt64) -> [ClosedRange<UInt64>] {
        zip([after] + seqs, seqs).filter { $1 > $0 + 1 }.map { $0 + 1...$1 - 1 }
    }

    @Test(arguments: sizes) func theIndexAnswersAsTheLinesDo(_ size: Size) throws {
        let day = FormatDay(seed: size.seed, events: size.events, memberBytes: size.memberBytes, gaps: size.gaps, longest: size.longest)
        let (bytes, contents, leaves) = try day.write(size.bounds)
        let file = try ArchiveFile.open(MemoryBytes(bytes: bytes, name: "memory"))
        #expect((file.tenant, file.tenantName, file.day) == (day.tenant, day.tenantName, day.day))
        #expect((file.events, file.bytes) == (size.events, day.content.count))
        #expect(
            (file.firstSeq, file.lastSeq, file.minTime, file.maxTime) == (
                contents.firstSeq, contents.lastSeq, contents.minTime, contents.maxTime
            ))
        let blocks = try file.blocks()
        #expect(blocks == contents.blocks)
        var offset = 0
        for (index, range) in day.blocks.enumerated() {
            let events = day.events[range]
            let (lines, member) = day.members[index]
            #expect(
                blocks[index]
                    == ArchiveBlock(
                        firstSeq: events.first!.seq, lastSeq: events.last!.seq, events: events.count, minTime: events.map(\.time).min()!,
                        maxTime: events.map(\.time).max()!, firstPosition: events.first!.position, lastPosition: events.last!.position,
                        offset: offset, length: member.count, bytes: lines.count))
            #expect(try file.member(UInt32(index + 1)) == member)
            #expect(try file.lines(UInt32(index + 1)) == lines)
            offset += member.count
        }
        #expect(try file.lineChecks() == leaves.map { UInt16($0.bytes[0]) << 8 | UInt16($0.bytes[1]) })
        try expectTerms(of: day, in: file)
        try expectRollups(of: day, in: file)
        #expect(file.notes.isEmpty)
    }

    private func expectTerms(of day: FormatDay, in file: ArchiveFile) throws {
        var random = SeededRandom(seed: day.events.last!.seq)
        for _ in 0..<60 {
            let event = random.pick(day.events)
            let word = Term.word(Array(event.word.utf8))
            #expect(try file.candidates(word...word) == numbers(day) { $0.word == event.word })
            let actor = Term.word(Array(event.actor.utf8))
            #expect(try file.candidates(actor...actor) == numbers(day) { $0.actor == event.actor })
            guard let original = event.originalID else { continue }
            let range = Array(original.utf8).withUnsafeBytes { Term.identityRange(originalID: $0) }
            #expect(try file.candidates(range) == numbers(day) { $0.originalID == original })
        }
        let unknown = Term.word(Array("nobody-wrote-this".utf8))
        #expect(try file.candidates(unknown...unknown).isEmpty)
        // Everything, over every page.
        #expect(try file.candidates(0...Term.identities - 1).count == day.blocks.count)
    }

    private func numbers(_ day: FormatDay, _ matches: (FormatDay.Event) -> Bool) -> [UInt32] {
        day.blocks.indices.filter { day.events[day.blocks[$0]].contains(where: matches) }.map { UInt32($0 + 1) }
    }

    private func expectRollups(of day: FormatDay, in file: ArchiveFile) throws {
        let names = Dictionary(uniqueKeysWithValues: try file.combinations().map { ($0.number, [$0.kind, $0.action, $0.outcome]) })
        let hours = day.events.map { $0.time / 3_600_000 }
        let middle = (hours.min()! + hours.max()!) / 2
        for range in [Int64.min...Int64.max, middle...Int64.max, middle...middle, (hours.min()! - 2)...(hours.min()! - 1)] {
            var counted: [[String]: UInt64] = [:]
            try file.rollups(hours: range) { hour, combination, count in counted[[String(hour)] + names[combination]!, default: 0] += count
            }
            var expected: [[String]: UInt64] = [:]
            for event in day.events where range.contains(event.time / 3_600_000) {
                expected[[String(event.time / 3_600_000), event.kind, event.action, event.outcome], default: 0] += 1
            }
            #expect(counted == expected)
        }
    }

    @Test func gapsBeforeAndBetweenLinesAreTold() throws {
        let day = FormatDay(seed: 9, events: 400, memberBytes: 3000, firstSeq: 101, gaps: 20)
        let seqs = day.events.map(\.seq)
        #expect(try day.write(afterSeq: 100).contents.gaps == Self.gaps(seqs, after: 100))
        #expect(try day.write(afterSeq: 97).contents.gaps == [98...100] + Self.gaps(seqs, after: 100))
    }

    @Test func openingAndOneTermCostTwoSmallReads() throws {
        let day = FormatDay(seed: 10, events: 6000, memberBytes: 16 << 10)
        let (bytes, contents, _) = try day.write()
        #expect(contents.indexBytes > ArchiveFile.readAhead)
        let file = try ArchiveFile.open(MemoryBytes(bytes: bytes, name: "memory"))
        #expect(file.scanned == (1, ArchiveFile.readAhead))
        let word = Term.word(Array(day.events[3].word.utf8))
        _ = try file.candidates(word...word)
        #expect(file.scanned.reads <= 2)
        #expect(file.scanned.bytes < ArchiveFile.readAhead + 5000)
    }

    @Test func identitiesAreThoseOfDeduplication() {
        let day = FormatDay(seed: 11, events: 3000, memberBytes: 1000)
        var identity = OriginalIdentity(tenantName: day.tenantName)
        for event in day.events {
            event.line.withUnsafeBytes { line in
                let body = CanonicalLine(line)!.body
                #expect(identity.identity(body) == LineIdentity(body).identity)
            }
        }
    }

    @Test func whatDoesNotBelongIsRefused() throws {
        let day = FormatDay(seed: 12, events: 40, memberBytes: 2000)
        let folder = try FormatFolder()
        func refusal(_ name: String, _ members: [(lines: [UInt8], member: [UInt8])], _ change: (inout FormatDay) -> Void = { _ in }) throws
            -> String?
        {
            var owner = day
            change(&owner)
            var writer = try ArchiveWriter(
                path: folder.path + "/" + name, tenant: owner.tenant, tenantName: owner.tenantName, day: owner.day, afterSeq: 0)
            do {
                for (lines, member) in members {
                    try lines.withUnsafeBytes { lines in try member.withUnsafeBytes { try writer.add(member: $0, lines: lines) } }
                }
                return nil
            } catch ArchiveFormatError.refused(let reason, _) { return reason }
        }
        func made(_ lines: [UInt8]) -> (lines: [UInt8], member: [UInt8]) { (lines, FormatDay.member(lines)) }
        let first = day.members[0]
        #expect(try refusal("good", day.members) == nil)
        #expect(try refusal("tenant", day.members, { $0.tenant += 1 })?.contains("another tenant") == true)
        #expect(try refusal("name", day.members, { $0.tenantName = "acme-02" })?.contains("another tenant") == true)
        #expect(try refusal("day", day.members, { $0.day += 1 })?.contains("another day") == true)
        #expect(try refusal("order", [day.members[1], first])?.contains("comes behind") == true)
        #expect(try refusal("twice", [first, first])?.contains("comes behind") == true)
        #expect(try refusal("end", [made(first.lines.dropLast())])?.contains("no end") == true)
        #expect(try refusal("text", [made(Array("hello, world\n".utf8))])?.contains("not canonical") == true)
        #expect(try refusal("empty", [made([])])?.contains("no end") == true)
        #expect(try refusal("other", [(first.lines, day.members[1].member)])?.contains("gzip member") == true)
        #expect(throws: ArchiveFormatError.io(path: folder.path + "/good", operation: "open", errno: EEXIST)) {
            _ = try ArchiveWriter(path: folder.path + "/good", tenant: 1, tenantName: "a", day: 1, afterSeq: 0)
        }
    }
}
