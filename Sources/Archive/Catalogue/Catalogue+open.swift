import Foundation
import GRDB

/// The open day's trees, and checkpoints that are still to be pushed.
extension Catalogue {
    /// Where checkpoints go besides the archive's own folder.
    enum PushTarget: Int, CaseIterable, Sendable { case folder = 0, webhook = 1 }

    /// A checkpoint that waits. `name`: `day=2026-11-20`, or `2026-11-20T13` of an open day.
    struct Push: Sendable, Equatable {
        var id: Int64
        var tenant: String
        var name: String
    }

    /// So many wait at most for one target; then the oldest of open days go, which later ones say more than.
    static let largestPushes = 200_000

    static func createOpenSchema(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS open_tree (
                    tenant INTEGER PRIMARY KEY, day INTEGER NOT NULL, events INTEGER NOT NULL, tree BLOB NOT NULL);
                CREATE TABLE IF NOT EXISTS push (
                    id INTEGER PRIMARY KEY AUTOINCREMENT, target INTEGER NOT NULL, tenant TEXT NOT NULL, name TEXT NOT NULL);
                CREATE INDEX IF NOT EXISTS push_by_target ON push (target, id);
                """)
    }

    /// Hours since 1970 of the last checkpoints of an open day.
    var openHour: Int64? { get throws { try reader.read { try Self.meta("open_hour", $0) } } }

    func setOpenHour(_ hour: Int64) throws { try writer.write { try Self.set("open_hour", hour, $0) } }

    func openTrees() throws -> [UInt32: OpenDay.Tree] {
        try reader.read { database in
            var trees: [UInt32: OpenDay.Tree] = [:]
            let rows = try Row.fetchCursor(database, sql: "SELECT tenant, day, events, tree FROM open_tree")
            while let row = try rows.next() {
                guard let tree = CompactRange(stored: [UInt8](row[3] as Data)) else { continue }
                trees[UInt32(truncatingIfNeeded: row[0] as Int64)] = OpenDay.Tree(day: row[1], events: row[2], tree: tree)
            }
            return trees
        }
    }

    func record(open trees: [(tenant: UInt32, tree: OpenDay.Tree)], pushes: [(tenant: String, name: String)], to targets: [PushTarget])
        throws
    {
        guard !trees.isEmpty else { return }
        try writer.write { database in
            let statement = try database.cachedStatement(sql: "INSERT OR REPLACE INTO open_tree VALUES (?, ?, ?, ?)")
            for (tenant, tree) in trees {
                try statement.execute(arguments: [Int64(tenant), tree.day, tree.events, Data(tree.tree.stored)])
            }
            try Self.enqueue(pushes, targets, database)
        }
    }

    static func enqueue(_ pushes: [(tenant: String, name: String)], _ targets: [PushTarget], _ database: Database) throws {
        let statement = try database.cachedStatement(sql: "INSERT INTO push (target, tenant, name) VALUES (?, ?, ?)")
        for target in targets { for push in pushes { try statement.execute(arguments: [target.rawValue, push.tenant, push.name]) } }
    }

    /// The oldest that wait for a target.
    func pushes(_ target: PushTarget, limit: Int) throws -> [Push] {
        try reader.read { database in
            try Row.fetchAll(
                database, sql: "SELECT id, tenant, name FROM push WHERE target = ? ORDER BY id LIMIT ?",
                arguments: [target.rawValue, limit]
            ).map { Push(id: $0[0], tenant: $0[1], name: $0[2]) }
        }
    }

    func waitingPushes(_ target: PushTarget) throws -> Int {
        try reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM push WHERE target = ?", arguments: [target.rawValue]) ?? 0 }
    }

    func removePushes(_ target: PushTarget, through id: Int64) throws {
        try writer.write { try $0.execute(sql: "DELETE FROM push WHERE target = ? AND id <= ?", arguments: [target.rawValue, id]) }
    }

    /// Drops the oldest of open days beyond ``largestPushes``; how many.
    func boundPushes(_ target: PushTarget) throws -> Int {
        let waiting = try waitingPushes(target)
        guard waiting > Self.largestPushes else { return 0 }
        return try writer.write { database in
            try database.execute(
                sql: """
                    DELETE FROM push WHERE id IN (
                        SELECT id FROM push WHERE target = ? AND name NOT LIKE 'day=%' ORDER BY id LIMIT ?)
                    """, arguments: [target.rawValue, waiting - Self.largestPushes])
            return database.changesCount
        }
    }

    /// What waits for targets that are set no more.
    func forgetPushes(except targets: [PushTarget]) throws {
        let kept = targets.map { String($0.rawValue) }.joined(separator: ",")
        try writer.write { try $0.execute(sql: "DELETE FROM push WHERE target NOT IN (\(kept))") }
    }
}

extension ArchiveConfiguration {
    var pushTargets: [Catalogue.PushTarget] {
        (checkpointFolder == nil ? [] : [.folder]) + (checkpointWebhook == nil ? [] : [.webhook])
    }
}
