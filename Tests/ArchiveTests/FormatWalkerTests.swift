import Foundation
import TestSupport
import Testing

@testable import Archive

@Suite struct FormatWalkerTests {
    private func steps(_ bytes: [UInt8]) throws -> [ArchiveWalker.Step] {
        var walker = ArchiveWalker(MemoryBytes(bytes: bytes, name: "memory"))
        var steps: [ArchiveWalker.Step] = []
        while let step = try walker.next() { steps.append(step) }
        var end = 0
        for step in steps {
            #expect(step.offset == end)
            #expect(step.length > 0)
            end += step.length
        }
        #expect(end == bytes.count)
        return steps
    }

    @Test func aGoodFileIsItsMembers() throws {
        let day = FormatDay(seed: 51, events: 3000, memberBytes: 9000)
        let (bytes, contents, _) = try day.write()
        let steps = try steps(bytes)
        #expect(steps.prefix(day.members.count).map(\.part) == day.members.map { .lines($0.lines) })
        #expect(steps.prefix(day.members.count).map(\.offset) == contents.blocks.map(\.offset))
        var index = 0
        for step in steps.dropFirst(day.members.count) {
            guard case .index(let payload, let isTrailer) = step.part else { return #expect(Bool(false), "\(step)") }
            #expect(isTrailer == (step.offset + step.length == bytes.count))
            index += payload.count + IndexMember.overhead
        }
        #expect(index == contents.indexBytes)
    }

    @Test func damageIsAsLongAsTheMembersItLiesIn() throws {
        let day = FormatDay(seed: 52, events: 300, memberBytes: 9000)
        let (bytes, contents, _) = try day.write()
        var random = SeededRandom(seed: 52)
        for _ in 0..<40 {
            let number = random.below(contents.blocks.count)
            let block = contents.blocks[number]
            var damaged = bytes
            // Behind the header's time, which says nothing.
            damaged[block.offset + 10 + random.below(block.length - 10)] ^= 1 << UInt8(random.below(8))
            let all = try steps(damaged)
            #expect(all.count == (try steps(bytes)).count)
            #expect(
                all[number]
                    == ArchiveWalker.Step(
                        offset: block.offset, length: block.length, part: .damage(reason: "a member is not what was written")))
        }
    }

    @Test func everyHeaderOfGzipIsTaken() throws {
        let day = FormatDay(seed: 56, events: 60, memberBytes: 4000)
        let (member, lines) = (day.members[0].member, day.members[0].lines)
        let extra: [UInt8] = [6, 0, 0x44, 0x42, 2, 0, 7, 7]
        let name = Array("events.ndjson".utf8) + [0]
        for flags in UInt8(0)..<32 {
            var header: [UInt8] = [0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 2, 3]
            if flags & 4 != 0 { header += extra }
            if flags & 8 != 0 { header += name }
            if flags & 16 != 0 { header += name }
            // Its check (FHCRC) is not looked at.
            if flags & 2 != 0 { header += [0, 0] }
            let foreign = header + member[10...]
            let parts: [ArchiveWalker.Part] = [.lines(lines), .lines(lines)]
            #expect(try steps(member + foreign).map(\.part) == parts, "flags \(flags)")
            // Also behind damage.
            #expect(try steps([1, 2, 3] + foreign).map(\.part) == [.damage(reason: "no member begins here"), .lines(lines)])
        }
        // Reserved flags are none of a member.
        let reserved: [UInt8] = [0x1F, 0x8B, 8, 0x20] + member[4...]
        #expect(try steps(reserved).map(\.part) == [.damage(reason: "no member begins here")])
        var index: [UInt8] = []
        IndexMember.encode([1, 2, 3], .trailer, into: &index)
        index[4] = 9
        #expect(try steps(index).map(\.part) == [.index([1, 2, 3], isTrailer: true)])
    }

    @Test func bytesBetweenMembersAreDamageOfTheirOwn() throws {
        let day = FormatDay(seed: 53, events: 60, memberBytes: 4000)
        let garbage = (0..<5000).map { _ in UInt8(0x1F) } + IndexMember.dataMagic + IndexMember.magic
        let bytes = day.members[0].member + garbage + day.members[1].member + garbage
        let parts = try steps(bytes).map(\.part)
        #expect(
            parts == [
                .lines(day.members[0].lines), .damage(reason: "no member begins here"), .lines(day.members[1].lines),
                .damage(reason: "no member begins here"),
            ])
        #expect(try steps(garbage).count == 1)
        #expect(try steps([]).isEmpty)
    }

    /// Larger than what is read at once, so that members and damage lie across the seams.
    @Test func seamsOfWhatIsReadAtOnceDoNotMatter() throws {
        var random = SeededRandom(seed: 54)
        let lines = (0..<12).map { _ in random.bytes(1_700_000) }
        let members = lines.map { FormatDay.member($0) }
        var good: [UInt8] = []
        var damaged: [UInt8] = []
        for (index, member) in members.enumerated() {
            good += member
            damaged += index % 3 == 1 ? member.dropLast(3) : member[...]
        }
        #expect(good.count > 18 << 20)
        #expect(try steps(good).map(\.part) == lines.map { .lines($0) })
        let left = try steps(damaged).compactMap { step -> [UInt8]? in if case .lines(let lines) = step.part { lines } else { nil } }
        #expect(left == lines.indices.filter { $0 % 3 != 1 }.map { lines[$0] })
    }

    @Test func rangesOfTheIndexAreFoundWhateverMembersTheyLieIn() throws {
        var random = SeededRandom(seed: 55)
        for count in [1, 31_999, 32_000, 32_001, 64_000, 333_333] {
            let index = random.bytes(count)
            var file = [UInt8](repeating: 7, count: 1000)
            for start in stride(from: 0, to: count, by: IndexMember.capacity) {
                IndexMember.encode(index[start..<min(count, start + IndexMember.capacity)], .index, into: &file)
            }
            #expect(file.count == 1000 + IndexMember.fileLength(count))
            let section = ArchiveTrailer.Section(offset: 0, length: 0, checksum: 0)
            let trailer = ArchiveTrailer(dataLength: 1000, indexLength: count, directory: section, blocks: section, head: section)
            for tail in [0, 100, 70_000, file.count] {
                let framed = FramedIndex(MemoryBytes(bytes: file, name: "memory"), trailer, tail: file.suffix(tail))
                for _ in 0..<50 {
                    let ends = [random.below(count + 1), random.below(count + 1)].sorted()
                    #expect(try framed.read(ends[0]..<ends[1]) == Array(index[ends[0]..<ends[1]]))
                }
                #expect(try framed.read(0..<count) == index)
            }
        }
    }
}
