import Foundation
import TestSupport
import Testing

@testable import Archive
@testable import EventStore

/// Whatever happens to a file's bytes: each answer is either right or says that it is not, and what was not touched stays
/// readable.
@Suite struct FormatDamageTests {
    /// The seqs that can still be read. Fails when a line is read that was never written, or when a lookup misses one
    /// without meeting anything that cannot be read.
    private func survivors(_ bytes: [UInt8], of day: FormatDay, probes: [FormatDay.Event]) throws -> Set<UInt64> {
        let file: ArchiveFile
        do {
            file = try ArchiveFile.open(MemoryBytes(bytes: bytes, name: "memory"))
        } catch ArchiveFormatError.damaged {
            return []
        }
        let written = Dictionary(uniqueKeysWithValues: day.events.map { ($0.seq, $0) })
        var read: [UInt32: Set<UInt64>] = [:]
        var all: Set<UInt64> = []
        let blocks = try file.blocks()
        for number in UInt32(1)...UInt32(max(1, blocks.count)) where !blocks.isEmpty {
            guard let lines = try lines(number, file) else { continue }
            let seqs = lines.map { line in line.withUnsafeBytes { seq($0) } }
            for (seq, line) in zip(seqs, lines) { #expect(written[seq]?.line == Array(line)) }
            read[number] = Set(seqs)
            all.formUnion(seqs)
        }
        let isWhole = all.count == day.events.count
        for event in probes {
            let word = Term.word(Array(event.word.utf8))
            let candidates = try file.candidates(word...word)
            let found = candidates.reduce(into: Set<UInt64>()) { $0.formUnion(read[$1] ?? []) }
            let expected = Set(day.events.filter { $0.word == event.word }.map(\.seq))
            #expect(expected.isSubset(of: found) || candidates.contains { read[$0] == nil }, "a lookup misses events and does not say so")
        }
        var counted: UInt64 = 0
        try file.rollups(hours: Int64.min...Int64.max) { counted += $2 }
        let checks = try file.lineChecks()
        if file.notes.isEmpty || isWhole {
            #expect(counted == day.events.count)
            #expect(checks == day.events.map { MerkleHash.leaf($0.line).bytes }.map { UInt16($0[0]) << 8 | UInt16($0[1]) })
        }
        return all
    }

    private func lines(_ number: UInt32, _ file: ArchiveFile) throws -> [ArraySlice<UInt8>]? {
        do {
            return try file.lines(number).split(separator: UInt8(ascii: "\n"))
        } catch ArchiveFormatError.damaged {
            return nil
        }
    }

    private func seq(_ line: UnsafeRawBufferPointer) -> UInt64 {
        line.dropFirst(7).prefix { $0 != UInt8(ascii: ",") }.reduce(0) { $0 * 10 + UInt64($1 - 48) }
    }

    /// Seqs of the blocks that any of `places` lies in.
    private func touched(_ places: [Int], _ blocks: [ArchiveBlock], _ day: FormatDay) -> Set<UInt64> {
        var seqs: Set<UInt64> = []
        for (block, range) in zip(blocks, day.blocks)
        where places.contains(where: { (block.offset..<block.offset + block.length).contains($0) }) {
            seqs.formUnion(day.events[range].map(\.seq))
        }
        return seqs
    }

    private func expect(_ places: [Int], _ bytes: [UInt8], _ blocks: [ArchiveBlock], _ day: FormatDay, _ random: inout SeededRandom) throws
    {
        var damaged = bytes
        for place in places { damaged[place] ^= 1 << UInt8(random.below(8)) }
        #expect(Digest(of: damaged) != Digest(of: bytes))
        let left = try survivors(damaged, of: day, probes: (0..<3).map { _ in random.pick(day.events) })
        let lost = Set(day.events.map(\.seq)).subtracting(left)
        #expect(lost.isSubset(of: touched(places, blocks, day)), "flips at \(places) cost more than the blocks they are in")
    }

    @Test func aFlipAtAnyByteOfASmallFileCostsItsBlockAtMost() throws {
        let day = FormatDay(seed: 41, events: 9, memberBytes: 1700)
        let (bytes, contents, _) = try day.write()
        #expect(contents.blocks.count >= 3)
        var random = SeededRandom(seed: 1)
        for place in bytes.indices { try expect([place], bytes, contents.blocks, day, &random) }
    }

    @Test func aFlipInEach4KiBOfALargerFileCostsItsBlockAtMost() throws {
        let day = FormatDay(seed: 42, events: 8000, memberBytes: 60_000)
        let (bytes, contents, _) = try day.write()
        #expect(contents.indexBytes > IndexMember.fullLength)
        var random = SeededRandom(seed: 2)
        for start in stride(from: 0, to: bytes.count, by: 4096) {
            try expect([min(bytes.count - 1, start + random.below(4096))], bytes, contents.blocks, day, &random)
        }
    }

    @Test func flipsInDataAndIndexAtOnceCostTheirBlocksAtMost() throws {
        let day = FormatDay(seed: 43, events: 60, memberBytes: 3000)
        let (bytes, contents, _) = try day.write()
        let data = contents.fileBytes - contents.indexBytes
        var random = SeededRandom(seed: 3)
        for _ in 0..<400 {
            let places = [random.below(data), random.below(data), data + random.below(contents.indexBytes)]
            try expect(places, bytes, contents.blocks, day, &random)
        }
    }

    @Test func aFileCutAtAnyLengthKeepsItsWholeBlocks() throws {
        let day = FormatDay(seed: 44, events: 9, memberBytes: 1700)
        let (bytes, contents, _) = try day.write()
        for length in bytes.indices {
            let left = try survivors(Array(bytes[..<length]), of: day, probes: [day.events[0], day.events[8]])
            let whole = zip(contents.blocks, day.blocks).filter { $0.0.offset + $0.0.length <= length }
            #expect(left == Set(whole.flatMap { day.events[$0.1].map(\.seq) }), "cut to \(length)")
        }
    }

    @Test func aFileThatIsNoneIsRefused() throws {
        for bytes in [[], [1], Array(repeating: 0, count: 100_000), Array("hello".utf8), FormatDay.member(Array("hello\n".utf8))]
            as [[UInt8]]
        {
            #expect(throws: ArchiveFormatError.self) { _ = try ArchiveFile.open(MemoryBytes(bytes: bytes, name: "memory")) }
        }
    }

    @Test func anIndexThatIsMadeAgainIsTheOneThatWasWritten() throws {
        let day = FormatDay(seed: 45, events: 5000, memberBytes: 5000, firstSeq: 900, gaps: 5)
        let (bytes, contents, _) = try day.write(afterSeq: 700)
        let trailer = try ArchiveTrailer(
            Array(bytes.dropLast(IndexMember.footer.count).suffix(ArchiveTrailer.payloadBytes)), fileLength: bytes.count)
        let source = MemoryBytes(bytes: bytes, name: "memory")
        let written = FramedIndex(source, trailer, tail: [])
        for known in [nil, contents.blocks] {
            let rebuilt = try IndexRebuild.run(source, known: known, dataLength: known.map { _ in trailer.dataLength })
            #expect(rebuilt.notes.isEmpty)
            #expect(rebuilt.index.trailer == trailer)
            #expect(try rebuilt.index.index.read(0..<trailer.indexLength) == written.read(0..<trailer.indexLength))
        }
    }

    @Test func aLostTrailerIsToldAndCostsNothing() throws {
        let day = FormatDay(seed: 46, events: 500, memberBytes: 5000)
        let (bytes, contents, _) = try day.write()
        let file = try ArchiveFile.open(MemoryBytes(bytes: bytes.dropLast(ArchiveTrailer.length), name: "memory"))
        #expect(file.notes == ["the index was made again: the trailer is missing"])
        #expect(try file.blocks() == contents.blocks)
        #expect((file.tenant, file.tenantName, file.day, file.events) == (day.tenant, day.tenantName, day.day, 500))
    }

    @Test func anotherTenantsMembersAreDamage() throws {
        let day = FormatDay(seed: 47, events: 40, memberBytes: 3000)
        let other = FormatDay(seed: 48, events: 40, memberBytes: 3000, tenantName: "globex")
        var members = day.members.map(\.member)
        members[1] = other.members[1].member
        let file = try ArchiveFile.open(MemoryBytes(bytes: Array(members.joined()), name: "memory"))
        #expect(file.notes.contains { $0.contains("another tenant") }, "\(file.notes)")
        let word = Term.word(Array(day.events[0].word.utf8))
        #expect(try file.candidates(word...word).contains(2))
        #expect(throws: ArchiveFormatError.self) { _ = try file.lines(2) }
    }
}
