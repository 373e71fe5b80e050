import EventModel
import GRDB
import Synchronization

/// How long each tenant's events are kept, and what stands under a legal hold. Kept in `daybook.sqlite`, read in memory.
public final class RetentionPlans: Sendable {
    private struct State {
        var plans: [String: RetentionPlan] = [:]
        var holds: [LegalHold] = []
    }

    private let database: DatabaseQueue
    private let state: Mutex<State>

    /// For tenants without a plan of their own.
    public let standard: RetentionPlan

    public init(_ database: ControlDatabase, standard: RetentionPlan) throws {
        self.database = database.queue
        self.standard = standard
        var state = State()
        try database.queue.read { connection in
            for row in try Row.fetchAll(connection, sql: "SELECT tenant, recent_days, archive_days FROM retention_plan") {
                state.plans[row[0]] = RetentionPlan(recentDays: row[1], archiveDays: row[2])
            }
            state.holds = try Row.fetchAll(connection, sql: "SELECT * FROM legal_hold ORDER BY id").map(Self.hold)
        }
        self.state = Mutex(state)
    }

    // MARK: Plans

    public func plan(of tenant: String) -> RetentionPlan { state.withLock { $0.plans[tenant] } ?? standard }

    /// Plans that somebody gave, by tenant.
    public var plans: [String: RetentionPlan] { state.withLock { $0.plans } }

    /// Durable when it returns; `nil` gives the tenant the standard plan again.
    public func set(_ plan: RetentionPlan?, of tenant: String, now: Timestamp) throws {
        // Under the lock, so that memory never tells another order of changes than the disk.
        try state.withLock { state in
            try database.write { connection in
                if let plan {
                    try connection.execute(
                        sql: "INSERT OR REPLACE INTO retention_plan VALUES (?, ?, ?, ?)",
                        arguments: [tenant, plan.recentDays, plan.archiveDays, now.milliseconds])
                } else {
                    try connection.execute(sql: "DELETE FROM retention_plan WHERE tenant = ?", arguments: [tenant])
                }
            }
            state.plans[tenant] = plan
        }
    }

    // MARK: Holds

    /// Oldest first, released ones included.
    public var holds: [LegalHold] { state.withLock { $0.holds } }

    public func hold(on tenant: String, day: Int64) -> LegalHold? {
        state.withLock { state in state.holds.first { $0.covers(tenant: tenant, day: day) } }
    }

    /// Durable when it returns. `hold.id` is given here.
    public func place(_ hold: LegalHold) throws -> LegalHold {
        try state.withLock { state in
            var hold = hold
            hold.id = try database.write { connection in
                try connection.execute(
                    sql: """
                        INSERT INTO legal_hold (tenant, first_day, last_day, reason, owner, created) VALUES (?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [hold.tenant, hold.firstDay, hold.lastDay, hold.reason, hold.owner, hold.created.milliseconds])
                return connection.lastInsertedRowID
            }
            state.holds.append(hold)
            return hold
        }
    }

    /// The hold as it is then; `nil` when there is none with this id, or it was released before.
    public func release(_ id: Int64, now: Timestamp) throws -> LegalHold? {
        try state.withLock { state in
            guard let index = state.holds.firstIndex(where: { $0.id == id && $0.released == nil }) else { return nil }
            try database.write { connection in
                try connection.execute(sql: "UPDATE legal_hold SET released = ? WHERE id = ?", arguments: [now.milliseconds, id])
            }
            state.holds[index].released = now
            return state.holds[index]
        }
    }

    /// Rewrites what holds of a tenant say: `change` gets a reason or an owner, and gives what shall stand there, or `nil`.
    /// Holds that stand stay as they are. Returns the ids of both kinds that held something to change. Nothing of the old
    /// texts is left in the file when it returns. `isDry`: only looks.
    public func rewriteHolds(
        of tenant: String, isDry: Bool, _ change: (String) -> String?
    ) throws -> (changed: [Int64], standing: [Int64]) {
        try state.withLock { state in
            var holds = state.holds
            var (changed, standing): ([Int64], [Int64]) = ([], [])
            for (index, hold) in holds.enumerated() where hold.tenant == tenant {
                let (reason, owner) = (change(hold.reason), change(hold.owner))
                guard reason != nil || owner != nil else { continue }
                guard hold.released != nil else {
                    standing.append(hold.id)
                    continue
                }
                (holds[index].reason, holds[index].owner) = (reason ?? hold.reason, owner ?? hold.owner)
                changed.append(hold.id)
            }
            if isDry { return (changed, standing) }
            try database.write { connection in
                for hold in holds where changed.contains(hold.id) {
                    try connection.execute(
                        sql: "UPDATE legal_hold SET reason = ?, owner = ? WHERE id = ?", arguments: [hold.reason, hold.owner, hold.id])
                }
            }
            // Freed parts of pages keep what stood there (https://www.sqlite.org/lang_vacuum.html), also from an earlier time that
            // was stopped in between, and so does the write-ahead log. The database is small.
            try database.writeWithoutTransaction { connection in
                try connection.execute(sql: "VACUUM")
                try connection.checkpoint(.truncate)
            }
            state.holds = holds
            return (changed, standing)
        }
    }

    private static func hold(_ row: Row) -> LegalHold {
        LegalHold(
            id: row["id"], tenant: row["tenant"], firstDay: row["first_day"], lastDay: row["last_day"], reason: row["reason"],
            owner: row["owner"], created: Timestamp(milliseconds: row["created"]),
            released: (row["released"] as Int64?).map { Timestamp(milliseconds: $0) })
    }
}
