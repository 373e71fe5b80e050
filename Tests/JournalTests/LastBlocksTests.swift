import EventModel
import Glibc
import Journal
import SystemPackage
import Testing

/// Small groups go past the page cache in whole blocks, large ones through it, into the same file.
@Suite struct LastBlocksTests {
    let folder = TemporaryFolder()
    let files = FaultyFiles()

    @Test("Groups of all sizes, with and without direct writes, leave the same bytes", arguments: [true, false], [0, 1000, 4096])
    func sameBytes(hasDirectWrites: Bool, shortest: Int) async throws {
        files.set {
            $0.hasDirectWrites = hasDirectWrites
            $0.shortest = shortest == 0 ? nil : shortest
        }
        var configuration = JournalConfiguration.test(folder, files: files)
        configuration.segmentBytes = 1 << 20
        let journal = try Journal.open(configuration)
        var expected: [String] = []
        for group in 0..<40 {
            var batch = NormalisedBatch()
            // Mostly a few events; some groups larger than a block, some larger than what takes zeros along.
            let events = [1, 1, 2, 5, 9, 40, 120][group * 13 % 7]
            for event in 0..<events {
                batch.add("acme", "\(group).\(event) " + String(repeating: "x", count: (group * 7919 + event * 104_729) % 901))
            }
            _ = try await journal.append(batch)
            expected = try journal.allLines
            // Another reader of the file sees what is committed, and zeros behind it.
            let path = try #require(folder.segments.last)
            let bytes = try TemporaryFolder.bytes(of: path)
            let end = try #require(bytes.lastIndex { $0 != 0 })
            #expect(bytes[...end].suffix(expected.last!.utf8.count + 1).dropLast().elementsEqual(expected.last!.utf8))
        }
        await journal.close()
        let reopened = try Journal.open(configuration)
        #expect(try reopened.allLines == expected)
        #expect(reopened.recovery.tornBytes == 0 && reopened.recovery.quarantined.isEmpty)
        await reopened.close()
    }
}
