import EventStore
import Foundation
import GRDB

/// Rows of days and of the tenants' chains.
extension Catalogue {
    /// Days that were sealed together, each with the chain that ends in it. Their checkpoints wait for
    /// `targets` from then on. Durable when it returns.
    func record(_ sealed: [(day: ArchivedDay, chain: TenantChain)], pushes targets: [PushTarget]) throws {
        guard !sealed.isEmpty else { return }
        try writer.write { database in
            for (day, chain) in sealed {
                try Self.put(day, database)
                try Self.put(chain, database)
            }
            try Self.enqueue(sealed.map { ($0.day.tenantName, "day=" + ArchiveFolder.name(day: $0.day.day)) }, targets, database)
        }
    }

    static func put(_ day: ArchivedDay, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO day VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").execute(
            arguments: [
                Int64(day.tenant), day.day, day.state.rawValue, day.events, day.contentBytes, day.fileBytes,
                Int64(bitPattern: day.firstSeq),
                Int64(bitPattern: day.lastSeq), Int64(bitPattern: day.lastPosition), day.minTime, day.maxTime,
                Int64(bitPattern: day.treeSize), Data(day.root.bytes), Data(day.manifest.bytes), day.isLocal, day.isRemote,
            ])
    }

    static func put(_ chain: TenantChain, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO tenant VALUES (?, ?, ?, ?, ?, ?, ?, ?)").execute(
            arguments: [
                Int64(chain.number), chain.name, chain.firstDay, chain.lastDay, Int64(bitPattern: chain.lastSeq),
                Int64(bitPattern: chain.lastPosition), Data(chain.tree.stored), Data(chain.manifest.bytes),
            ])
    }

    /// Every tenant that has a sealed day, by number.
    package func chains() throws -> [TenantChain] {
        try reader.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT number, name, first_day, last_day, last_seq, last_position, tree, manifest FROM tenant ORDER BY number"
            ).map { row in
                guard let tree = CompactRange(stored: [UInt8](row[6] as Data)), let manifest = Digest([UInt8](row[7] as Data)) else {
                    throw CatalogueError.damaged("the tree of tenant \(row[1] as String)")
                }
                return TenantChain(
                    number: UInt32(truncatingIfNeeded: row[0] as Int64), name: row[1], firstDay: row[2], lastDay: row[3],
                    lastSeq: UInt64(bitPattern: row[4] as Int64), lastPosition: UInt64(bitPattern: row[5] as Int64), tree: tree,
                    manifest: manifest)
            }
        }
    }

    static let columns = """
        day.tenant, tenant.name, day.day, day.state, day.events, day.content_bytes, day.file_bytes, day.first_seq, day.last_seq,
        day.last_position, day.min_time, day.max_time, day.tree_size, day.root, day.manifest, day.local, day.remote
        """

    static func day(_ row: Row) throws -> ArchivedDay {
        guard let state = ArchivedDay.State(rawValue: row[3]), let root = Digest([UInt8](row[13] as Data)),
            let manifest = Digest([UInt8](row[14] as Data))
        else { throw CatalogueError.damaged("day \(row[2] as Int64) of tenant \(row[1] as String)") }
        return ArchivedDay(
            tenant: UInt32(truncatingIfNeeded: row[0] as Int64), tenantName: row[1], day: row[2], state: state, events: row[4],
            contentBytes: row[5], fileBytes: row[6], firstSeq: UInt64(bitPattern: row[7] as Int64),
            lastSeq: UInt64(bitPattern: row[8] as Int64), lastPosition: UInt64(bitPattern: row[9] as Int64), minTime: row[10],
            maxTime: row[11], treeSize: UInt64(bitPattern: row[12] as Int64), root: root, manifest: manifest, isLocal: row[15],
            isRemote: row[16])
    }

    /// One tenant's day, `nil` when it is not sealed.
    package func day(_ day: Int64, tenant: UInt32) throws -> ArchivedDay? {
        try reader.read { database in
            try Row.fetchOne(
                database,
                sql: "SELECT \(Self.columns) FROM day JOIN tenant ON tenant.number = day.tenant WHERE day.tenant = ? AND day.day = ?",
                arguments: [Int64(tenant), day]
            ).map(Self.day)
        }
    }

    /// Days within `days`, oldest first and by tenant's number within a day, behind `after`, at most `limit`.
    package func days(
        tenant: String? = nil, in days: ClosedRange<Int64>, after: (day: Int64, tenant: UInt32)? = nil, limit: Int
    ) throws -> [ArchivedDay] {
        try reader.read { database in
            var arguments: StatementArguments = [days.lowerBound, days.upperBound]
            var condition = "day.day BETWEEN ? AND ?"
            if let after {
                condition += " AND (day.day, day.tenant) > (?, ?)"
                arguments += [after.day, Int64(after.tenant)]
            }
            if let tenant {
                condition += " AND day.tenant = (SELECT number FROM tenant WHERE name = ?)"
                arguments += [tenant]
            }
            arguments += [limit]
            return try Row.fetchAll(
                database,
                sql: """
                    SELECT \(Self.columns) FROM day JOIN tenant ON tenant.number = day.tenant WHERE \(condition)
                    ORDER BY day.day, day.tenant LIMIT ?
                    """, arguments: arguments
            ).map(Self.day)
        }
    }

    /// Figures of all days, for health and metrics.
    package func totals() throws -> (days: Int, quiet: Int, events: Int, contentBytes: Int, fileBytes: Int) {
        try reader.read { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT count(*), coalesce(sum(state = 0), 0), coalesce(sum(events), 0), coalesce(sum(content_bytes), 0),
                        coalesce(sum(CASE WHEN local THEN file_bytes ELSE 0 END), 0) FROM day
                    """)
            return row.map { ($0[0], $0[1], $0[2], $0[3], $0[4]) } ?? (0, 0, 0, 0, 0)
        }
    }

    /// Where a day's events lie, after a change of it. Both `false` with `state` pruned.
    package func setPlace(tenant: UInt32, day: Int64, state: ArchivedDay.State, isLocal: Bool, isRemote: Bool) throws {
        try writer.write { database in
            try database.execute(
                sql: "UPDATE day SET state = ?, local = ?, remote = ? WHERE tenant = ? AND day = ?",
                arguments: [state.rawValue, isLocal, isRemote, Int64(tenant), day])
        }
    }

    /// A day whose file or manifest was written anew (an erasure): every column of the row, and the chain where it ends in
    /// that day.
    package func replace(_ day: ArchivedDay) throws {
        try writer.write { database in
            try Self.put(day, database)
            try database.execute(
                sql: "UPDATE tenant SET manifest = ? WHERE number = ? AND last_day = ?",
                arguments: [Data(day.manifest.bytes), Int64(day.tenant), day.day])
        }
    }
}

extension Catalogue: ArchivedDayRows {
    /// Whether the day is sealed for every tenant.
    package func isSealed(day: Int64) -> Bool { sealedDay.map { day <= $0 } ?? false }

    package func events(day: Int64) -> Int? {
        guard isSealed(day: day) else { return nil }
        return try? reader.read { try Int.fetchOne($0, sql: "SELECT coalesce(sum(events), 0) FROM day WHERE day = ?", arguments: [day]) }
    }

    package func row(tenant: UInt32, day: Int64) throws -> OlderDay? {
        guard let found = try self.day(day, tenant: tenant), found.state == .sealed else { return nil }
        return OlderDay(found)
    }

    package func rows(tenants: Set<UInt32>?, times: Range<Int64>, order: SearchOrder, after key: OlderDayKey?, limit: Int) throws
        -> [OlderDay]
    {
        let isDescending = order == .descending
        let (column, direction, sign) = isDescending ? ("max_time", "DESC", "<") : ("min_time", "ASC", ">")
        // The bound on the column that orders is the index's; the other one is looked at row by row.
        var condition = "day.state = 1 AND day.min_time < ? AND day.max_time >= ?"
        var arguments: StatementArguments = [times.upperBound, times.lowerBound]
        if let key {
            condition += " AND (day.\(column), day.day, day.tenant) \(sign) (?, ?, ?)"
            arguments += [key.time, key.day, Int64(key.tenant)]
        }
        if let tenants { condition += " AND day.tenant IN (\(tenants.sorted().map(String.init).joined(separator: ",")))" }
        arguments += [limit]
        return try reader.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT day.tenant, tenant.name, day.day, day.events, day.min_time, day.max_time, day.file_bytes
                    FROM day
                    JOIN tenant ON tenant.number = day.tenant WHERE \(condition)
                    ORDER BY day.\(column) \(direction), day.day \(direction), day.tenant \(direction) LIMIT ?
                    """, arguments: arguments
            ).map { row in
                OlderDay(
                    tenant: UInt32(truncatingIfNeeded: row[0] as Int64), tenantName: row[1], day: row[2], events: row[3], minTime: row[4],
                    maxTime: row[5], fileBytes: row[6])
            }
        }
    }
}

extension OlderDay {
    init(_ day: ArchivedDay) {
        self.init(
            tenant: day.tenant, tenantName: day.tenantName, day: day.day, events: day.events, minTime: day.minTime, maxTime: day.maxTime,
            fileBytes: day.fileBytes)
    }
}
