import EventModel
import EventStore
import Glibc

/// The blocks of a sealed day as its manifest lists them, each looked for in the file. What cannot be found or read costs the
/// others nothing.
struct DayBlocks: Sendable {
    struct Block: Sendable {
        /// Index in the tenant's tree, of its first line.
        var firstLeaf: UInt64
        var events: Int
        /// In the file; `nil` where the file has no such block.
        var number: UInt32?
        /// Positions in the journal; empty where there is no such block.
        var positions: Range<UInt64>
        /// Of its lines alone.
        var root: Digest

        var leaves: Range<UInt64> { firstLeaf..<firstLeaf + UInt64(events) }
    }

    let blocks: [Block]
    private let file: ArchiveFile

    /// Throws what ``ArchiveFile/open(_:)`` throws.
    init(_ manifest: Manifest, _ source: any ByteSource) throws {
        file = try ArchiveFile.open(source)
        let found = try file.blocks()
        let places = Dictionary(found.indices.filter { found[$0].events > 0 }.map { (found[$0].firstSeq, $0) }) { first, _ in first }
        var leaf = manifest.tree.firstLeaf
        blocks = (manifest.contents?.blocks ?? []).map { block in
            defer { leaf += UInt64(block.events) }
            var known = Block(firstLeaf: leaf, events: block.events, number: nil, positions: 0..<0, root: block.root)
            if let place = places[block.firstSeq], found[place].events == block.events, found[place].bytes == block.bytes {
                known.number = UInt32(place + 1)
                known.positions = found[place].firstPosition..<found[place].lastPosition + 1
            }
            return known
        }
    }

    /// The tenant's number, as ids have it.
    var tenant: UInt32 { file.tenant }

    /// As many whole lines as the block has events; `nil` when they cannot be read. Throws where the source cannot be reached.
    func lines(_ index: Int) throws -> [UInt8]? {
        guard let number = blocks[index].number else { return nil }
        do {
            let lines = try file.lines(number)
            var count = 0
            Self.forEachLine(lines) { _ in count += 1 }
            return count == blocks[index].events ? lines : nil
        } catch is ArchiveFormatError { return nil }
    }

    /// The block that holds a leaf of the day.
    func index(of leaf: UInt64) -> Int {
        var (low, high) = (0, blocks.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if blocks[middle].firstLeaf <= leaf { low = middle } else { high = middle }
        }
        return low
    }

    /// Visits the whole lines, each without its newline.
    @inline(__always)
    static func forEachLine(_ lines: [UInt8], _ visit: (UnsafeRawBufferPointer) -> Void) {
        lines.withUnsafeBytes { lines in
            var start = 0
            while start < lines.count, let found = memchr(lines.baseAddress! + start, 0x0A, lines.count - start) {
                let end = UnsafeRawPointer(found) - lines.baseAddress!
                visit(UnsafeRawBufferPointer(rebasing: lines[start..<end]))
                start = end + 1
            }
        }
    }
}

extension Manifest {
    /// What of the day's events file is not there as it was sealed: blocks that cannot be read or hold other lines, and how
    /// many events they had. Throws where `source` cannot be reached.
    package func unreadable(in source: any ByteSource) throws -> (blocks: Int, events: Int) {
        let days: DayBlocks
        do { days = try DayBlocks(self, source) } catch is ArchiveFormatError {
            return (contents?.blocks.count ?? 0, contents?.events ?? 0)
        }
        var lost = (blocks: 0, events: 0)
        for (index, block) in days.blocks.enumerated() {
            var tree = CompactRange()
            if let lines = try days.lines(index) { DayBlocks.forEachLine(lines) { tree.append(leafHash: MerkleHash.leaf($0)) } }
            if tree.root != block.root { lost = (lost.blocks + 1, lost.events + block.events) }
        }
        return lost
    }
}
