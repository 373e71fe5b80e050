import EventModel
import Foundation
import GRDB

/// Turns blocks of events into members, block rows, a term run and rollups of one partition. Belongs to the packer's
/// thread; its buffers are used again for every pack.
package final class DayWriter {
    let partition: Partition
    /// What is being appended to. A new one is begun after every start and failure, so that nothing is ever written
    /// behind bytes of which nobody knows whether they count.
    private var piece: (id: UInt32, name: PieceName, file: MembersFile, end: Int)?
    private let pieceBytes: Int
    private var lastBlock: UInt32
    private var tenants: [UInt32: TenantSummary]
    private var rollups: RollupCollector

    init(_ partition: Partition, pieceBytes: Int) throws {
        self.partition = partition
        self.pieceBytes = pieceBytes
        _ = try partition.writer()
        let summary = try PartitionSummary(partition)
        lastBlock = UInt32(summary.blocks)
        tenants = summary.tenants
        let combinations = try partition.read { database in
            try Row.fetchAll(database, sql: "SELECT id, kind, action, outcome FROM combination").map { row in
                (
                    number: UInt32(truncatingIfNeeded: row[0] as Int64),
                    combination: RollupCollector.Combination(kind: row[1], action: row[2], outcome: row[3])
                )
            }
        }
        rollups = RollupCollector(combinations: combinations)
    }

    /// What a pack added, for the directory in memory.
    struct Packed {
        var entries: [BlockEntry] = []
        var firstSeqs: [UInt64] = []
        var lastSeqs: [UInt64] = []
    }

    deinit { closePiece() }

    /// Packs `blocks`, all of this day, and stores `appliedPosition` with them: durable when it returns, undone as a
    /// whole when it throws. `locations`: where the blocks lie in the day's files already; then they are indexed and
    /// nothing is compressed.
    func pack(
        _ blocks: [OpenBlock], appliedPosition: UInt64, tools: inout PackTools, locations: [BlockLocation]? = nil, name: (UInt32) -> String
    ) throws -> Packed {
        do {
            if locations == nil { try openPiece() }
            return try write(compress(blocks, &tools, locations), appliedPosition, &tools, isNew: locations == nil, name)
        } catch {
            closePiece()
            throw error
        }
    }

    /// The file that the last pack went to.
    var file: (piece: UInt32, file: MembersFile)? { piece.map { ($0.id, $0.file) } }

    /// Called once lookups find the blocks of the last pack: from now on a compaction may move them.
    func published() {
        guard let piece else { return }
        partition.pieces.withLock { $0.appended(piece.id, end: piece.end, closes: piece.end >= pieceBytes) }
    }

    private func openPiece() throws {
        if let piece, partition.pieces.withLock({ $0.resume(piece.id) }) { return }
        piece = nil
        let new = partition.pieces.withLock { $0.open() }
        do {
            piece = (new.id, new.name, try MembersFile(path: partition.path(of: new.name), creates: true), 0)
            try syncFolder(partition.folder)
        } catch {
            _ = partition.pieces.withLock { $0.close(new.id) }
            throw error
        }
    }

    private func closePiece() {
        guard let piece else { return }
        self.piece = nil
        // What lies behind the last block of a piece that is kept is cut off at the next start, or left out by a compaction.
        if partition.pieces.withLock({ $0.close(piece.id) }) { unlink(piece.file.path) }
    }

    private func write(_ packed: Packed, _ appliedPosition: UInt64, _ tools: inout PackTools, isNew: Bool, _ name: (UInt32) -> String)
        throws
        -> Packed
    {
        let rows = rollups.takeRows(withSums: true)
        tools.terms.sort(&tools.sorter)
        let firstBlock = lastBlock + 1
        let count = UInt32(packed.entries.count)
        let pages = Self.termPages(tools.terms, blocks: firstBlock...firstBlock + count - 1)
        if isNew, let piece {
            try tools.members.withUnsafeBytes {
                try piece.file.write(UnsafeRawBufferPointer(rebasing: $0[..<tools.membersLength]), at: piece.end)
            }
            try piece.file.sync()
        }
        let end = (piece?.end ?? 0) + tools.membersLength
        var changed = tenants
        for (index, entry) in packed.entries.enumerated() {
            changed[entry.tenant, default: TenantSummary(name: name(entry.tenant))].add(entry, lastSeq: packed.lastSeqs[index])
        }
        let touched = Set(packed.entries.map(\.tenant))
        try partition.writer().write { database in
            if isNew, let piece { try PieceTable.put(Piece(id: piece.id, name: piece.name, bytes: end), database) }
            try insertBlocks(packed, database)
            for tenant in touched { try Self.upsert(tenant, changed[tenant]!, database) }
            for (number, combination) in rollups.added {
                try database.cachedStatement(sql: "INSERT OR IGNORE INTO combination VALUES (?, ?, ?, ?)").execute(
                    arguments: [Int64(number), combination.kind, combination.action, combination.outcome])
            }
            let number = try RunTable.freeNumber(database)
            let run = Run(
                number: number, level: 0, blocks: firstBlock...firstBlock + count - 1, ordinary: pages.ordinary,
                identities: tools.terms.identities.count)
            try RunTable.insert(run, database)
            try RunTable.insertTermPages(pages.pages, run: number, database)
            try RunTable.insertRollupPages(RollupPage.pages(rows), run: number, database)
            try database.cachedStatement(sql: "UPDATE meta SET value = ? WHERE key = 'applied_position'").execute(
                arguments: [Int64(bitPattern: appliedPosition)])
        }
        rollups.clearAdded()
        tenants = changed
        lastBlock += count
        if isNew { piece?.end = end }
        return packed
    }

    private func compress(_ blocks: [OpenBlock], _ tools: inout PackTools, _ locations: [BlockLocation]?) -> Packed {
        var packed = Packed()
        tools.terms.removeAll()
        tools.membersLength = 0
        for (index, block) in blocks.enumerated() {
            let view = block.view
            tools.terms.startBlock(index, bytes: view.byteCount)
            let lines = view.allLines
            for number in 0..<view.count {
                let event = view.events.base[number]
                let line = Int(event.offset)..<Int(event.offset + event.length)
                let combination = tools.terms.add(line: line, of: lines, identity: event.identity)
                rollups.count(tenant: view.tenant, time: event.time, combination: combination) { Self.combination(view.line(event)) }
            }
            let location =
                locations?[index]
                ?? BlockLocation(
                    piece: piece?.id ?? 0, length: UInt32(tools.compress(lines)), offset: UInt64((piece?.end ?? 0) + tools.membersLength),
                    memberBytes: UInt32(view.byteCount), start: 0)
            if locations == nil { tools.membersLength += Int(location.length) }
            let last = view.events.base[view.count - 1]
            packed.entries.append(
                BlockEntry(
                    tenant: view.tenant, count: UInt32(view.count), minTime: view.minTime, maxTime: view.maxTime, location: location,
                    bytes: UInt32(view.byteCount), firstPosition: view.events.base[0].position, lastPosition: last.position))
            packed.firstSeqs.append(view.events.base[0].seq)
            packed.lastSeqs.append(last.seq)
        }
        return packed
    }

    package static func combination(_ line: UnsafeRawBufferPointer) -> RollupCollector.Combination {
        var combination = RollupCollector.Combination(kind: "", action: "", outcome: "")
        guard let head = CanonicalLine(line) else { return combination }
        var cursor = CanonicalLineCursor()
        cursor.startFields(head.body)
        while cursor.next() {
            guard cursor.depth == 1 else { continue }
            switch String(decoding: cursor.key(1), as: UTF8.self) {
            case "kind": combination.kind = String(decoding: cursor.value, as: UTF8.self)
            case "action": combination.action = String(decoding: cursor.value, as: UTF8.self)
            case "outcome": combination.outcome = String(decoding: cursor.value, as: UTF8.self)
            default: continue
            }
        }
        return combination
    }

    package static func termPages(_ terms: borrowing TermCollector, blocks: ClosedRange<UInt32>) -> (
        pages: [(first: UInt64, body: [UInt8])], ordinary: Int
    ) {
        // Most terms have one block, so there are nearly as many terms as pairs.
        var writer = TermPageWriter(blocks: blocks, ordinary: terms.ordinary.count, identities: terms.identities.count)
        append(terms.ordinary, blocks, to: &writer)
        let ordinary = writer.termCount
        append(terms.identities, blocks, to: &writer)
        writer.finish()
        return (writer.takePages(), ordinary)
    }

    private static func append(_ pairs: [UInt64], _ blocks: ClosedRange<UInt32>, to writer: inout TermPageWriter) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: blocks.count) { list in
            var at = 0
            while at < pairs.count {
                let term = pairs[at] >> TermCollector.blockBits
                var count = 0
                while at < pairs.count, pairs[at] >> TermCollector.blockBits == term {
                    let block = blocks.lowerBound + UInt32(truncatingIfNeeded: pairs[at] & ((1 << TermCollector.blockBits) - 1))
                    // Two events of a block may share an identity's term.
                    if count == 0 || list[count - 1] != block {
                        list[count] = block
                        count += 1
                    }
                    at += 1
                }
                writer.add(term, UnsafeBufferPointer(rebasing: list[..<count]))
            }
        }
    }

    private func insertBlocks(_ packed: Packed, _ database: Database) throws {
        let statement = try database.cachedStatement(sql: "INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        for (index, entry) in packed.entries.enumerated() {
            try statement.execute(arguments: [
                Int64(lastBlock) + 1 + Int64(index), Int64(entry.tenant), Int64(bitPattern: packed.firstSeqs[index]),
                Int64(bitPattern: packed.lastSeqs[index]),
                Int64(bitPattern: entry.firstPosition), Int64(bitPattern: entry.lastPosition), Int64(entry.count), entry.minTime,
                entry.maxTime,
                Int64(entry.bytes), Int64(entry.location.piece), Int64(bitPattern: entry.location.offset), Int64(entry.location.length),
                Int64(entry.location.memberBytes), Int64(entry.location.start), Int64(entry.location.checksum),
            ])
        }
    }

    private static func upsert(_ number: UInt32, _ tenant: TenantSummary, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO tenant VALUES (?, ?, ?, ?, ?, ?, ?, ?)").execute(arguments: [
            Int64(number), tenant.name, Int64(bitPattern: tenant.lastSeq), Int64(bitPattern: tenant.lastPosition), tenant.events,
            tenant.blocks,
            tenant.minTime, tenant.maxTime,
        ])
    }
}

/// What packing needs for every block, made once.
struct PackTools: ~Copyable {
    var terms = TermCollector()
    var sorter = RadixSorter()
    var members: [UInt8] = []
    var membersLength = 0
    private let deflater = Deflater(level: Self.level)

    /// While packing, speed counts; the compactor makes the bytes few. Of canonical lines of 692 bytes in members of
    /// 128 KiB level 1 leaves 111 bytes for 1.7 µs an event, level 6 91 for 4.1.
    private static let level = 1

    /// Appends the member of `lines` to `members`; the caller moves `membersLength` by the length returned.
    mutating func compress(_ lines: UnsafeRawBufferPointer) -> Int {
        let room = deflater.largestMember(of: lines.count)
        if members.count < membersLength + room { members.append(contentsOf: repeatElement(0, count: max(room, members.count))) }
        let start = membersLength
        return members.withUnsafeMutableBytes { members in
            deflater.member(of: lines, into: UnsafeMutableRawBufferPointer(rebasing: members[start...]))
        }
    }
}
