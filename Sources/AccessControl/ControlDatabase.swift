import Foundation
import GRDB

/// `daybook.sqlite`: what people decide, as opposed to what happened. Every commit is synced: a key that was shown, a plan
/// or a hold that was confirmed must still be there after a power cut.
public final class ControlDatabase: Sendable {
    let queue: DatabaseQueue

    private init(_ queue: DatabaseQueue) { self.queue = queue }

    /// Opens or makes the database and brings it to this version's schema. Throws ``ControlDatabaseError``.
    public static func open(_ path: String) throws -> ControlDatabase {
        do {
            var configuration = Configuration()
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            // Without FULL the last commits of a WAL may not survive a power cut.
            try queue.writeWithoutTransaction { connection in
                try connection.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
                let level = try Int.fetchOne(connection, sql: "PRAGMA synchronous")
                guard level == 2 else { throw ControlDatabaseError.notDurable(path: path) }
            }
            try migrator.migrate(queue)
            return ControlDatabase(queue)
        } catch let error as DatabaseError where [.SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_ERROR].contains(error.resultCode) {
            throw ControlDatabaseError.damaged(path: path, reason: error.message ?? "error \(error.extendedResultCode.rawValue)")
        } catch let error as DatabaseError {
            throw ControlDatabaseError.unusable(path: path, reason: error.message ?? "error \(error.extendedResultCode.rawValue)")
        }
    }

    public func close() throws { try queue.close() }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("keys") { connection in
            try connection.execute(
                sql: """
                    CREATE TABLE keys (
                        id INTEGER PRIMARY KEY,
                        name TEXT NOT NULL,
                        role TEXT NOT NULL,
                        tenant TEXT,
                        hash BLOB NOT NULL UNIQUE,
                        created TEXT NOT NULL
                    ) STRICT
                    """)
        }
        migrator.registerMigration("retention") { connection in
            try connection.execute(
                sql: """
                    CREATE TABLE retention_plan (
                        tenant TEXT PRIMARY KEY,
                        recent_days INTEGER NOT NULL,
                        archive_days INTEGER,
                        changed INTEGER NOT NULL
                    ) STRICT;
                    CREATE TABLE legal_hold (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        tenant TEXT NOT NULL,
                        first_day INTEGER,
                        last_day INTEGER,
                        reason TEXT NOT NULL,
                        owner TEXT NOT NULL,
                        created INTEGER NOT NULL,
                        released INTEGER
                    ) STRICT;
                    """)
        }
        return migrator
    }
}

public enum ControlDatabaseError: Error, Sendable, CustomStringConvertible {
    /// SQLite does not sync its commits, so a key could be shown and lost.
    case notDurable(path: String)
    /// The file is no database, or a broken one.
    case damaged(path: String, reason: String)
    /// It cannot be opened, read or written.
    case unusable(path: String, reason: String)

    private static let content = "the hashes of the API keys, retention plans and legal holds"

    public var description: String {
        switch self {
        case .notDurable(let path): "\(path): SQLite refuses synchronous = FULL"
        case .damaged(let path, let reason):
            "\(path) is damaged (\(reason)). It holds \(Self.content), and no events. Put a copy of it back, or move it away with its "
                + "-wal and -shm files: the next start then makes a new admin key, and all other keys, plans and holds must be made again."
        case .unusable(let path, let reason):
            "\(path), which holds \(Self.content), cannot be used: \(reason). Check its owner, its permissions and the disk."
        }
    }
}
