import Foundation
import Testing

@testable import Archive

/// Lines of a sealed file are changed, dropped, added and moved, and deflated again as one would who knows the format. Day 0
/// is the first; acme's day 1 holds seq 21 and following in blocks of eight.
@Suite struct VerifLineTests {
    let archive: VerifArchive
    let day = VerifArchive.firstDay + 1
    /// Number of lines of that day, and the first seq.
    let first: UInt64
    let count: Int

    init() throws {
        archive = try VerifArchive()
        let contents = try archive.readManifest("acme", day).contents!
        first = contents.firstSeq
        count = contents.events
        try #require(contents.blocks.count == 4 && contents.blocks.last!.events > 2)
    }

    @Test func whatNobodyTouchedIsGood() throws {
        let report = try archive.verify()
        #expect(report.brief == [] && report.result == .good)
        #expect(report.tenants.map(\.name) == ["acme", "globex"] && report.tenants.allSatisfy { $0.days == 5 })
        #expect(report.events == report.tenants.reduce(0) { $0 + $1.events } && report.tenants[0].events == Int(archive.tenants[0].lastSeq))
        #expect(report.tenants[1].root == archive.tenants[1].tree.root && report.tenants[1].size == archive.tenants[1].tree.size)
    }

    @Test func everyByteOfALineCounts() throws {
        let line = try archive.members(archive.events("acme", day)).blocks[1].lines[3]
        let original = try archive.read(archive.events("acme", day))
        for at in line.indices where at > 40 && at % 23 == 0 {
            try archive.edit("acme", day) { $0[1][3][at] ^= 1 }
            let report = try archive.verify()
            #expect(
                report.findings.count == 1 && report.findings[0].block == 2 && report.findings[0].seqs == [first + 11...first + 11],
                "byte \(at)")
            try archive.save(original, archive.events("acme", day))
        }
    }

    @Test func aChangedLineIsNamed() throws {
        try archive.edit("acme", day) { $0[1][3] = Array(String(decoding: $0[1][3], as: UTF8.self).replacing("Ana", with: "Bob").utf8) }
        try archive.expect(["line_changed acme 1 b2 \(first + 11)"])
    }

    @Test func changedLinesOfOtherLengthAreNamed() throws {
        try archive.edit("acme", day) {
            for (block, line) in [(0, 0), (2, 7), (3, 1)] {
                $0[block][line] = Array(
                    String(decoding: $0[block][line], as: UTF8.self).replacing("\"success\"", with: "\"failure!\"").utf8)
            }
        }
        try archive.expect([
            "line_changed acme 1 b1 \(first)", "line_changed acme 1 b3 \(first + 23)", "line_changed acme 1 b4 \(first + 25)",
        ])
    }

    @Test func aLineWithoutItsHeadIsNamedByItsPlace() throws {
        try archive.edit("acme", day) { $0[1][3] = Array("{}".utf8) }
        try archive.expect(["line_changed acme 1 b2 \(first + 11)"])
    }

    @Test func aLineThatIsGivenAnotherSeqIsNamedByItsPlace() throws {
        let far = first + 900_000
        try archive.edit("acme", day) { [first] in
            $0[1][3] = Array(String(decoding: $0[1][3], as: UTF8.self).replacing("{\"seq\":\(first + 11),", with: "{\"seq\":\(far),").utf8)
        }
        try archive.expect(["line_changed acme 1 b2 \(first + 11)"])
    }

    @Test func droppedLinesAreNamed() throws {
        try archive.edit("acme", day) {
            $0[3].removeLast()
            $0[1].removeSubrange(2...3)
            $0[0].removeFirst()
        }
        try archive.expect([
            "lines_dropped acme 1 b1 \(first)", "lines_dropped acme 1 b2 \(first + 10)-\(first + 11)",
            "lines_dropped acme 1 b4 \(first + UInt64(count) - 1)",
        ])
    }

    @Test func aDroppedBlockIsNamed() throws {
        try archive.edit("acme", day) { $0[1] = [] }
        try archive.expect(["lines_dropped acme 1 b2 \(first + 8)-\(first + 15)"])
    }

    @Test func aDroppedLastBlockIsNamed() throws {
        try archive.edit("acme", day) { $0.removeLast() }
        try archive.expect(["lines_dropped acme 1 b4 \(first + 24)-\(first + UInt64(count) - 1)"])
    }

    @Test func addedLinesAreNamed() throws {
        let copy = try archive.members(archive.events("acme", day)).blocks[0].lines[2]
        let forged = archive.line(archive.tenants[0], day: day, seq: 5_000)
        try archive.edit("acme", day) {
            $0[0].insert(copy, at: 3)
            $0[2].insert(Array("nonsense".utf8), at: 4)
            $0[3].append(forged)
        }
        try archive.expect(["line_added acme 1 b1 \(first + 2)", "line_added acme 1", "line_added acme 1 5000"])
    }

    @Test func linesThatClaimSeqsOfAnotherBlockAreNamed() throws {
        let blocks = try archive.members(archive.events("acme", day)).blocks.map(\.lines)
        let forge = { (line: [UInt8]) in Array(String(decoding: line, as: UTF8.self).replacing("Ana", with: "Eve").utf8) }
        let original = try archive.read(archive.events("acme", day))
        // In a block, at its end, as a member of its own; forged and copied; of an earlier block and of a later one.
        for (from, into) in [(0, 2), (3, 1)] {
            for line in [blocks[from][2], forge(blocks[from][2])] {
                let seq = first + UInt64(from * 8 + 2)
                for place in [3, 8] {
                    try archive.edit("acme", day) { $0[into].insert(line, at: place) }
                    try archive.expect(["line_added acme 1 b\(from + 1) \(seq)"])
                    try archive.save(original, archive.events("acme", day))
                }
                try archive.edit("acme", day) { $0.insert([line], at: into) }
                try archive.expect(["line_added acme 1 b\(from + 1) \(seq)"])
                try archive.save(original, archive.events("acme", day))
            }
        }
        // Many at once, while something else is damaged as well.
        try archive.edit("acme", day) {
            $0[3][1][300] ^= 1
            $0.insert(blocks[0].map(forge), at: 2)
        }
        let report = try archive.expect(["line_added acme 1 b1 \(first)-\(first + 7)", "line_changed acme 1 b4 \(first + 25)"])
        #expect(report.findings.contains { $0.text.contains("Lines 17 to 24 of the file") })
        // At the end of the file.
        try archive.save(original, archive.events("acme", day))
        try archive.edit("acme", day) { $0.append(blocks[1].map(forge)) }
        try archive.expect(["line_added acme 1 b2 \(first + 8)-\(first + 15)"])
    }

    @Test func linesThatChangedPlacesAreNamed() throws {
        try archive.edit("acme", day) { $0[1].swapAt(2, 6) }
        try archive.expect(["lines_moved acme 1 b2 \(first + 10),\(first + 14)"])
    }

    @Test func aLineMovedToAnotherBlockIsNamed() throws {
        try archive.edit("acme", day) { $0[3].insert($0[1].remove(at: 4), at: 2) }
        try archive.expect(["lines_moved acme 1 b2 \(first + 12)"])
    }

    @Test func blocksThatChangedPlacesAreNamed() throws {
        try archive.edit("acme", day) { $0.swapAt(1, 2) }
        try archive.expect(["lines_moved acme 1 b2 \(first + 8)-\(first + 15)"])
    }

    @Test func aLineMovedToAnotherDayIsNamedInBoth() throws {
        var moved: [UInt8] = []
        try archive.edit("acme", day) { moved = $0[1].remove(at: 4) }
        try archive.edit("acme", day + 1) { $0[0].insert(moved, at: 5) }
        try archive.expect(["lines_moved acme 1 b2 \(first + 12)", "lines_moved acme 2 \(first + 12)"])
        let texts = try archive.verify().findings.map(\.text)
        #expect(texts.contains { $0.contains("was moved to tenant acme on 2026-11-20") })
        #expect(texts.contains { $0.contains("seq \(first + 12) of tenant acme, received on 2026-11-19") })
    }

    @Test func linesOfAnotherTenantAreNamed() throws {
        var moved: [UInt8] = []
        try archive.edit("acme", day) { moved = $0[1].remove(at: 4) }
        try archive.edit("globex", day) { $0[1].insert(moved, at: 4) }
        // Both tenants count from 1: the line claims a seq that is there already.
        let report = try archive.verify()
        #expect(report.brief == ["lines_moved acme 1 b2 \(first + 12)", "lines_moved globex 1 b2 \(first + 12)"])
        #expect(report.findings.contains { $0.tenant == "globex" && $0.text.contains("tenant acme") })
        #expect(report.findings.count == 2)
    }

    @Test func theFileOfAnotherDayIsNamed() throws {
        try archive.swap(archive.events("acme", day), archive.events("acme", day + 1))
        let report = try archive.verify()
        #expect(report.findings.contains { $0.day == day && $0.text.contains("received on 2026-11-20") })
        #expect(report.findings.contains { $0.day == day + 1 && $0.text.contains("received on 2026-11-19") })
        #expect(report.tenants[1].events == Int(archive.tenants[1].lastSeq))
    }

    @Test func theFileOfAnotherTenantIsNamed() throws {
        try archive.swap(archive.events("acme", day), archive.events("globex", day))
        let report = try archive.verify()
        #expect(report.findings.contains { $0.tenant == "acme" && $0.text.contains("tenant globex") })
        #expect(report.findings.allSatisfy { $0.day == day && $0.severity == .critical })
    }

    @Test func whatWasLostBeforeTheSealIsNotMissing() throws {
        let archive = try VerifArchive(isEmpty: true)
        try archive.seal(0, day: 20_775, count: 20)
        try archive.seal(0, day: 20_776, count: 20, gap: 5)
        #expect(try archive.readManifest("acme", 20_776).gaps == [21...25])
        try archive.expect([], .good)
        try archive.edit("acme", 20_776) { $0[1].removeFirst() }
        try archive.expect(["lines_dropped acme 1 b2 34"])
    }
}
