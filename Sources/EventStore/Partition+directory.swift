import Foundation
import GRDB

extension Partition {
    /// All blocks with their files open. A compaction may take a file away between the reading of its name and the
    /// opening of it; then everything is read again.
    func loadDirectory() throws -> BlockDirectory {
        for _ in 0..<8 { if let directory = try loadDirectoryOnce(isLast: false) { return directory } }
        return try loadDirectoryOnce(isLast: true)!
    }

    private func loadDirectoryOnce(isLast: Bool) throws -> BlockDirectory? {
        var directory = BlockDirectory()
        var pieces: [Piece] = []
        try read { database in
            pieces = try PieceTable.pieces(database)
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT id, tenant, count, min_time, max_time, bytes, first_position, last_position,
                        \(try BlockLocation.columns(database)) FROM block ORDER BY id
                    """
            )
            while let row = try rows.next() {
                guard row[0] as Int == Int(directory.lastNumber) + 1 else {
                    throw StoreError.unreadable(path: path, reason: "block \(directory.lastNumber + 1) is missing")
                }
                directory.append(
                    BlockEntry(
                        tenant: UInt32(truncatingIfNeeded: row[1] as Int64), count: UInt32(truncatingIfNeeded: row[2] as Int64),
                        minTime: row[3], maxTime: row[4], location: BlockLocation(row, from: 8),
                        bytes: UInt32(truncatingIfNeeded: row[5] as Int64), firstPosition: UInt64(bitPattern: row[6] as Int64),
                        lastPosition: UInt64(bitPattern: row[7] as Int64)))
            }
        }
        for piece in pieces {
            do { directory.add(try MembersFile(path: path(of: piece.name)), piece: piece.id) } catch StoreError.io(_, _, ENOENT) {
                if isLast { throw StoreError.unreadable(path: path(of: piece.name), reason: "it is missing") }
                return nil
            }
        }
        return directory
    }
}

extension BlockLocation {
    /// What ``init(_:from:)`` reads.
    static func columns(_ database: Database) throws -> String {
        "piece, length, offset, member_bytes, start, \(try Partition.format(database) == 3 ? "0" : "checksum")"
    }

    /// Its columns stand from `first` on.
    init(_ row: Row, from first: Int) {
        piece = UInt32(truncatingIfNeeded: row[first] as Int64)
        length = UInt32(truncatingIfNeeded: row[first + 1] as Int64)
        offset = UInt64(bitPattern: row[first + 2] as Int64)
        memberBytes = UInt32(truncatingIfNeeded: row[first + 3] as Int64)
        start = UInt32(truncatingIfNeeded: row[first + 4] as Int64)
        checksum = UInt32(truncatingIfNeeded: row[first + 5] as Int64)
    }
}

/// The rows of pieces.
enum PieceTable {
    static func pieces(_ database: Database) throws -> [Piece] {
        try Row.fetchAll(database, sql: "SELECT id, first, last, compacted, bytes FROM piece ORDER BY first").map { row in
            let first = UInt32(truncatingIfNeeded: row[1] as Int64)
            let last = max(first, UInt32(truncatingIfNeeded: row[2] as Int64))
            return Piece(
                id: UInt32(truncatingIfNeeded: row[0] as Int64),
                name: row[3] ? PieceName(compacted: first...last) : PieceName(first), bytes: row[4])
        }
    }

    static func put(_ piece: Piece, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO piece VALUES (?, ?, ?, ?, ?)").execute(
            arguments: [
                Int64(piece.id), Int64(piece.name.numbers.lowerBound), Int64(piece.name.numbers.upperBound), piece.name.isCompacted,
                piece.bytes,
            ])
    }

    static func delete(_ id: UInt32, _ database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM piece WHERE id = ?").execute(arguments: [Int64(id)])
    }
}
