import Foundation
import GRDB
import Logging
import Synchronization

/// What is sealed, for finding files and for going on with the tenants' chains: `catalogue.sqlite`.
///
/// It says nothing that the manifests do not say. Lost or damaged it is made again from them, and a day folder that is
/// not in it yet (the process ended between rename and commit) is taken over by the next seal of that day.
///
/// One connection writes, another one reads, and only the first one checkpoints the log (as ``EventStore`` has it).
package final class Catalogue: Sendable {
    static let format = 1
    static let fileName = "catalogue.sqlite"

    package let path: String
    /// Why it was made again at this opening; `nil` when it was there or the archive is new.
    package let rebuiltBecause: String?
    let writer: DatabaseQueue
    let reader: DatabaseQueue
    /// The newest day that is sealed for every tenant, as the table `meta` says.
    private let sealed: Mutex<Int64?>

    /// Opens or makes it in `folder`, the archive's. `software` and the tree's arithmetic come from the manifests alone.
    package static func open(folder: String, logger: Logger) throws -> Catalogue {
        let path = folder + "/" + fileName
        let isThere = FileManager.default.fileExists(atPath: path)
        do {
            if isThere {
                try check(path)
                return try Catalogue(path, rebuiltBecause: nil)
            }
        } catch let error as DatabaseError where Self.isDamage(error) {
            return try rebuild(folder, because: "it is damaged (\(error.message ?? "\(error.resultCode)"))", logger)
        } catch let error as CatalogueError {
            return try rebuild(folder, because: "\(error)", logger)
        }
        let hasDays = try ArchiveFolder(folder).tenants().contains { try !ArchiveFolder(folder).days(of: $0).isEmpty }
        return hasDays ? try rebuild(folder, because: "it was missing", logger) : try Catalogue(path, rebuiltBecause: nil)
    }

    static func isDamage(_ error: DatabaseError) -> Bool {
        [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR].contains(error.resultCode)
    }

    /// Small ones are read whole; a large one is known by its first page, and by what a reader meets later.
    private static func check(_ path: String) throws {
        var configuration = Configuration()
        configuration.readonly = false
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        try queue.read { database in
            guard try database.tableExists("meta") else { throw CatalogueError.otherFormat(nil) }
            let found = try Int.fetchOne(database, sql: "SELECT value FROM meta WHERE key = 'format'")
            guard found == format else { throw CatalogueError.otherFormat(found) }
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            guard pages <= largestCheckedPages else { return }
            let answer = try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
            guard answer == "ok" else { throw CatalogueError.damaged(answer ?? "no answer") }
        }
    }

    /// 32 MiB, checked in a few dozen milliseconds.
    private static let largestCheckedPages = 8192

    init(_ path: String, rebuiltBecause reason: String?) throws {
        self.path = path
        rebuiltBecause = reason
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(10)
        configuration.label = "Archive.catalogue"
        let writer = try DatabaseQueue(path: path, configuration: configuration)
        // GRDB sets NORMAL for WAL databases after preparing them; journal segments are freed on the strength of a commit.
        try writer.inDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            let level = try Int.fetchOne(database, sql: "PRAGMA synchronous")
            guard level == 2 else { throw CatalogueError.notDurable }
        }
        try writer.write { try Self.createSchema($0) }
        self.writer = writer
        var reading = Configuration()
        reading.label = "Archive.catalogue.reader"
        reading.busyMode = .timeout(10)
        reading.prepareDatabase { database in
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            try database.execute(sql: "PRAGMA query_only = 1")
        }
        reader = try DatabaseQueue(path: path, configuration: reading)
        sealed = Mutex(try writer.read { try Self.meta("sealed_day", $0) })
    }

    package func close() {
        try? reader.close()
        try? writer.close()
    }

    private static func createSchema(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS tenant (
                    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first_day INTEGER NOT NULL, last_day INTEGER NOT NULL,
                    last_seq INTEGER NOT NULL, last_position INTEGER NOT NULL, tree BLOB NOT NULL, manifest BLOB NOT NULL);
                CREATE TABLE IF NOT EXISTS day (
                    tenant INTEGER NOT NULL, day INTEGER NOT NULL, state INTEGER NOT NULL, events INTEGER NOT NULL,
                    content_bytes INTEGER NOT NULL, file_bytes INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
                    last_position INTEGER NOT NULL, min_time INTEGER NOT NULL, max_time INTEGER NOT NULL, tree_size INTEGER NOT NULL,
                    root BLOB NOT NULL, manifest BLOB NOT NULL, local INTEGER NOT NULL, remote INTEGER NOT NULL,
                    PRIMARY KEY (tenant, day)) WITHOUT ROWID;
                CREATE INDEX IF NOT EXISTS day_by_day ON day (day, tenant);
                CREATE INDEX IF NOT EXISTS day_by_max ON day (max_time, day, tenant) WHERE state = 1;
                CREATE INDEX IF NOT EXISTS day_by_min ON day (min_time, day, tenant) WHERE state = 1;
                CREATE INDEX IF NOT EXISTS day_of_tenant_by_max ON day (tenant, max_time, day) WHERE state = 1;
                CREATE INDEX IF NOT EXISTS day_of_tenant_by_min ON day (tenant, min_time, day) WHERE state = 1;
                INSERT OR IGNORE INTO meta VALUES ('format', \(format));
                """)
        try createOpenSchema(database)
    }

    // MARK: How far sealing is

    static func meta(_ key: String, _ database: Database) throws -> Int64? {
        try Int64.fetchOne(database, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
    }

    static func set(_ key: String, _ value: Int64, _ database: Database) throws {
        try database.execute(sql: "INSERT OR REPLACE INTO meta VALUES (?, ?)", arguments: [key, value])
    }

    /// The newest day that is sealed for every tenant; `nil` before the first.
    package var sealedDay: Int64? { sealed.withLock { $0 } }

    /// The newest day that sealing has begun with: nothing may be received in it any more.
    package var closedDay: Int64? { get throws { try reader.read { try Self.meta("closed_day", $0) } } }

    /// Journal position behind the last event of the days that are sealed for every tenant.
    package var appliedPosition: UInt64 {
        get throws { try reader.read { UInt64(bitPattern: try Self.meta("applied_position", $0) ?? 0) } }
    }

    /// Durable when it returns.
    package func close(day: Int64) throws {
        try writer.write { database in
            guard try Self.meta("closed_day", database) ?? .min < day else { return }
            try Self.set("closed_day", day, database)
        }
    }

    /// Every tenant's `day` is sealed, and every day before; `position` is the journal's behind the last event of them.
    package func finish(day: Int64, position: UInt64) throws {
        try writer.write { database in
            try Self.set("sealed_day", day, database)
            let before = UInt64(bitPattern: try Self.meta("applied_position", database) ?? 0)
            try Self.set("applied_position", Int64(bitPattern: max(before, position)), database)
        }
        sealed.withLock { $0 = day }
    }
}

package enum CatalogueError: Error, CustomStringConvertible {
    /// SQLite does not sync its commits.
    case notDurable
    case otherFormat(Int?)
    case damaged(String)

    package var description: String {
        switch self {
        case .notDurable: "SQLite refuses synchronous = FULL"
        case .otherFormat(let found): "its format is \(found.map(String.init) ?? "unknown"), not \(Catalogue.format)"
        case .damaged(let reason): "it is damaged (\(reason))"
        }
    }
}
