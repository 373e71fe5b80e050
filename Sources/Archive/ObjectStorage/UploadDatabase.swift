import Foundation
import GRDB

/// `archive/uploads.sqlite`: what is still to be done, and what is known to be stored. Every change is on the disk before
/// the method returns: an object that was confirmed may lose its local copy.
struct UploadDatabase: Sendable {
    private let database: DatabaseQueue

    struct Failure: Error, CustomStringConvertible {
        var path: String
        var reason: String
        var description: String { "\(path): \(reason)" }
    }

    init(path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        database = try DatabaseQueue(path: path, configuration: configuration)
        try database.writeWithoutTransaction { connection in
            try connection.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            guard try Int.fetchOne(connection, sql: "PRAGMA synchronous") == 2 else {
                throw Failure(path: path, reason: "SQLite refuses synchronous = FULL")
            }
        }
        try Self.migrator.migrate(database)
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { connection in
            try connection.execute(
                sql: """
                    CREATE TABLE operations (
                        number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, tenant TEXT NOT NULL, day INTEGER,
                        path TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 BLOB, attempts INTEGER NOT NULL DEFAULT 0,
                        queued INTEGER NOT NULL, next_try INTEGER NOT NULL, reason TEXT, is_failed INTEGER NOT NULL DEFAULT 0,
                        upload TEXT);
                    CREATE INDEX operations_of_day ON operations (tenant, day, number);
                    CREATE INDEX operations_of_path ON operations (path);
                    CREATE TABLE objects (
                        path TEXT PRIMARY KEY, tenant TEXT NOT NULL, day INTEGER, bytes INTEGER NOT NULL, sha256 BLOB NOT NULL,
                        etag TEXT NOT NULL, evidence TEXT NOT NULL, confirmed INTEGER NOT NULL,
                        is_removed_here INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
                    CREATE INDEX objects_of_day ON objects (day, tenant);
                    -- Uploads in parts that nobody goes on with: their parts take room until they are aborted.
                    CREATE TABLE abandoned (upload TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (path, upload)) WITHOUT ROWID;
                    """)
        }
        return migrator
    }

    struct Entry {
        var kind: UploadOperation.Kind
        var tenant: String
        var day: Int64?
        var path: String
        var bytes = 0
        var sha256: Digest?
    }

    /// All or none. What still waits for the same object is taken back: the file that it meant is not there any more. A
    /// replacement of what was never stored is an upload.
    func add(_ entries: [Entry], now: Int64) throws {
        try database.write { connection in
            for entry in entries {
                try connection.execute(
                    sql: "INSERT OR IGNORE INTO abandoned SELECT upload, path FROM operations WHERE path = ? AND upload IS NOT NULL",
                    arguments: [entry.path])
                try connection.execute(sql: "DELETE FROM operations WHERE path = ?", arguments: [entry.path])
                try connection.execute(
                    sql: """
                        INSERT INTO operations (kind, tenant, day, path, bytes, sha256, queued, next_try)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        entry.kind.rawValue, entry.tenant, entry.day, entry.path, entry.bytes, entry.sha256.map { Data($0.bytes) }, now,
                        now,
                    ])
            }
        }
    }

    /// The first operation that may be tried now. Those of one day go in the order in which they were queued, so that a
    /// checkpoint never arrives before what it is over.
    func next(now: Int64) throws -> UploadOperation? {
        try database.read { connection in
            try Row.fetchOne(
                connection,
                sql: """
                    SELECT * FROM operations AS this WHERE next_try <= ? AND NOT EXISTS (
                        SELECT 1 FROM operations AS earlier
                        WHERE earlier.tenant = this.tenant AND earlier.day IS this.day AND earlier.number < this.number)
                    ORDER BY number LIMIT 1
                    """, arguments: [now]
            ).map(UploadOperation.init)
        }
    }

    /// When there is something to try again; `nil` when nothing waits.
    func nextTry() throws -> Int64? { try database.read { try Int64.fetchOne($0, sql: "SELECT min(next_try) FROM operations") } }

    func putOff(_ operation: UploadOperation, until: Int64, reason: String, isFailed: Bool) throws {
        try database.write {
            try $0.execute(
                sql: "UPDATE operations SET attempts = attempts + 1, next_try = ?, reason = ?, is_failed = ? WHERE number = ?",
                arguments: [until, reason, isFailed, operation.number])
        }
    }

    func setUpload(_ upload: String?, of operation: UploadOperation) throws {
        try database.write { connection in
            try connection.execute(sql: "UPDATE operations SET upload = ? WHERE number = ?", arguments: [upload, operation.number])
            if connection.changesCount == 0, let upload {
                // The operation was taken back meanwhile; its parts must still be freed.
                try connection.execute(
                    sql: "INSERT OR IGNORE INTO abandoned (upload, path) VALUES (?, ?)", arguments: [upload, operation.path])
            }
        }
    }

    /// The operation is over; the object is there as it was meant, or is gone. False when the operation was taken back
    /// while it ran: what it stored is not what is wanted any more, and its successor will find it there.
    @discardableResult
    func finish(_ operation: UploadOperation, stored: (StoredObject, ObjectStorage.Evidence)?, now: Int64) throws -> Bool {
        try database.write { connection in
            try connection.execute(sql: "DELETE FROM operations WHERE number = ?", arguments: [operation.number])
            let isCurrent = connection.changesCount > 0
            if let (object, evidence) = stored, let sha256 = operation.sha256 {
                try connection.execute(
                    sql: """
                        INSERT OR REPLACE INTO objects (path, tenant, day, bytes, sha256, etag, evidence, confirmed)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        operation.path, operation.tenant, operation.day, object.bytes, Data(sha256.bytes), object.etag, evidence.rawValue,
                        now,
                    ])
            } else {
                try connection.execute(sql: "DELETE FROM objects WHERE path = ?", arguments: [operation.path])
            }
            return isCurrent
        }
    }

    /// After a start nobody goes on with an upload that was begun before it.
    func abandonUploads() throws {
        try database.write { connection in
            try connection.execute(
                sql: """
                    INSERT OR IGNORE INTO abandoned SELECT upload, path FROM operations WHERE upload IS NOT NULL;
                    UPDATE operations SET upload = NULL WHERE upload IS NOT NULL;
                    """)
        }
    }

    func abandoned() throws -> [(path: String, upload: String)] {
        try database.read { try Row.fetchAll($0, sql: "SELECT path, upload FROM abandoned").map { ($0["path"], $0["upload"]) } }
    }

    func forgetAbandoned(path: String, upload: String) throws {
        try database.write { try $0.execute(sql: "DELETE FROM abandoned WHERE path = ? AND upload = ?", arguments: [path, upload]) }
    }

    func operations(tenant: String, day: Int64?) throws -> [UploadOperation] {
        try database.read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM operations WHERE tenant = ? AND day IS ? ORDER BY number", arguments: [tenant, day]
            ).map(UploadOperation.init)
        }
    }

    func object(path: String) throws -> ConfirmedObject? {
        try database.read {
            try Row.fetchOne($0, sql: "SELECT * FROM objects WHERE path = ?", arguments: [path]).map(ConfirmedObject.init)
        }
    }

    /// Stored objects that belong to a day.
    func dayObjects() throws -> [(place: Place, path: String, sha256: Digest?)] {
        try database.read {
            try Row.fetchAll($0, sql: "SELECT tenant, day, path, sha256 FROM objects WHERE day IS NOT NULL").map {
                (Place(tenant: $0["tenant"], day: $0["day"]), $0["path"], Digest($0["sha256"] as Data))
            }
        }
    }

    /// Days before `day` with an object called `name` whose local file was not removed yet, oldest first.
    func keptHere(before day: Int64, name: String) throws -> [(tenant: String, day: Int64)] {
        try database.read {
            try Row.fetchAll(
                $0,
                sql: """
                    SELECT tenant, day FROM objects
                    WHERE day < ? AND NOT is_removed_here AND substr(path, -length(?)) = ? ORDER BY day, tenant
                    """, arguments: [day, "/" + name, "/" + name]
            ).map { ($0["tenant"], $0["day"]) }
        }
    }

    func setRemovedHere(_ isRemoved: Bool, path: String) throws {
        try database.write { try $0.execute(sql: "UPDATE objects SET is_removed_here = ? WHERE path = ?", arguments: [isRemoved, path]) }
    }

    func retryAll(now: Int64) throws { try database.write { try $0.execute(sql: "UPDATE operations SET next_try = ?", arguments: [now]) } }

    func status() throws -> UploadStatus {
        try database.read { connection in
            var status = UploadStatus()
            let waiting = try Row.fetchOne(
                connection, sql: "SELECT count(*), ifnull(sum(bytes), 0), ifnull(sum(is_failed), 0), min(queued) FROM operations")!
            status.waiting = waiting[0]
            status.waitingBytes = waiting[1]
            status.failed = waiting[2]
            status.oldest = waiting[3]
            status.reason = try String.fetchOne(
                connection, sql: "SELECT reason FROM operations WHERE reason IS NOT NULL ORDER BY is_failed DESC, number LIMIT 1")
            let stored = try Row.fetchOne(
                connection, sql: "SELECT count(*), ifnull(sum(bytes), 0), ifnull(sum(is_removed_here), 0) FROM objects")!
            status.objects = stored[0]
            status.objectBytes = stored[1]
            status.removedHere = stored[2]
            return status
        }
    }
}
