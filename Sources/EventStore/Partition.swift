import EventModel
import Foundation
import GRDB
import Synchronization

/// The events received on one day: `2026-11-20.sqlite` with the block table, term runs and rollups, and beside it
/// `2026-11-20.members`. Both can be read alone: tenants' names are inside.
///
/// One connection writes and does all checkpoints, another one only reads (sqlite.org/wal.html: the WAL-reset
/// corruption of 3.7.0–3.51.2 needs two that write or checkpoint at once).
final class Partition: Sendable {
    /// 2: pages carry a checksum. A day of another format is made again from its members.
    static let format = 2

    /// Days since 1970-01-01.
    let day: Int64
    let path: String
    let members: MembersFile

    private let readerSlot = Mutex<DatabaseQueue?>(nil)
    private let writerSlot = Mutex<DatabaseQueue?>(nil)

    static func name(day: Int64) -> String { Timestamp(milliseconds: day * 86_400_000).day }

    /// Opens or creates the files. `created` when there were none.
    init(folder: String, day: Int64) throws {
        self.day = day
        path = folder + "/" + Self.name(day: day) + ".sqlite"
        members = try MembersFile(path: folder + "/" + Self.name(day: day) + ".members")
    }

    static func writerConfiguration() -> Configuration {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.label = "EventStore.writer"
        configuration.prepareDatabase { database in
            // A page that was half full when written is rewritten with the next pack: the more of the log a checkpoint
            // takes at once, the fewer times.
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 2000")
            try database.execute(sql: "PRAGMA cache_size = -4096")
        }
        return configuration
    }

    /// The only connection that writes. Callers are the packer and the merger.
    func writer() throws -> DatabaseQueue {
        try writerSlot.withLock { slot in
            if let slot { return slot }
            let queue = try DatabaseQueue(path: path, configuration: Self.writerConfiguration())
            // GRDB sets NORMAL for WAL databases after preparing them; a journal segment is freed on the strength of
            // this commit, so it must be on disk.
            try queue.inDatabase { database in
                try database.execute(sql: "PRAGMA synchronous = FULL")
                let level = try Int.fetchOne(database, sql: "PRAGMA synchronous")
                guard level == 2 else { throw StoreError.unreadable(path: path, reason: "synchronous stays at \(level ?? -1)") }
            }
            try queue.write { try Self.createSchema($0) }
            slot = queue
            return queue
        }
    }

    func read<T>(_ body: (Database) throws -> T) throws -> T {
        let queue = try readerSlot.withLock { slot in
            if let slot { return slot }
            var configuration = Configuration()
            configuration.label = "EventStore.reader"
            configuration.busyMode = .timeout(10)
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
                try database.execute(sql: "PRAGMA query_only = 1")
                try database.execute(sql: "PRAGMA cache_size = -512")
                try database.execute(sql: "PRAGMA mmap_size = 1073741824")
            }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            slot = queue
            return queue
        }
        return try queue.read(body)
    }

    /// Closes the reading connection; the next read opens it again.
    func closeReader() {
        let queue = readerSlot.withLock { slot in
            defer { slot = nil }
            return slot
        }
        try? queue?.close()
    }

    func close() {
        closeReader()
        let queue = writerSlot.withLock { slot in
            defer { slot = nil }
            return slot
        }
        try? queue?.close()
    }

    /// Of the SQLite file and its log.
    var indexBytes: Int {
        [path, path + "-wal"].reduce(0) { sum, file in
            var status = stat()
            return sum + (stat(file, &status) == 0 ? Int(status.st_size) : 0)
        }
    }

    var runCount: Int { (try? read { try RunTable.runs($0).count }) ?? 0 }

    private static func createSchema(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS tenant (
                    number INTEGER PRIMARY KEY, name TEXT NOT NULL, last_seq INTEGER NOT NULL, last_position INTEGER NOT NULL,
                    events INTEGER NOT NULL, blocks INTEGER NOT NULL, min_time INTEGER NOT NULL, max_time INTEGER NOT NULL);
                CREATE TABLE IF NOT EXISTS block (
                    id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
                    first_position INTEGER NOT NULL, last_position INTEGER NOT NULL, count INTEGER NOT NULL,
                    min_time INTEGER NOT NULL, max_time INTEGER NOT NULL, bytes INTEGER NOT NULL,
                    offset INTEGER NOT NULL, length INTEGER NOT NULL);
                CREATE TABLE IF NOT EXISTS run (
                    id INTEGER PRIMARY KEY, level INTEGER NOT NULL, first_block INTEGER NOT NULL, last_block INTEGER NOT NULL,
                    ordinary INTEGER NOT NULL, identities INTEGER NOT NULL);
                CREATE TABLE IF NOT EXISTS term_page (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
                CREATE TABLE IF NOT EXISTS rollup_page (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
                CREATE TABLE IF NOT EXISTS combination (
                    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL);
                INSERT OR IGNORE INTO meta VALUES ('format', \(format)), ('applied_position', 0);
                """)
    }
}

/// What a partition says about itself when it is opened.
struct PartitionSummary {
    var appliedPosition: UInt64 = 0
    var tenants: [UInt32: TenantSummary] = [:]
    /// End of the last block's member.
    var membersEnd = 0
    var blocks = 0

    /// Reads it; throws when the partition cannot be trusted.
    init(_ partition: Partition) throws {
        var summary = (applied: UInt64(0), tenants: [UInt32: TenantSummary](), end: 0, blocks: 0)
        try partition.read { database in
            guard let format = try Int.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'format'"), format == Partition.format
            else {
                throw StoreError.unreadable(path: partition.path, reason: "not of format \(Partition.format)")
            }
            let applied = try Int64.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'applied_position'") ?? 0
            summary.applied = UInt64(bitPattern: applied)
            for row in try Row.fetchAll(
                database, sql: "SELECT number, name, last_seq, last_position, events, blocks, min_time, max_time FROM tenant")
            {
                summary.tenants[UInt32(truncatingIfNeeded: row[0] as Int64)] = TenantSummary(
                    name: row[1], lastSeq: UInt64(bitPattern: row[2] as Int64), lastPosition: UInt64(bitPattern: row[3] as Int64),
                    events: row[4],
                    blocks: row[5], minTime: row[6], maxTime: row[7])
            }
            if let row = try Row.fetchOne(database, sql: "SELECT id, offset + length FROM block ORDER BY id DESC LIMIT 1") {
                summary.blocks = row[0]
                summary.end = row[1]
            }
        }
        appliedPosition = summary.applied
        tenants = summary.tenants
        membersEnd = summary.end
        blocks = summary.blocks
        let promised = tenants.values.reduce(0) { $0 + $1.blocks }
        guard promised == blocks else {
            throw StoreError.unreadable(path: partition.path, reason: "\(blocks) blocks, but its tenants have \(promised)")
        }
        let length = try partition.members.length()
        guard length >= membersEnd else {
            throw StoreError.unreadable(path: partition.members.path, reason: "\(length) bytes long, but blocks reach to \(membersEnd)")
        }
    }
}

extension Partition {
    func loadDirectory() throws -> BlockDirectory {
        var directory = BlockDirectory()
        try read { database in
            let rows = try Row.fetchCursor(
                database,
                sql:
                    "SELECT id, tenant, count, min_time, max_time, offset, length, bytes, first_seq, first_position, last_position FROM block ORDER BY id"
            )
            while let row = try rows.next() {
                guard row[0] as Int == Int(directory.lastNumber) + 1 else {
                    throw StoreError.unreadable(path: path, reason: "block \(directory.lastNumber + 1) is missing")
                }
                directory.append(
                    BlockEntry(
                        tenant: UInt32(truncatingIfNeeded: row[1] as Int64), count: UInt32(truncatingIfNeeded: row[2] as Int64),
                        minTime: row[3],
                        maxTime: row[4], offset: UInt64(bitPattern: row[5] as Int64), length: UInt32(truncatingIfNeeded: row[6] as Int64),
                        bytes: UInt32(truncatingIfNeeded: row[7] as Int64), firstSeq: UInt64(bitPattern: row[8] as Int64),
                        firstPosition: UInt64(bitPattern: row[9] as Int64), lastPosition: UInt64(bitPattern: row[10] as Int64)))
            }
        }
        return directory
    }
}
