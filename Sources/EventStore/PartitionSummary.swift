import Foundation
import GRDB

/// What a partition says about itself when it is opened.
struct PartitionSummary {
    var appliedPosition: UInt64 = 0
    var tenants: [UInt32: TenantSummary] = [:]
    var blocks = 0
    var pieces: [Piece] = []

    /// Reads it; throws when the partition cannot be trusted.
    init(_ partition: Partition) throws {
        self = try partition.read { try Self.read($0, partition.path) }
        let promised = tenants.values.reduce(0) { $0 + $1.blocks }
        guard promised == blocks else {
            throw StoreError.unreadable(path: partition.path, reason: "\(blocks) blocks, but its tenants have \(promised)")
        }
        for piece in pieces {
            let path = partition.path(of: piece.name)
            guard let length = Self.length(path) else { throw StoreError.unreadable(path: path, reason: "it is missing") }
            guard length >= piece.bytes else {
                throw StoreError.unreadable(path: path, reason: "\(length) bytes long, but blocks reach to \(piece.bytes)")
            }
        }
    }

    private init() {}

    private static func read(_ database: Database, _ path: String) throws -> PartitionSummary {
        let format = try Partition.format(database)
        let readable = Partition.readableFormats
        guard let format, readable.contains(format) else {
            let found = format.map(String.init) ?? "unknown"
            throw StoreError.unreadable(
                path: path, reason: "its format is \(found), and only \(readable.lowerBound) to \(readable.upperBound) are read")
        }
        var summary = PartitionSummary()
        let applied = try Int64.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'applied_position'") ?? 0
        summary.appliedPosition = UInt64(bitPattern: applied)
        for row in try Row.fetchAll(
            database, sql: "SELECT number, name, last_seq, last_position, events, blocks, min_time, max_time FROM tenant")
        {
            summary.tenants[UInt32(truncatingIfNeeded: row[0] as Int64)] = TenantSummary(
                name: row[1], lastSeq: UInt64(bitPattern: row[2] as Int64), lastPosition: UInt64(bitPattern: row[3] as Int64),
                events: row[4], blocks: row[5], minTime: row[6], maxTime: row[7])
        }
        summary.blocks = try Int.fetchOne(database, sql: "SELECT max(id) FROM block") ?? 0
        summary.pieces = try PieceTable.pieces(database)
        return summary
    }

    /// Of the file; `nil` when there is none.
    static func length(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }
}
