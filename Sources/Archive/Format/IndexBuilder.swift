import Crypto
import EventModel
import EventStore

/// Makes the index of a file from its blocks, given in order: for a file that is being written, and for one whose index is
/// lost. Both come to the same bytes.
///
/// Memory is bounded whatever the day's size, see ``IndexBounds``: runs are closed when they have grown so far, and what is
/// finished goes into a stream that leaves memory. What stays is about 130 bytes a block and 10 a page.
struct IndexBuilder: ~Copyable {
    let owner: ArchiveOwner
    private(set) var blocks: [ArchiveBlock] = []
    private(set) var gaps: [ClosedRange<UInt64>] = []
    /// Hashes of the last block's lines.
    private(set) var leaves = LeafLevels()
    /// Events by the number of their combination.
    private(set) var counts: [UInt32: Int] = [:]

    private var head: IndexHead
    private var lastSeq: UInt64
    private var stream: IndexStream
    private var directory = SectionWriter()
    private var lines = BlockLines()
    private var identity: OriginalIdentity
    private var terms = TermCollector()
    private var sorter = RadixSorter()
    private var rollups = RollupCollector(combinations: [])
    private var checks: [UInt8] = []
    private var checksHash = SHA256()

    private var runStart: UInt32 = 1
    private var bytesInRun = 0
    private let bounds: IndexBounds

    /// `afterSeq`: the tenant's last `seq` of the days before.
    init(_ owner: ArchiveOwner, afterSeq: UInt64, spillPath: String, bounds: IndexBounds = .standard) {
        self.owner = owner
        lastSeq = afterSeq
        head = IndexHead(tenant: owner.tenant, tenantName: owner.tenantName, day: owner.day)
        stream = IndexStream(spillPath: spillPath, memoryBytes: bounds.memoryBytes)
        self.bounds = bounds
        identity = OriginalIdentity(tenantName: owner.tenantName)
    }

    /// Adds the block that is stored as `length` bytes behind the one before. Throws ``LineRefusal``, having changed nothing,
    /// or `ArchiveFormatError.io`.
    mutating func add(_ text: UnsafeRawBufferPointer, length: Int) throws {
        var block = try lines.scan(text, of: owner, afterSeq: lastSeq)
        block.offset = end
        block.length = length
        gaps += lines.gaps
        terms.startBlock(blocks.count + 1 - Int(runStart), bytes: text.count)
        leaves.removeAll()
        var start = 0
        for index in lines.ends.indices {
            let end = lines.ends[index]
            let line = UnsafeRawBufferPointer(rebasing: text[start..<end])
            if let head = CanonicalLine(line) {
                let combination = terms.add(line: start..<end, of: text, identity: identity.identity(head.body))
                rollups.count(tenant: owner.tenant, time: lines.times[index], combination: combination) { DayWriter.combination(line) }
            }
            let leaf = MerkleHash.leaf(line)
            withUnsafeBytes(of: leaf.words.0) {
                checks.append($0[0])
                checks.append($0[1])
            }
            leaves.append(leafHash: leaf)
            start = end + 1
        }
        leaves.join()
        append(block)
        bytesInRun += text.count
        if bytesInRun >= bounds.runBytes || terms.ordinary.count + terms.identities.count >= bounds.runPairs { try closeRun() }
    }

    /// Adds a stretch of the file that cannot be read; `block`: what is known of it.
    mutating func add(unreadable block: ArchiveBlock) {
        checks += repeatElement(0, count: 2 * block.events)
        append(block)
    }

    /// Where the next block stands in the file.
    var end: Int { blocks.last.map { $0.offset + $0.length } ?? 0 }

    private mutating func append(_ block: ArchiveBlock) {
        blocks.append(block)
        lastSeq = block.lastSeq
        head.events += block.events
        head.bytes += block.bytes
        if block.events == 0 { return }
        if head.firstSeq == 0 { head.firstSeq = block.firstSeq }
        head.lastSeq = block.lastSeq
        head.minTime = min(head.minTime, block.minTime)
        head.maxTime = max(head.maxTime, block.maxTime)
    }

    private mutating func closeRun() throws {
        let last = UInt32(blocks.count)
        if last < runStart { return }
        terms.sort(&sorter)
        let termPages = DayWriter.termPages(terms, blocks: runStart...last).pages
        let rows = rollups.takeRows(withSums: false)
        for (key, count) in rows { counts[RollupKey.combination(key), default: 0] += Int(count) }
        let rollupPages = RollupPage.pages(rows)
        let offset = stream.count
        PageDirectory.append(termPages, to: &directory)
        PageDirectory.append(rollupPages, to: &directory)
        let termBytes = try IndexPage.append(termPages, to: &stream)
        let rollupBytes = try IndexPage.append(rollupPages, to: &stream)
        try stream.append(checks)
        checks.withUnsafeBytes { checksHash.update(bufferPointer: $0) }
        head.runs.append(
            IndexHead.Run(
                blocks: runStart...last, events: checks.count / 2, identities: terms.identities.count, offset: offset, termBytes: termBytes,
                termPages: termPages.count, rollupBytes: rollupBytes, rollupPages: rollupPages.count, checksChecksum: crc32c(checks)))
        checks.removeAll(keepingCapacity: true)
        terms.removeAll()
        runStart = last + 1
        bytesInRun = 0
    }

    /// A finished index, not yet in the frames of its members.
    struct Finished {
        let head: IndexHead
        let blocks: [ArchiveBlock]
        let index: any ByteSource
        let trailer: ArchiveTrailer
        let gaps: [ClosedRange<UInt64>]
        let counts: [UInt32: Int]
        let lineChecks: Digest
    }

    /// `dataLength`: bytes of the file in front of the index.
    mutating func finish(dataLength: Int) throws -> Finished {
        try closeRun()
        head.combinations = rollups.added.map {
            ArchiveFile.Combination(
                number: $0.number, kind: $0.combination.kind, action: $0.combination.action, outcome: $0.combination.outcome)
        }
        // Small parts last: they are read together with the trailer.
        let sections = [directory.bytes, BlockTable.encoded(blocks), head.encoded()]
        var places: [ArchiveTrailer.Section] = []
        for section in sections {
            places.append(ArchiveTrailer.Section(offset: stream.count, length: section.count, checksum: crc32c(section)))
            try stream.append(section)
        }
        let trailer = ArchiveTrailer(
            dataLength: dataLength, indexLength: stream.count, directory: places[0], blocks: places[1], head: places[2])
        return Finished(
            head: head, blocks: blocks, index: try stream.source(), trailer: trailer, gaps: gaps, counts: counts,
            lineChecks: Digest(checksHash.finalize()))
    }
}
