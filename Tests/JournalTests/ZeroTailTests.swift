import EventModel
import Glibc
import Journal
import SystemPackage
import Testing

/// Zeros that are written ahead of the groups: what they are for, and what they must not be mistaken for.
@Suite struct ZeroTailTests {
    let folder = TemporaryFolder()

    /// Three groups, the last of several sectors, as they lie in the file while the writer is at work.
    private func running() async throws -> (bytes: [UInt8], lines: [String], ends: [Int]) {
        let journal = try Journal.open(.test(folder))
        var ends: [Int] = []
        for group in 0..<3 {
            var batch = NormalisedBatch.of("acme", "first \(group)")
            if group == 2 { for event in 0..<8 { batch.add("acme", String(repeating: "\(event)", count: 90)) } }
            _ = try await journal.append(batch)
            ends.append(journal.statistics.segmentBytes)
        }
        let bytes = try TemporaryFolder.bytes(of: folder.segments[0])
        let lines = try journal.allLines
        await journal.close()
        return (bytes, lines, ends)
    }

    @Test("Small groups are written over zeros, so that the file does not grow; closing cuts the rest off")
    func overwriting() async throws {
        let journal = try Journal.open(.test(folder))
        var sizes: Set<Int> = []
        for group in 0..<40 {
            _ = try await journal.append(.of("acme", "group \(group)"))
            let bytes = try TemporaryFolder.bytes(of: folder.segments[0])
            sizes.insert(bytes.count)
            #expect(bytes[journal.statistics.segmentBytes...].allSatisfy { $0 == 0 })
        }
        #expect(sizes.count == 1 && sizes.first! > journal.statistics.segmentBytes)
        let committed = journal.statistics.segmentBytes
        await journal.close()
        #expect(try TemporaryFolder.bytes(of: folder.segments[0]).count == committed)
    }

    @Test("A large group takes no zeros along")
    func largeGroup() async throws {
        let journal = try Journal.open(.test(folder))
        var batch = NormalisedBatch()
        for event in 0..<1000 { batch.add("acme", "event \(event) of a large group") }
        _ = try await journal.append(batch)
        #expect(try TemporaryFolder.bytes(of: folder.segments[0]).count == journal.statistics.segmentBytes)
        await journal.close()
    }

    @Test("A disk without room for zeros still takes the group")
    func noRoomForZeros() async throws {
        let (_, _, ends) = try await running()
        let other = TemporaryFolder()
        let files = FaultyFiles()
        let journal = try Journal.open(.test(other, files: files))
        for group in 0..<3 {
            // The third group of one event has the size of the second.
            files.set { $0.room = group == 0 ? ends[1] - ends[0] + 100 : ends[1] - ends[0] }
            _ = try await journal.append(.of("acme", "first \(group)"))
        }
        #expect(journal.health == .good)
        #expect(try journal.allLines.count == 3)
        #expect(try TemporaryFolder.bytes(of: other.segments[0]).count < journal.statistics.segmentBytes + 200)
        await journal.close()
        #expect(try Journal.open(.test(other)).allLines.count == 3)
    }

    @Test("A killed writer's zeros are the end of the log and no torn frame")
    func killed() async throws {
        let (bytes, lines, ends) = try await running()
        #expect(bytes.count > ends[2])
        try TemporaryFolder.write(bytes, to: folder.segments[0])
        let journal = try Journal.open(.test(folder))
        #expect(journal.recovery.tornBytes == 0 && journal.recovery.quarantined.isEmpty)
        #expect(try journal.allLines == lines)
        await journal.close()
        #expect(try TemporaryFolder.bytes(of: folder.segments[0]).count == ends[2])
    }

    @Test("A last frame of which any sectors are missing is torn; complete it is good")
    func missingSectors() async throws {
        let (bytes, lines, ends) = try await running()
        let frame = ends[1]..<ends[2]
        let sectors = (frame.lowerBound / 512...(frame.upperBound - 1) / 512).map { frame.clamped(to: $0 * 512..<($0 + 1) * 512) }
        #expect((4...9).contains(sectors.count))
        for written in 0..<(1 << sectors.count) {
            var cut = bytes
            for (index, sector) in sectors.enumerated() where written & 1 << index == 0 {
                for at in sector { cut[at] = 0 }
            }
            try TemporaryFolder.write(cut, to: folder.segments[0])
            let journal = try Journal.open(.test(folder))
            let isWhole = written == 1 << sectors.count - 1
            #expect(journal.recovery.quarantined.isEmpty, "sectors \(String(written, radix: 2))")
            #expect((journal.recovery.tornBytes > 0) == (!isWhole && written != 0), "sectors \(String(written, radix: 2))")
            #expect(journal.recovery.tornBytes <= frame.count)
            #expect(try journal.allLines == (isWhole ? lines : Array(lines[..<2])))
            #expect(try await journal.append(.of("acme", "next")).outcomes == [.accepted(seq: isWhole ? 12 : 3)])
            await journal.close()
            #expect(try Journal.open(.test(folder)).recovery.tornBytes == 0)
        }
    }

    @Test("A flipped byte in a last frame before zeros is damage")
    func damagedTail() async throws {
        let (bytes, lines, ends) = try await running()
        for offset in stride(from: ends[1] + 48, to: ends[2], by: 31) {
            var damaged = bytes
            damaged[offset] ^= 0x10
            try TemporaryFolder.write(damaged, to: folder.segments[0])
            let journal = try Journal.open(.test(folder))
            let quarantined = try #require(journal.recovery.quarantined.first, "offset \(offset)")
            #expect(quarantined.lostPositions == [2..<11])
            #expect(try TemporaryFolder.bytes(of: FilePath(quarantined.keptAs)) == damaged)
            #expect(try journal.allLines == Array(lines[..<2]))
            await journal.close()
            try DiskFiles().remove(FilePath(quarantined.keptAs))
        }
    }

    @Test("A zeroed sector is damage when good frames follow, and when a store has applied what it held")
    func zeroedSector() async throws {
        let (bytes, lines, ends) = try await running()
        for (zeroed, floor, lost, kept) in [
            (ends[0]..<ends[1], 0, 1..<2, [0..<1, 2..<11]), (ends[1]..<ends[2], 11, 2..<11, [0..<2]),
            (ends[1] + 600..<ends[1] + 1624, 3, 2..<11, [0..<2]),
        ] {
            var damaged = bytes
            for at in zeroed { damaged[at] = 0 }
            try TemporaryFolder.write(damaged, to: folder.segments[0])
            let journal = try Journal.open(.test(folder), floor: JournalFloor(position: UInt64(floor)))
            let quarantined = try #require(journal.recovery.quarantined.first)
            #expect(quarantined.lostPositions == [UInt64(lost.lowerBound)..<UInt64(lost.upperBound)])
            #expect(try journal.allLines == kept.flatMap { lines[$0] })
            await journal.close()
            try DiskFiles().remove(FilePath(quarantined.keptAs))
        }
    }

    @Test("Zeros behind a segment that was left are cut off, and reading goes on into the next")
    func leftSegment() async throws {
        var configuration = JournalConfiguration.test(folder)
        configuration.segmentBytes = 4200
        let journal = try Journal.open(configuration)
        for group in 0..<40 { _ = try await journal.append(.of("acme", "group \(group)")) }
        let lines = try journal.allLines
        await journal.close()
        let segments = folder.segments
        #expect(segments.count > 2)
        let whole = try segments.map { try TemporaryFolder.bytes(of: $0) }
        #expect(whole.allSatisfy { $0.last == UInt8(ascii: "\n") })
        // As if the machine had stopped before the cut was on disk; one tail is longer than a piece that is looked at.
        for (index, zeros) in [(0, 4096), (1, 100_000)] {
            try TemporaryFolder.write(whole[index] + [UInt8](repeating: 0, count: zeros), to: segments[index])
        }
        let reopened = try Journal.open(configuration)
        let follower = RecordingFollower()
        try reopened.attach(follower)
        #expect(follower.lines.map { String($0.dropLast()) } == lines)
        #expect(reopened.statistics.quarantinedSegments == 0)
        #expect(reopened.statistics.segmentBytes == whole.reduce(0) { $0 + $1.count })
        await reopened.close()
        #expect(try segments.map { try TemporaryFolder.bytes(of: $0) } == whole)
    }
}
