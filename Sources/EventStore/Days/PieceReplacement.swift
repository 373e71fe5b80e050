import EventModel
import Foundation

/// Writes the file that takes a piece's place when lines of it change. Members without a changed line are copied byte for
/// byte; the others are deflated anew, and their terms collected.
struct PieceReplacement: ~Copyable {
    private(set) var piece: Piece
    private(set) var blocks: [RewrittenBlock] = []
    private(set) var lines: [RewrittenLine] = []
    let path: String

    private let unfinished: String
    private let output: MembersFile
    private let deflater: Deflater
    private var made: [UInt8] = []
    private var changed: [UInt8] = []

    /// Which of the piece's members have to be written anew; empty when it can stay as it is.
    static func affected(_ source: PieceLines, _ tenants: Set<UInt32>?, _ change: LineChange) throws -> Set<Int> {
        var affected: Set<Int> = []
        for (index, member) in source.members.enumerated() where tenants?.contains(member.tenant) ?? true {
            try source.inflate(member)
            let hasChange = try source.lines.withUnsafeBytes { lines in
                // Lines of no block are looked at too: they are in the file.
                var start = 0
                let all = UnsafeRawBufferPointer(rebasing: lines[..<Int(member.location.memberBytes)])
                while let end = lineEnd(all, start) {
                    if try change(member.tenant, UnsafeRawBufferPointer(rebasing: all[start..<end])) != nil { return true }
                    start = end + 1
                }
                return false
            }
            if hasChange { affected.insert(index) }
        }
        return affected
    }

    init(of piece: Piece, id: UInt32, in partition: Partition, level: Int) throws {
        self.piece = Piece(id: id, name: piece.name.rewritten, bytes: 0)
        path = partition.path(of: self.piece.name)
        unfinished = path.dropLast(PieceName.suffix.count) + PieceName.unfinishedSuffix
        output = try MembersFile(path: unfinished, creates: true)
        deflater = Deflater(level: level)
    }

    mutating func write(_ source: PieceLines, affected: Set<Int>, _ change: LineChange, _ terms: inout RewrittenTerms) throws {
        for (index, member) in source.members.enumerated() {
            if affected.contains(index) {
                try source.inflate(member)
                try rewrite(member, source.lines, change, &terms)
            } else {
                try source.read(member)
                try put(source.stored, Int(member.location.length), memberBytes: member.location.memberBytes, member.blocks)
            }
        }
        try output.sync()
    }

    /// Gives the file its name; nobody refers to it yet.
    func publish() throws {
        guard rename(unfinished, path) == 0 else { throw StoreError.io(path: path, operation: "rename", errno: errno) }
    }

    func discard() {
        unlink(unfinished)
        unlink(path)
    }

    private mutating func rewrite(_ member: PieceLines.Member, _ old: [UInt8], _ change: LineChange, _ terms: inout RewrittenTerms) throws {
        changed.removeAll(keepingCapacity: true)
        var placed: [PieceLines.Block] = []
        for block in member.blocks {
            let start = changed.count
            let count = lines.count
            try old.withUnsafeBytes { bytes in
                try append(
                    UnsafeRawBufferPointer(rebasing: bytes[Int(block.start)..<Int(block.start + block.bytes)]), member.tenant, change)
            }
            let checksum = changed.withUnsafeBytes { crc32(UnsafeRawBufferPointer(rebasing: $0[start...])) }
            placed.append(
                PieceLines.Block(number: block.number, start: UInt32(start), bytes: UInt32(changed.count - start), checksum: checksum))
            guard lines.count > count else { continue }
            try changed.withUnsafeBytes { try terms.add(block.number, UnsafeRawBufferPointer(rebasing: $0[start...])) }
        }
        let room = deflater.largestMember(of: changed.count)
        if made.count < room { made = Array(repeating: 0, count: room) }
        let length = made.withUnsafeMutableBytes { made in changed.withUnsafeBytes { deflater.member(of: $0, into: made) } }
        try put(made, length, memberBytes: UInt32(changed.count), placed)
    }

    private mutating func append(_ block: UnsafeRawBufferPointer, _ tenant: UInt32, _ change: LineChange) throws {
        var start = 0
        while let end = lineEnd(block, start) {
            let line = UnsafeRawBufferPointer(rebasing: block[start..<end])
            if let new = try change(tenant, line), let head = CanonicalLine(line) {
                changed += new
                changed.append(UInt8(ascii: "\n"))
                lines.append(RewrittenLine(tenant: tenant, seq: head.seq))
            } else {
                changed += block[start...end]
            }
            start = end + 1
        }
    }

    private mutating func put(
        _ member: [UInt8], _ length: Int, memberBytes: UInt32, _ placed: [PieceLines.Block]
    ) throws {
        try member.withUnsafeBytes { try output.write(UnsafeRawBufferPointer(rebasing: $0[..<length]), at: piece.bytes) }
        for block in placed {
            let location = BlockLocation(
                piece: piece.id, length: UInt32(length), offset: UInt64(piece.bytes), memberBytes: memberBytes, start: block.start,
                checksum: block.checksum)
            blocks.append(RewrittenBlock(number: block.number, location: location, bytes: block.bytes))
        }
        piece.bytes += length
    }
}
