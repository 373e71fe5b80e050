import EventModel
import Foundation
import GRDB
import Synchronization

/// The events received on one day: `2026-11-20.sqlite` with the block table, term runs and rollups, and beside it the
/// pieces, `2026-11-20.0001.members` and so on. Both can be read alone: tenants' names are inside.
///
/// One connection writes and does all checkpoints, another one only reads (sqlite.org/wal.html: the WAL-reset
/// corruption of 3.7.0–3.51.2 needs two that write or checkpoint at once).
final class Partition: Sendable {
    /// 4: blocks have checksums. 3: members lie in pieces, and a block is a part of a member; identities of 36 bits,
    /// rollups in bits. Format 3 is read as it is and becomes 4 when it is written to. The index of another format is not
    /// read; the day is made again from its members.
    static let format = 4
    static let readableFormats = 3...4

    /// Days since 1970-01-01.
    let day: Int64
    let path: String
    /// Of the partition's files.
    let folder: String
    let pieces = Mutex(PieceList())

    private let scannerSlot = Mutex<DatabaseQueue?>(nil)
    private let readerSlot = Mutex<DatabaseQueue?>(nil)
    private let writerSlot = Mutex<DatabaseQueue?>(nil)

    static func name(day: Int64) -> String { Timestamp(milliseconds: day * 86_400_000).day }

    /// Opens nothing yet.
    init(folder: String, day: Int64) {
        self.day = day
        self.folder = folder
        path = folder + "/" + Self.name(day: day) + ".sqlite"
    }

    func path(of piece: PieceName) -> String { folder + "/" + piece.fileName(day: day) }

    static func writerConfiguration() -> Configuration {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.label = "EventStore.writer"
        configuration.prepareDatabase { database in
            // A page that was half full when written is rewritten with the next pack: the more of the log a checkpoint
            // takes at once, the fewer times.
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 2000")
            // Only heard while the file is still empty. Pages that merging frees go back to the file system in ``tidy()``.
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            try database.execute(sql: "PRAGMA cache_size = -4096")
        }
        return configuration
    }

    /// The only connection that writes. Callers are the packer, the merger and the compactor.
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
            try queue.write { database in
                try Self.createSchema(database)
                try Self.takeOver(database)
            }
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

    /// For reading much at once: without the memory map, whose pages would count as memory long after.
    func scan<T>(_ body: (Database) throws -> T) throws -> T {
        let queue = try scannerSlot.withLock { slot in
            if let slot { return slot }
            var configuration = Configuration()
            configuration.label = "EventStore.scanner"
            configuration.busyMode = .timeout(10)
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
                try database.execute(sql: "PRAGMA query_only = 1")
                try database.execute(sql: "PRAGMA cache_size = -256")
            }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            slot = queue
            return queue
        }
        return try queue.read(body)
    }

    /// Gives free pages back to the file system and empties the log. Readers may keep the log from being cut now; then
    /// the next time does it.
    func tidy() throws {
        closeScanner()
        let writer = try writer()
        while try writer.writeWithoutTransaction({ database in
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            guard free > 0 else { return false }
            // In parts, so that a pack never waits long.
            _ = try Row.fetchAll(database, sql: "PRAGMA incremental_vacuum(\(Self.vacuumPages))")
            return try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0 < free
        }) {}
        _ = try writer.writeWithoutTransaction { try Row.fetchAll($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
    }

    private static let vacuumPages = 1024

    private func closeScanner() {
        let queue = scannerSlot.withLock { slot in
            defer { slot = nil }
            return slot
        }
        try? queue?.close()
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
        closeScanner()
        let queue = writerSlot.withLock { slot in
            defer { slot = nil }
            return slot
        }
        try? queue?.close()
    }

    var memberBytes: Int { pieces.withLock { $0.bytes } }

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
                    piece INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL, member_bytes INTEGER NOT NULL,
                    start INTEGER NOT NULL, checksum INTEGER NOT NULL DEFAULT 0);
                CREATE TABLE IF NOT EXISTS piece (
                    id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, compacted INTEGER NOT NULL,
                    bytes INTEGER NOT NULL);
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

    /// Its blocks' checksums stay unknown until they are compacted.
    private static func takeOver(_ database: Database) throws {
        guard try format(database) == 3 else { return }
        try database.execute(
            sql: """
                ALTER TABLE block ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
                UPDATE meta SET value = 4 WHERE key = 'format';
                """)
    }

    static func format(_ database: Database) throws -> Int? {
        try Int.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'format'")
    }
}
