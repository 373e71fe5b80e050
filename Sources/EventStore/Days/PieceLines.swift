import EventModel
import GRDB

/// A block that has another place, and perhaps other lines.
struct RewrittenBlock: Sendable {
    var number: UInt32
    var location: BlockLocation
    /// Of its lines.
    var bytes: UInt32
}

/// The members of one piece, inflated one after another.
final class PieceLines {
    struct Member {
        var tenant: UInt32
        var location: BlockLocation
        /// Its blocks in the order of their numbers; some lines of it may belong to none, see ``PartitionRebuild``.
        var blocks: [Block]
    }

    /// Where a block's lines stand in what its member inflates to.
    struct Block {
        var number: UInt32
        var start: UInt32
        var bytes: UInt32
        /// As in ``BlockLocation``.
        var checksum: UInt32
    }

    let piece: Piece
    let members: [Member]

    private let file: MembersFile
    private let inflater = Inflater()
    private(set) var stored: [UInt8] = []
    private(set) var lines: [UInt8] = []

    init(_ piece: Piece, of partition: Partition) throws {
        self.piece = piece
        file = try MembersFile(path: partition.path(of: piece.name))
        members = try partition.scan { database in
            var members: [Member] = []
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT id, tenant, bytes, \(try BlockLocation.columns(database)) FROM block WHERE piece = ? ORDER BY tenant, id
                    """, arguments: [Int64(piece.id)])
            while let row = try rows.next() {
                let location = BlockLocation(row, from: 3)
                let tenant = UInt32(truncatingIfNeeded: row[1] as Int64)
                let block = Block(
                    number: UInt32(truncatingIfNeeded: row[0] as Int64), start: location.start,
                    bytes: UInt32(truncatingIfNeeded: row[2] as Int64), checksum: location.checksum)
                if let last = members.last, last.tenant == tenant, last.location.isSameMember(as: location) {
                    members[members.count - 1].blocks.append(block)
                } else {
                    members.append(Member(tenant: tenant, location: location, blocks: [block]))
                }
            }
            return members
        }
    }

    /// Fills the first `length` bytes of `stored`.
    func read(_ member: Member) throws {
        let length = Int(member.location.length)
        if stored.count < length { stored = Array(repeating: 0, count: length) }
        let isRead = stored.withUnsafeMutableBytes {
            file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<length]), at: Int(member.location.offset))
        }
        guard isRead else { throw damage(member, "it cannot be read") }
    }

    /// Fills `stored` and the first `memberBytes` of `lines`.
    func inflate(_ member: Member) throws {
        try read(member)
        let (length, count) = (Int(member.location.length), Int(member.location.memberBytes))
        if lines.count < count { lines = Array(repeating: 0, count: count) }
        let isGood = stored.withUnsafeBytes { stored in
            lines.withUnsafeMutableBytes { lines in
                inflater.inflate(
                    UnsafeRawBufferPointer(rebasing: stored[..<length]), into: UnsafeMutableRawBufferPointer(rebasing: lines[..<count]))
            }
        }
        guard isGood else { throw damage(member, "it does not inflate to what was written") }
    }

    private func damage(_ member: Member, _ reason: String) -> StoreError {
        .damaged(path: file.path, offset: Int(member.location.offset), reason: "\(reason) (tenant number \(member.tenant))")
    }
}
