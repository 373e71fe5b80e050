import CChecksum
import EventModel
import Journal
import SystemPackage
import Testing

@Suite struct RecoveryTests {
    let folder = TemporaryFolder()

    private func filled(_ groups: Int) async throws -> (bytes: [UInt8], lines: [String], ends: [Int]) {
        let journal = try Journal.open(.test(folder))
        var ends: [Int] = []
        for group in 0..<groups {
            _ = try await journal.append(.of("tenant\(group)", "first", "second \(group)"))
            ends.append(journal.statistics.segmentBytes)
        }
        let lines = try journal.allLines
        await journal.close()
        return (try TemporaryFolder.bytes(of: folder.segments[0]), lines, ends)
    }

    @Test("Numbers, names and lines are the same after reopening")
    func reopen() async throws {
        let (_, lines, _) = try await filled(3)
        let journal = try Journal.open(.test(folder))
        #expect(try journal.allLines == lines)
        #expect(journal.recovery.frames == 3 && journal.recovery.events == 6 && journal.recovery.tornBytes == 0)
        #expect(journal.tenants.names == ["tenant0", "tenant1", "tenant2"])
        let receipt = try await journal.append(.of("tenant1", "third"))
        #expect(receipt.outcomes == [.accepted(seq: 3)])
        #expect(journal.endPosition == 7)
        await journal.close()
    }

    @Test("A tail torn at any byte of the last frame is cut off, and its numbers are given again")
    func tornTail() async throws {
        let (bytes, lines, ends) = try await filled(3)
        let path = folder.segments[0]
        for length in ends[1]..<ends[2] {
            try TemporaryFolder.write(Array(bytes[..<length]), to: path)
            let journal = try Journal.open(.test(folder))
            #expect(journal.recovery.tornBytes == length - ends[1])
            #expect(journal.recovery.quarantined.isEmpty)
            #expect(try journal.allLines == Array(lines[..<4]))
            #expect(journal.endPosition == 4)
            await journal.close()
        }
        let journal = try Journal.open(.test(folder))
        #expect(try await journal.append(.of("other", "again")).outcomes == [.accepted(seq: 1)])
        await journal.close()
        #expect(try Journal.open(.test(folder)).tenants.names == ["tenant0", "tenant1", "other"])
    }

    @Test("A flipped byte in the last frame is damage and not a torn tail: the bytes are kept, the lost positions named")
    func damagedTail() async throws {
        let (bytes, lines, ends) = try await filled(3)
        // Behind the head of 48 bytes: with a wrong length nothing tells it from a torn one.
        for offset in stride(from: ends[1] + 48, to: ends[2], by: 7) {
            var damaged = bytes
            damaged[offset] ^= 0x10
            try TemporaryFolder.write(damaged, to: folder.segments[0])
            let journal = try Journal.open(.test(folder))
            let quarantined = try #require(journal.recovery.quarantined.first)
            #expect(quarantined.lostPositions == [4..<6])
            #expect(try TemporaryFolder.bytes(of: FilePath(quarantined.keptAs)) == damaged)
            #expect(try journal.allLines == Array(lines[..<4]))
            await journal.close()
            try DiskFiles().remove(FilePath(quarantined.keptAs))
        }
    }

    @Test("A tail is damage when a store has applied its events, and an emptied segment too")
    func appliedTail() async throws {
        let (bytes, lines, ends) = try await filled(3)
        let path = folder.segments[0]
        for (length, kept) in [(ends[1] + 10, 4), (0, 0)] {
            try TemporaryFolder.write(Array(bytes[..<length]), to: path)
            let journal = try Journal.open(.test(folder), floor: JournalFloor(position: 5))
            #expect(journal.recovery.quarantined.count == 1)
            #expect(journal.recovery.quarantined[0].lostPositions == [UInt64(kept)..<5])
            #expect(try journal.allLines == Array(lines[..<kept]))
            #expect(try await journal.append(.of("tenant0", "next")).tenants.count == 1)
            #expect(journal.endPosition == 6)
            await journal.close()
            for segment in folder.segments { try DiskFiles().remove(segment) }
        }
    }

    @Test("Zeros behind the last frame are the end of the log")
    func zeroTail() async throws {
        let (bytes, lines, _) = try await filled(2)
        try TemporaryFolder.write(bytes + [UInt8](repeating: 0, count: 10_000), to: folder.segments[0])
        let journal = try Journal.open(.test(folder))
        #expect(journal.recovery.tornBytes == 0)
        #expect(try journal.allLines == lines)
        await journal.close()
        #expect(try TemporaryFolder.bytes(of: folder.segments[0]) == bytes)
    }

    @Test("A flipped byte before good frames: the segment is kept aside whole, the good frames go on, the lost are named")
    func damage() async throws {
        let (bytes, lines, ends) = try await filled(3)
        let path = folder.segments[0]
        for offset in stride(from: ends[0], to: ends[1], by: 3) {
            var damaged = bytes
            damaged[offset] ^= 0x40
            try TemporaryFolder.write(damaged, to: path)
            let journal = try Journal.open(.test(folder))
            let quarantined = try #require(journal.recovery.quarantined.first)
            #expect(quarantined.file == path.string)
            #expect(quarantined.offset == ends[0])
            #expect(quarantined.lostPositions == [2..<4])
            #expect(try TemporaryFolder.bytes(of: FilePath(quarantined.keptAs)) == damaged)
            #expect(try journal.allLines == Array(lines[..<2] + lines[4...]))
            // The second tenant's name stood in the lost frame; its number is not given again.
            #expect(journal.tenants.names == ["tenant0", "#1", "tenant2"])
            #expect(try await journal.append(.of("tenant2", "next")).outcomes == [.accepted(seq: 3)])
            #expect(journal.endPosition == 7)
            await journal.close()
            let again = try Journal.open(.test(folder))
            #expect(again.recovery.quarantined.isEmpty)
            await again.close()
            try DiskFiles().remove(FilePath(quarantined.keptAs))
        }
    }

    @Test("A damaged head: frames name their own tenants, numbering goes on")
    func damagedHead() async throws {
        let (bytes, lines, _) = try await filled(3)
        var damaged = bytes
        damaged[20] ^= 1
        try TemporaryFolder.write(damaged, to: folder.segments[0])
        let journal = try Journal.open(.test(folder))
        #expect(journal.recovery.quarantined.count == 1)
        #expect(try journal.allLines == lines)
        #expect(try await journal.append(.of("tenant0", "next")).outcomes == [.accepted(seq: 3)])
        await journal.close()
    }

    @Test("Damage in an older segment is found when it is read, and the server goes on")
    func damageInOlderSegment() async throws {
        var configuration = JournalConfiguration.test(folder)
        configuration.segmentBytes = 1200
        let journal = try Journal.open(configuration)
        for group in 0..<12 { _ = try await journal.append(.of("acme", "group \(group)")) }
        await journal.close()
        let segments = folder.segments
        #expect(segments.count > 2)
        var bytes = try TemporaryFolder.bytes(of: segments[1])
        bytes[200] ^= 0xFF
        try TemporaryFolder.write(bytes, to: segments[1])
        let reopened = try Journal.open(configuration)
        let follower = RecordingFollower()
        try reopened.attach(follower)
        #expect(follower.lines.count == 11)
        #expect(reopened.statistics.quarantinedSegments == 1)
        await reopened.close()
    }

    @Test("A segment whose making was cut short is removed", arguments: [0, 1, 30, 56])
    func unfinishedSegment(length: Int) async throws {
        let (_, lines, _) = try await filled(2)
        let head = try TemporaryFolder.bytes(of: folder.segments[0])
        let path = folder.path.appending("00000000000000000004.journal")
        try TemporaryFolder.write([UInt8](repeating: 0, count: 0) + head[..<min(length, 55)], to: path)
        let journal = try Journal.open(.test(folder))
        #expect(try journal.allLines == lines)
        #expect(journal.endPosition == 4)
        #expect(!folder.segments.contains(path))
        await journal.close()
    }

    @Test("Numbering never falls below what the stores hold")
    func floor() async throws {
        let (_, _, _) = try await filled(1)
        let floor = JournalFloor(position: 1000, tenants: [("tenant0", 0, 90), ("gone", 4, 7)])
        let journal = try Journal.open(.test(folder), floor: floor)
        let follower = RecordingFollower(applied: 2)
        try journal.attach(follower)
        #expect(journal.endPosition == 1000)
        #expect(try await journal.append(.of("tenant0", "x")).outcomes == [.accepted(seq: 91)])
        #expect(try await journal.append(.of("gone", "x")).outcomes == [.accepted(seq: 8)])
        #expect(follower.positions == [1000, 1001])
        await journal.close()
        let again = try Journal.open(.test(folder))
        #expect(try again.read(from: 2, limit: 10).map(\.firstPosition) == [1000, 1001])
        #expect(try await again.append(.of("gone", "y")).outcomes == [.accepted(seq: 9)])
        await again.close()
    }

    @Test("A name lost with its frame comes back from a store, then and later")
    func lostName() async throws {
        let (bytes, _, ends) = try await filled(3)
        var damaged = bytes
        damaged[ends[0] + 60] ^= 1
        try TemporaryFolder.write(damaged, to: folder.segments[0])
        await (try Journal.open(.test(folder))).close()
        for _ in 0..<2 {
            let journal = try Journal.open(.test(folder), floor: JournalFloor(position: 4, tenants: [("tenant1", 1, 2)]))
            #expect(journal.tenants.names == ["tenant0", "tenant1", "tenant2"])
            await journal.close()
        }
    }

    @Test("A whole segment of another version stops the start, and its bytes stay as they are")
    func version() async throws {
        var (bytes, _, _) = try await filled(1)
        bytes[8] = 1
        let checksum = bytes.withUnsafeBytes { cchecksum_crc32c(0, $0.baseAddress, 52) }
        withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(52..<56, with: $0) }
        let path = folder.segments[0]
        try TemporaryFolder.write(bytes, to: path)
        #expect(throws: JournalError.unsupportedVersion(path: path.string, version: 1)) { try Journal.open(.test(folder)) }
        #expect(try TemporaryFolder.bytes(of: path) == bytes)
        #expect(folder.segments == [path])
    }

    @Test("A store of another installation stops the start")
    func mismatch() async throws {
        _ = try await filled(1)
        #expect(throws: JournalError.tenantMismatch(number: 0, journal: "tenant0", store: "else")) {
            try Journal.open(.test(folder), floor: JournalFloor(position: 0, tenants: [("else", 0, 1)]))
        }
    }
}
