import CDeflate
import EventModel
import Foundation

/// Makes a day's index again from its pieces, which say everything the index does: each gzip member holds lines of one
/// tenant, and each line carries its `seq`, and tenant and position in its id. A compaction that was interrupted leaves
/// old and new files beside each other; their names tell which take the place of which. A line whose `seq` its tenant
/// had already is passed over, so nothing is indexed twice whatever the files hold.
///
/// A marker file stands beside the day from before the first byte is written until the last one is durable, so that a
/// rebuild that was interrupted is begun anew and half an index is never taken for a whole one. A lookup that meets
/// damage in the index leaves the same marker for the next start. The pieces themselves are only read: bytes that are
/// no member are stepped over and counted.
struct PartitionRebuild: ~Copyable {
    private let partition: Partition
    private let blockBytes: Int
    private var writer: DayWriter
    private var tools = PackTools()
    private var buffers: BlockBuffers
    private var blocks: [OpenBlock] = []
    private var locations: [BlockLocation] = []
    private var waitingBytes = 0
    private var names: [UInt32: String] = [:]
    private var lastSeqs: [UInt32: UInt64] = [:]
    private var summary = StoreReport.Rebuilt()

    /// Lines indexed in one transaction; bounds the memory, as in the packer.
    private static let transactionBytes = 16 << 20
    /// A member is one line at least, and a line has its limit; this is far above both.
    private static let largestMemberBytes = 64 << 20

    static func marker(_ folder: String, _ day: Int64) -> String { folder + "/" + Partition.name(day: day) + ".rebuild" }

    /// The index must be out of the way. `blockBytes`: lines of one block; larger members become several.
    static func run(folder: String, day: Int64, blockBytes: Int) throws -> StoreReport.Rebuilt {
        let partition = Partition(folder: folder, day: day)
        defer { partition.close() }
        var rebuild = try PartitionRebuild(partition, blockBytes: blockBytes)
        let names = try StoreOpening.pieces(folder, day)
        var pieces: [Piece] = []
        for name in names where !names.contains(where: { $0.supersedes(name) }) {
            let file = try MembersFile(path: partition.path(of: name))
            pieces.append(Piece(id: UInt32(pieces.count + 1), name: name, bytes: try file.length()))
            try rebuild.walk(file, pieces[pieces.count - 1])
        }
        try partition.writer().write { database in for piece in pieces { try PieceTable.put(piece, database) } }
        rebuild.summary.day = Partition.name(day: day)
        return rebuild.summary
    }

    private init(_ partition: Partition, blockBytes: Int) throws {
        self.partition = partition
        self.blockBytes = blockBytes
        buffers = BlockBuffers(fullBytes: blockBytes)
        writer = try DayWriter(partition, pieceBytes: .max)
    }

    private mutating func walk(_ file: MembersFile, _ piece: Piece) throws {
        let end = piece.bytes
        let walker = MemberWalker(file, end: end)
        var at = 0
        while at < end {
            if let (lines, length) = walker.member(at: at, largestBytes: Self.largestMemberBytes),
                add(
                    lines,
                    BlockLocation(
                        piece: piece.id, length: UInt32(length), offset: UInt64(at), memberBytes: UInt32(lines.count), start: 0))
            {
                at += length
                if waitingBytes >= Self.transactionBytes { try index() }
            } else {
                let next = walker.nextMember(after: at) ?? end
                summary.damagedBytes += next - at
                at = next
            }
        }
        try index()
    }

    /// `false` when these are not lines of one tenant in the order of their `seq`.
    private mutating func add(_ lines: [UInt8], _ member: BlockLocation) -> Bool {
        var made: [(block: OpenBlock, start: Int)] = []
        let isGood = lines.withUnsafeBytes { lines in
            var tenant: UInt32?
            var lastSeq: UInt64 = 0
            var start = 0
            while let end = lineEnd(lines, start) {
                let line = UnsafeRawBufferPointer(rebasing: lines[start...end])
                guard let head = CanonicalLine(line), let id = EventID(String(decoding: head.id, as: UTF8.self)),
                    tenant ?? id.tenant == id.tenant, head.seq > lastSeq
                else { return false }
                tenant = id.tenant
                lastSeq = head.seq
                if head.seq > lastSeqs[id.tenant] ?? 0 { append(line, head, id, at: start, to: &made) }
                start = end + 1
            }
            if let tenant { lastSeqs[tenant] = max(lastSeqs[tenant] ?? 0, lastSeq) }
            return tenant != nil && start == lines.count
        }
        guard isGood else { return false }
        for (block, start) in made {
            var location = member
            location.start = UInt32(start)
            location.checksum = crc32(block.view.allLines)
            blocks.append(block)
            locations.append(location)
            waitingBytes += block.view.byteCount
        }
        return true
    }

    private mutating func append(
        _ line: UnsafeRawBufferPointer, _ head: CanonicalLine, _ id: EventID, at start: Int, to made: inout [(block: OpenBlock, start: Int)]
    ) {
        let facts = LineIdentity(head.body)
        if names[id.tenant] == nil { names[id.tenant] = facts.tenant }
        if made.isEmpty || made[made.count - 1].block.view.byteCount + line.count > blockBytes {
            let block = OpenBlock(
                tenant: id.tenant, day: partition.day, firstPosition: id.position, startBytes: 0, startTime: .now,
                follows: false, &buffers)
            made.append((block, start))
        }
        made[made.count - 1].block.append(
            line,
            CommittedEvent(
                offset: 0, length: UInt32(line.count), tenant: id.tenant, seq: head.seq, time: head.time, identity: facts.identity),
            position: id.position, buffers)
    }

    private mutating func index() throws {
        guard !blocks.isEmpty else { return }
        let names = names
        // Position 0: what the journal still holds is asked for again, and what is here already is passed over.
        _ = try writer.pack(blocks, appliedPosition: 0, tools: &tools, locations: locations) { names[$0] ?? "" }
        summary.blocks += blocks.count
        summary.events += blocks.reduce(0) { $0 + $1.view.count }
        blocks.removeAll()
        locations.removeAll()
        waitingBytes = 0
    }
}

/// What deduplication and the tenant table need of a line that was read back; see ``Hash64/identity(tenant:producer:originalID:)``.
struct LineIdentity {
    var tenant = ""
    var identity: UInt64 = 0

    init(_ body: UnsafeRawBufferPointer) {
        var tenant: [UInt8] = []
        var producer: [UInt8] = []
        var originalID: [UInt8] = []
        var scratch = FilterScratch()
        scratch.cursor.startFields(body)
        while scratch.cursor.next() {
            guard scratch.cursor.isString else { continue }
            if scratch.isAt(root: "producer", key: "name") {
                CanonicalLine.unescape(scratch.cursor.value, into: &producer)
            } else if scratch.cursor.depth == 1, scratch.cursor.key(1).elementsEqual("tenant".utf8) {
                CanonicalLine.unescape(scratch.cursor.value, into: &tenant)
            }
        }
        if let value = CanonicalLine.originalID(body: body) { CanonicalLine.unescape(value, into: &originalID) }
        self.tenant = String(decoding: tenant, as: UTF8.self)
        guard !originalID.isEmpty else { return }
        identity = tenant.withUnsafeBytes { tenant in
            producer.withUnsafeBytes { producer in
                originalID.withUnsafeBytes { Hash64.identity(tenant: tenant, producer: producer, originalID: $0) }
            }
        }
    }
}

/// Reads a piece without its index, a piece at a time.
final class MemberWalker {
    private let file: MembersFile
    private let end: Int
    private let handle: OpaquePointer
    private var piece: [UInt8] = []
    private var pieceStart = 0
    private var target: [UInt8] = Array(repeating: 0, count: 1 << 20)

    private static let pieceBytes = 8 << 20
    /// gzip, deflate, no flags, no time: how every member of ours begins (RFC 1952, section 2.3).
    private static let magic: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]

    init(_ file: MembersFile, end: Int) {
        self.file = file
        self.end = end
        guard let handle = libdeflate_alloc_decompressor() else { preconditionFailure("no memory") }
        self.handle = handle
    }

    deinit { libdeflate_free_decompressor(handle) }

    /// The member's lines and its length in the file; `nil` when none starts there or it is damaged.
    func member(at offset: Int, largestBytes: Int) -> (lines: [UInt8], length: Int)? {
        // A member that reaches to the end of the piece may go on behind it.
        for isAgain in [false, true] {
            guard load(offset, again: isAgain) else { return nil }
            let start = offset - pieceStart
            guard piece.count - start > 18, piece[start..<start + Self.magic.count].elementsEqual(Self.magic) else { return nil }
            while true {
                var consumed = 0
                var written = 0
                let result = piece.withUnsafeBytes { piece in
                    libdeflate_gzip_decompress_ex(
                        handle, piece.baseAddress! + start, piece.count - start, &target, target.count, &consumed, &written)
                }
                if result == LIBDEFLATE_SUCCESS { return (Array(target[..<written]), consumed) }
                guard result == LIBDEFLATE_INSUFFICIENT_SPACE, target.count < largestBytes else { break }
                target = Array(repeating: 0, count: target.count * 2)
            }
            if pieceStart == offset { return nil }
        }
        return nil
    }

    /// Where the next bytes stand that look like a member's first.
    func nextMember(after offset: Int) -> Int? {
        var at = offset + 1
        while at < end {
            guard load(at, again: false) else { return nil }
            var index = at - pieceStart
            while index + Self.magic.count <= piece.count {
                if piece[index] == Self.magic[0], piece[index..<index + Self.magic.count].elementsEqual(Self.magic) {
                    return pieceStart + index
                }
                index += 1
            }
            let reached = pieceStart + index
            if reached + Self.magic.count > end { return nil }
            guard load(reached, again: true) else { return nil }
            at = reached
        }
        return nil
    }

    /// Makes `piece` hold what stands at `offset`; from there on when `again`.
    private func load(_ offset: Int, again: Bool) -> Bool {
        if !again, offset >= pieceStart, offset < pieceStart + piece.count { return true }
        if again, offset == pieceStart, !piece.isEmpty { return true }
        let count = min(Self.pieceBytes, end - offset)
        if piece.count != count { piece = Array(repeating: 0, count: count) }
        pieceStart = offset
        return piece.withUnsafeMutableBytes { file.read(into: $0, at: offset) }
    }
}
