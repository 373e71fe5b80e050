import Foundation
import Testing

@testable import Archive

/// Bytes of the events file itself: flipped, cut off, appended, compressed again.
@Suite struct VerifDamageTests {
    let archive: VerifArchive
    let day = VerifArchive.firstDay + 1
    let path: String
    let first: UInt64

    init() throws {
        archive = try VerifArchive()
        path = archive.events("acme", day)
        first = try archive.readManifest("acme", day).contents!.firstSeq
    }

    @Test func aDamagedBlockIsNamedAndAllOthersAreStillChecked() throws {
        let (blocks, _) = try archive.members(path)
        try archive.edit("acme", day) { $0[3][1][200] ^= 1 }
        try archive.patch(path) { $0[blocks[1].range.lowerBound + 60] ^= 0x10 }
        try archive.expect(["block_damaged acme 1 b2 \(first + 8)-\(first + 15)", "line_changed acme 1 b4 \(first + 25)"])
    }

    @Test func everyFlippedByteIsFoundAndCostsOneBlockAtMost() throws {
        let original = try archive.read(path)
        let (blocks, index) = try archive.members(path)
        for at in stride(from: 0, to: original.count, by: 13) {
            var bytes = original
            bytes[at] ^= 0x20
            try archive.save(bytes, path)
            let report = try archive.verify([archive.folder("acme")])
            #expect(report.result == .tampered, "byte \(at)")
            let seqs = report.findings.flatMap(\.seqs)
            if at >= index {
                #expect(seqs.isEmpty && report.findings.allSatisfy { $0.severity == .warning }, "byte \(at)")
            } else {
                let block = blocks.firstIndex { $0.range.contains(at) }!
                let own = first + UInt64(block * 8)...first + UInt64(block * 8 + blocks[block].lines.count - 1)
                #expect(seqs.allSatisfy { own.contains($0.lowerBound) && own.contains($0.upperBound) }, "byte \(at)")
            }
        }
    }

    @Test func compressedAgainIsToldFromChanged() throws {
        let (blocks, _) = try archive.members(path)
        // The system on which a member was compressed (RFC 1952, OS): nothing reads it.
        try archive.patch(path) { $0[blocks[1].range.lowerBound + 9] ^= 1 }
        #expect(try archive.expect(["file_changed acme 1"]).findings.allSatisfy { $0.severity == .warning })
        // Then the index no longer says where members are.
        try archive.edit("acme", day, level: 1) { _ in }
        #expect(try archive.expect(["index_damaged acme 1"]).findings.allSatisfy { $0.severity == .warning })
        // Other members, the same lines.
        try archive.edit("acme", day) { $0 = [$0.flatMap { $0 }] }
        let report = try archive.verify()
        #expect(report.findings.allSatisfy { $0.severity == .warning } && report.findings.count == 1)
        #expect(report.tenants[0].events == Int(archive.tenants[0].lastSeq))
    }

    /// A member as gzip writes it: with the file's name and time.
    private func gzip(_ lines: [UInt8]) -> [UInt8] {
        [0x1F, 0x8B, 8, 8, 1, 2, 3, 4, 0, 3] + Array("events.ndjson".utf8) + [0] + VerifArchive.member(lines)[10...]
    }

    @Test func membersOfOtherProgramsAreReadAsEveryReaderOfGzipReadsThem() throws {
        let original = try archive.read(path)
        let (blocks, _) = try archive.members(path)
        let forged = gzip(archive.line(archive.tenants[0], day: day, seq: 5_000) + [0x0A])
        for bytes in [original + forged, forged + original] {
            try archive.save(bytes, path)
            let report = try archive.expect(["line_added acme 1 5000"])
            #expect(report.findings.allSatisfy { $0.severity == .critical })
        }
        // A byte of a member's time.
        try archive.save(original, path)
        try archive.patch(path) { $0[blocks[2].range.lowerBound + 4] ^= 1 }
        #expect(try archive.expect(["file_changed acme 1"]).findings.allSatisfy { $0.severity == .warning })
        // gunzip, gzip: the same lines without an index.
        var lines = blocks.flatMap(\.lines).flatMap { (line: [UInt8]) -> [UInt8] in line + [0x0A] }
        try archive.save(gzip(lines), path)
        #expect(try archive.expect(["file_changed acme 1"]).findings.allSatisfy { $0.severity == .warning })
        // With another text in between, one block is not what was sealed.
        let change = lines.count / 2
        lines[change] ^= 1
        try archive.save(gzip(lines), path)
        let report = try archive.verify()
        #expect(report.findings.map(\.kind) == [.blockChanged])
    }

    @Test func aFlippedIndexByteIsToldFromChangedLines() throws {
        let (_, index) = try archive.members(path)
        try archive.patch(path) { $0[index + 40] ^= 1 }
        try archive.expect(["index_damaged acme 1"])
    }

    @Test func aFileWithoutIndexHasAllItsLines() throws {
        let (_, index) = try archive.members(path)
        try archive.patch(path) { $0.removeSubrange(index...) }
        try archive.expect(["index_damaged acme 1"])
        // Then a changed line can no longer be told from the others of its block.
        try archive.edit("acme", VerifArchive.firstDay) { $0[1][3][300] ^= 1 }
        try archive.patch(archive.events("acme", VerifArchive.firstDay)) { $0.removeLast(40) }
        try archive.expect(["block_changed acme 0 b2 9-16", "index_damaged acme 0", "index_damaged acme 1"])
    }

    @Test func aTornFileNamesWhatIsGone() throws {
        let (blocks, _) = try archive.members(path)
        let last = try archive.readManifest("acme", day).contents!.lastSeq
        try archive.patch(path) { $0.removeSubrange((blocks[2].range.lowerBound + 50)...) }
        try archive.expect([
            "block_damaged acme 1 b3 \(first + 16)-\(first + 23)", "block_damaged acme 1 b4 \(first + 24)-\(last)",
        ])
    }

    @Test func appendedBytesAreNamed() throws {
        try archive.patch(path) { $0 += Array("more".utf8) }
        try archive.expect(["bytes_added acme 1"])
    }

    @Test func anEmptyFileLacksEverything() throws {
        try archive.save([], path)
        let report = try archive.verify()
        #expect(
            report.findings.allSatisfy { $0.kind == .linesDropped && $0.tenant == "acme" && $0.day == day } && report.findings.count == 4)
    }
}
