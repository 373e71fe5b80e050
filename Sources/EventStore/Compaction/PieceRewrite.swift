import Foundation
import GRDB

/// What a rewrite leads to.
struct RewrittenPiece: Sendable {
    var moved: [(number: UInt32, location: BlockLocation)] = []
    var bytes = 0
}

/// Writes one file that holds all members of some neighbouring pieces: tenant by tenant in the order of `seq`, each
/// tenant's neighbouring blocks joined into members of full size at the final level. Only reads what there is; nobody
/// knows of the new file until the caller has renamed it.
struct PieceRewrite: ~Copyable {
    struct Member: Sendable {
        var tenant: UInt32
        var location: BlockLocation
        /// Its blocks, in the order they stand in.
        var blocks: [Block]
        var isCompacted: Bool
    }

    /// A part of a member's lines.
    struct Block: Sendable {
        var number: UInt32
        var start: UInt32
        var bytes: UInt32
        var checksum: UInt32
    }

    private(set) var rewritten = RewrittenPiece()

    private let id: UInt32
    private let memberBytes: Int
    private let files: [UInt32: MembersFile]
    private let output: MembersFile
    private let members: [Member]
    private let deflater: Deflater
    private let inflater = Inflater()

    /// Lines that wait to become one member.
    private var lines: [UInt8] = []
    private var linesLength = 0
    private var blocks: [Block] = []
    private var stored: [UInt8] = []
    private var outgoing: [UInt8] = []
    private var unsyncedBytes = 0

    private static let writeBytes = 1 << 20
    /// Synced in parts, so that no sync of the journal has to carry a whole file.
    private static let syncBytes = 8 << 20

    /// What is rewritten: the members of some pieces, by tenant and in the order of `seq`.
    struct Source: Sendable {
        let members: [Member]
        let files: [UInt32: MembersFile]

        init(_ pieces: [Piece], of partition: Partition) throws {
            var files: [UInt32: MembersFile] = [:]
            for piece in pieces { files[piece.id] = try MembersFile(path: partition.path(of: piece.name)) }
            self.files = files
            members = try PieceRewrite.members(of: pieces, partition)
        }
    }

    /// `output`: empty. `id`: of the new piece.
    init(_ source: Source, into output: MembersFile, id: UInt32, level: Int, memberBytes: Int) {
        self.id = id
        self.output = output
        self.memberBytes = memberBytes
        files = source.files
        members = source.members
        deflater = Deflater(level: level)
        rewritten.moved.reserveCapacity(members.count)
    }

    /// `pause` is called between members; what it throws ends the work.
    mutating func run(pause: () throws -> Void) throws {
        for index in members.indices {
            try pause()
            if linesLength > 0, !joins(members[index]) { try flush() }
            if blocks.isEmpty, members[index].isCompacted, !isJoined(index) { try copy(members[index]) } else { try take(members[index]) }
            if index + 1 == members.count || members[index + 1].tenant != members[index].tenant { try flush() }
        }
        try writeOut()
        try output.sync()
    }

    private static func members(of pieces: [Piece], _ partition: Partition) throws -> [Member] {
        let compacted = Set(pieces.filter(\.name.isCompacted).map(\.id))
        let list = pieces.map { String($0.id) }.joined(separator: ",")
        return try partition.read { database in
            var members: [Member] = []
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT id, tenant, bytes, \(try BlockLocation.columns(database)) FROM block WHERE piece IN (\(list))
                        ORDER BY tenant, id
                    """)
            while let row = try rows.next() {
                let number = UInt32(truncatingIfNeeded: row[0] as Int64)
                let tenant = UInt32(truncatingIfNeeded: row[1] as Int64)
                let location = BlockLocation(row, from: 3)
                let block = Block(
                    number: number, start: location.start, bytes: UInt32(truncatingIfNeeded: row[2] as Int64), checksum: location.checksum)
                if let last = members.last, last.tenant == tenant, last.location.piece == location.piece,
                    last.location.offset == location.offset
                {
                    members[members.count - 1].blocks.append(block)
                } else {
                    members.append(
                        Member(tenant: tenant, location: location, blocks: [block], isCompacted: compacted.contains(location.piece)))
                }
            }
            return members
        }
    }

    private func joins(_ member: Member) -> Bool { linesLength + Int(member.location.memberBytes) <= memberBytes }

    /// Whether the tenant's next member fits behind this one.
    private func isJoined(_ index: Int) -> Bool {
        guard index + 1 < members.count, members[index + 1].tenant == members[index].tenant else { return false }
        return Int(members[index].location.memberBytes) + Int(members[index + 1].location.memberBytes) <= memberBytes
    }

    private mutating func read(_ location: BlockLocation) throws {
        let count = Int(location.length)
        if stored.count < count { stored = Array(repeating: 0, count: count) }
        guard let file = files[location.piece] else { preconditionFailure("only blocks of these pieces were asked for") }
        let isRead = stored.withUnsafeMutableBytes {
            file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<count]), at: Int(location.offset))
        }
        guard isRead else { throw StoreError.io(path: file.path, operation: "pread", errno: EIO) }
    }

    /// Adds the member's lines to those that wait.
    private mutating func take(_ member: Member) throws {
        try read(member.location)
        let count = Int(member.location.memberBytes)
        if lines.count < linesLength + count { lines += Array(repeating: 0, count: max(memberBytes, linesLength + count) - lines.count) }
        let isGood = stored.withUnsafeBytes { stored in
            lines.withUnsafeMutableBytes { lines in
                inflater.inflate(
                    UnsafeRawBufferPointer(rebasing: stored[..<Int(member.location.length)]),
                    into: UnsafeMutableRawBufferPointer(rebasing: lines[linesLength..<linesLength + count]))
            }
        }
        if isGood {
            for var block in member.blocks {
                block.checksum = checksum(of: block, in: linesLength..<linesLength + count)
                block.start += UInt32(linesLength)
                blocks.append(block)
            }
            linesLength += count
        } else {
            // Damaged: kept as it is, and every lookup that needs it says so as before.
            try flush()
            try copy(member)
        }
    }

    /// Of a block of the member whose lines, known to be right, stand at `member`.
    private func checksum(of block: Block, in member: Range<Int>) -> UInt32 {
        // A lookup calls a block damaged that reaches beyond its member.
        guard Int(block.start) + Int(block.bytes) <= member.count else { return 0 }
        let start = member.lowerBound + Int(block.start)
        return lines.withUnsafeBytes { crc32(UnsafeRawBufferPointer(rebasing: $0[start..<start + Int(block.bytes)])) }
    }

    private mutating func copy(_ member: Member) throws {
        try read(member.location)
        let length = Int(member.location.length)
        try put(length: length, memberBytes: Int(member.location.memberBytes), member.blocks)
    }

    private mutating func flush() throws {
        guard !blocks.isEmpty else { return }
        let room = deflater.largestMember(of: linesLength)
        if stored.count < room { stored = Array(repeating: 0, count: room) }
        let length = stored.withUnsafeMutableBytes { stored in
            lines.withUnsafeBytes { deflater.member(of: UnsafeRawBufferPointer(rebasing: $0[..<linesLength]), into: stored) }
        }
        try put(length: length, memberBytes: linesLength, blocks)
        blocks.removeAll(keepingCapacity: true)
        linesLength = 0
    }

    /// The first `length` bytes of `stored` are the member.
    private mutating func put(length: Int, memberBytes: Int, _ blocks: [Block]) throws {
        let offset = UInt64(rewritten.bytes + outgoing.count)
        outgoing += stored[..<length]
        for block in blocks {
            let location = BlockLocation(
                piece: id, length: UInt32(length), offset: offset, memberBytes: UInt32(memberBytes), start: block.start,
                checksum: block.checksum)
            rewritten.moved.append((block.number, location))
        }
        if outgoing.count >= Self.writeBytes { try writeOut() }
    }

    private mutating func writeOut() throws {
        try outgoing.withUnsafeBytes { try output.write($0, at: rewritten.bytes) }
        rewritten.bytes += outgoing.count
        unsyncedBytes += outgoing.count
        outgoing.removeAll(keepingCapacity: true)
        if unsyncedBytes >= Self.syncBytes {
            try output.sync()
            unsyncedBytes = 0
        }
    }
}
