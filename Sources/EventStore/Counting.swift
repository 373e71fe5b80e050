import EventModel
import Foundation
import GRDB

/// Answers how many. Where filters and columns are those of the rollups and the range ends on hours, packed events are
/// not looked at at all; otherwise candidates are chosen and filtered as in ``Search``. The window is always counted
/// line by line.
struct Counting: ~Copyable {
    private let query: CountQuery
    private let store: EventStore
    private let filter: EventFilter
    private let plan: TermPlan
    private let tenants: Set<UInt32>?
    private let times: Range<Int64>

    private var groups: [[String]: Int] = [:]
    private var scanned = Scanned()
    private var scratch: FilterScratch
    private let inflater: Inflater
    private let columns: [[UInt8]]
    private let started = ContinuousClock.now

    /// Bytes and time a count may take, times the budget of a search: it cannot go on with a cursor.
    private static let budgetFactor = 8

    init(_ query: CountQuery, store: EventStore) throws(SearchError) {
        let filter = try EventFilter(filters: query.filters, text: query.text)
        self.query = query
        self.store = store
        self.filter = filter
        plan = TermPlan(filters: query.filters, text: query.text)
        tenants = query.tenants.map { Set($0) }
        let from = max(Timestamp.earliest, query.from?.milliseconds ?? .min)
        times = from..<max(from, min(Timestamp.latest + 1, query.to?.milliseconds ?? .max))
        columns = query.by.map { Array(($0 == .failureClass ? "class" : $0.rawValue).utf8) }
        scratch = FilterScratch()
        inflater = Inflater()
    }

    mutating func run() throws(SearchError) -> CountAnswer {
        if times.isEmpty || tenants?.isEmpty == true { return CountAnswer() }
        // A merge may join blocks that were packed after the snapshot with older ones; then the snapshot is taken again.
        if canUseRollups {
            for _ in 0..<8 {
                groups.removeAll()
                scanned = Scanned()
                let snapshot = store.snapshot(tenants: tenants, times: times)
                if try countRollups(snapshot) {
                    countFresh(snapshot)
                    try countOlderRollups(snapshot)
                    return answer(fromRollups: true)
                }
            }
            groups.removeAll()
        }
        let snapshot = store.snapshot(tenants: tenants, times: times)
        countFresh(snapshot)
        for day in snapshot.days {
            scanned.partitions += 1
            var held: any IndexedDay = HeldDay(store: store, partition: day.partition, directory: day.directory)
            try countBlocks(&held)
        }
        try forEachOlder(snapshot, plan) { counting, file throws(SearchError) in
            var archived: any IndexedDay = file
            try counting.countBlocks(&archived)
        }
        return answer(fromRollups: false)
    }

    private func answer(fromRollups: Bool) -> CountAnswer {
        var answer = CountAnswer()
        answer.fromRollups = fromRollups
        answer.scanned = scanned
        var rows = groups.map { (keys: $0.key, count: $0.value) }
        if rows.isEmpty, query.by.isEmpty { rows = [(keys: [], count: 0)] }
        answer.total = rows.reduce(0) { $0 + $1.count }
        rows.sort { $0.keys.lexicographicallyPrecedes($1.keys) }
        if rows.count > CountAnswer.largestRowCount {
            // What is new is what most people ask for.
            if let time = query.by.firstIndex(of: .hour) ?? query.by.firstIndex(of: .day) {
                rows.sort { $0.keys[time] != $1.keys[time] ? $0.keys[time] > $1.keys[time] : $0.keys.lexicographicallyPrecedes($1.keys) }
            }
            rows.removeLast(rows.count - CountAnswer.largestRowCount)
            rows.sort { $0.keys.lexicographicallyPrecedes($1.keys) }
            answer.rowsCut = true
        }
        answer.rows = rows
        return answer
    }

    private var canUseRollups: Bool {
        let columns: Set<CountColumn> = [.kind, .action, .outcome, .tenant, .day, .hour]
        let fields: Set<FilterField> = [.kind, .action, .outcome]
        return query.text?.isEmpty ?? true && query.by.allSatisfy(columns.contains)
            && query.filters.allSatisfy { fields.contains($0.field) }
            && times.lowerBound % 3_600_000 == 0 && times.upperBound % 3_600_000 == 0
    }

    // MARK: Rollups

    /// `false` when a run holds blocks beyond the snapshot.
    private mutating func countRollups(_ snapshot: StoreSnapshot) throws(SearchError) -> Bool {
        let hours = (first: times.lowerBound / 3_600_000, last: times.upperBound / 3_600_000 - 1)
        var sums: [UInt64: Int] = [:]
        for day in snapshot.days {
            let last = UInt32(day.tenants.values.reduce(0) { $0 + $1.blocks })
            sums.removeAll(keepingCapacity: true)
            var combinations: [UInt32: RollupCollector.Combination] = [:]
            do {
                let isWhole = try day.partition.read { database in
                    let runs = try RunTable.runs(database).filter { $0.blocks.lowerBound <= last }
                    guard runs.allSatisfy({ $0.blocks.upperBound <= last }) else { return false }
                    for row in try Row.fetchAll(database, sql: "SELECT id, kind, action, outcome FROM combination") {
                        combinations[UInt32(truncatingIfNeeded: row[0] as Int64)] = RollupCollector.Combination(
                            kind: row[1], action: row[2], outcome: row[3])
                    }
                    for range in tenantRanges { try read(range, hours, runs, database, &sums) }
                    return true
                }
                if !isWhole { return false }
            } catch {
                store.noteDamage(day.partition, error)
                throw SearchError.unreadable(partition: Partition.name(day: day.partition.day), reason: "\(error)")
            }
            scanned.partitions += 1
            addSums(sums, combinations)
        }
        return true
    }

    private var tenantRanges: [ClosedRange<UInt32>] {
        if let tenants { return tenants.sorted().map { $0...$0 } }
        return query.by.contains(.tenant) ? [0...RollupKey.allTenants - 1] : [RollupKey.allTenants...RollupKey.allTenants]
    }

    private mutating func read(
        _ tenants: ClosedRange<UInt32>, _ hours: (first: Int64, last: Int64), _ runs: [Run], _ database: Database,
        _ sums: inout [UInt64: Int]
    ) throws {
        let firstKey = RollupKey.pageKey(RollupKey.make(tenant: tenants.lowerBound, hour: hours.first, combination: 0))
        let lastKey = RollupKey.pageKey(RollupKey.make(tenant: tenants.upperBound, hour: hours.last, combination: 0))
        let (keepsHour, keepsDay, keepsTenant) = (query.by.contains(.hour), query.by.contains(.day), query.by.contains(.tenant))
        for run in runs {
            scanned.termSeeks += 1
            try RunTable.rollups(firstKey...lastKey, run: run.number, database) { key, count in
                let hour = RollupKey.hour(key)
                let tenant = RollupKey.tenant(key)
                guard hour >= hours.first, hour <= hours.last, tenants.contains(tenant) else { return }
                // Columns without time or tenant fold most rows into few.
                let kept = keepsHour ? hour : keepsDay ? (hour >= 0 ? hour / 24 : (hour - 23) / 24) * 24 : 0
                sums[RollupKey.make(tenant: keepsTenant ? tenant : 0, hour: kept, combination: RollupKey.combination(key)), default: 0] +=
                    Int(count)
            }
        }
    }

    private mutating func addSums(_ sums: [UInt64: Int], _ combinations: [UInt32: RollupCollector.Combination]) {
        let store = store
        for (key, count) in sums {
            let combination = combinations[RollupKey.combination(key)] ?? RollupCollector.Combination(kind: "", action: "", outcome: "")
            add(count, RollupKey.hour(key), combination, tenant: store.tenantName(RollupKey.tenant(key)))
        }
    }

    private static func value(_ field: FilterField, _ combination: RollupCollector.Combination) -> String {
        switch field {
        case .kind: combination.kind
        case .action: combination.action
        default: combination.outcome
        }
    }

    private static func timeKey(_ column: CountColumn, _ time: Int64) -> String {
        String(Timestamp(milliseconds: time).description.prefix(column == .day ? 10 : 13))
    }

    // MARK: Archives

    private mutating func forEachOlder(
        _ snapshot: StoreSnapshot, _ plan: TermPlan?, _ body: (inout Counting, ArchivedDay) throws(SearchError) -> Void
    ) throws(SearchError) {
        guard let older = snapshot.older else { return }
        var stream = OlderStream(older, tenants: tenants, times: times, order: .descending, held: snapshot.held, plan: plan)
        while let file = try stream.next(&scanned) {
            try checkBudget()
            try body(&self, file)
        }
    }

    private mutating func countOlderRollups(_ snapshot: StoreSnapshot) throws(SearchError) {
        let hours = times.lowerBound / 3_600_000...times.upperBound / 3_600_000 - 1
        // The catalogue knows how many events a file has; one that is gone or damaged is asked, and then named, all the same.
        let needsOnlyTotals = query.filters.isEmpty && query.by.allSatisfy { $0 == .tenant }
        try forEachOlder(snapshot, nil) { counting, archived throws(SearchError) in
            let file = archived.file
            if needsOnlyTotals, counting.times.contains(file.minTime), counting.times.contains(file.maxTime),
                archived.older.isWhole(file)
            {
                counting.groups[counting.query.by.map { _ in file.tenantName }, default: 0] += file.events
                return
            }
            var archived = archived
            guard let index = archived.opened(&counting.scanned) else { return }
            var rows: [(hour: Int64, combination: RollupCollector.Combination, count: Int)] = []
            var counted = 0
            do {
                try index.rollups(bytesRead: &counting.scanned.archiveBytes) { hour, kind, action, outcome, count in
                    counted += count
                    guard hours.contains(hour) else { return }
                    rows.append((hour, RollupCollector.Combination(kind: kind, action: action, outcome: outcome), count))
                }
            } catch { return archived.note(error, &counting.scanned) }
            // An index that was made again from a damaged file counts what it could read.
            if counted < file.events {
                counting.scanned.damagedBlocks += 1
                archived.older.noteDamage(file, reason: "\(file.events - counted) of its \(file.events) events cannot be counted")
            }
            for row in rows { counting.add(row.count, row.hour, row.combination, tenant: file.tenantName) }
        }
    }

    private mutating func add(_ count: Int, _ hour: Int64, _ combination: RollupCollector.Combination, tenant: @autoclosure () -> String) {
        guard query.filters.allSatisfy({ $0.values.contains(Self.value($0.field, combination)) }) else { return }
        let keys = query.by.map { column in
            switch column {
            case .kind: combination.kind
            case .action: combination.action
            case .outcome: combination.outcome
            case .tenant: tenant()
            default: Self.timeKey(column, hour * 3_600_000)
            }
        }
        groups[keys, default: 0] += count
    }

    /// A count cannot go on with a cursor, so it is refused.
    private func checkBudget() throws(SearchError) {
        let bytes = scanned.bytes + scanned.archiveBytes
        let time = ContinuousClock.now - started
        guard bytes >= store.configuration.scanBytes * Self.budgetFactor || time >= store.configuration.scanTime * Self.budgetFactor else {
            return
        }
        throw SearchError.badQuery(
            reason: "this count looks at more than \(bytes >> 20) MiB of events, or takes longer than \(time.components.seconds) s; "
                + "shorten the range or name a tenant")
    }

    // MARK: Events

    private mutating func countFresh(_ snapshot: StoreSnapshot) {
        var lines: [(ArraySlice<UInt8>, EventKey)] = []
        let filter = filter
        var scratch = FilterScratch()
        var (events, bytes) = (0, 0)
        snapshot.forEachFresh(tenants: tenants, times: times) { line, key, _, copy in
            events += 1
            bytes += line.count
            if filter.matches(line, &scratch) { lines.append((copy(), key)) }
        }
        scanned.events += events
        scanned.bytes += bytes
        for (line, key) in lines { line.withUnsafeBytes { count($0, key.tenant, key.time) } }
    }

    private mutating func countBlocks(_ day: inout any IndexedDay) throws(SearchError) {
        guard let directory = try day.open(&scanned) else { return }
        var chosen: [UInt32]?
        if !plan.isEmpty {
            chosen = try day.candidates(plan, &scanned)
            if chosen == nil { return }
        }
        for number in chosen ?? (directory.lastNumber == 0 ? [] : Array(1...directory.lastNumber)) where directory.contains(number) {
            let entry = directory[number]
            guard entry.minTime < times.upperBound, entry.maxTime >= times.lowerBound, tenants?.contains(entry.tenant) ?? true else {
                continue
            }
            scanned.blocks += 1
            try checkBudget()
            let extent = chosen.map { directory.extent(of: number, among: $0) } ?? .member
            guard let lines = store.lines(of: number, in: directory, day: day.day, upTo: extent, inflater, &scanned) else {
                day.noteDamagedBlock(number)
                continue
            }
            scanned.bytes += lines.count
            lines.withUnsafeBytes { countLines($0, entry.tenant) }
        }
    }

    private mutating func countLines(_ bytes: UnsafeRawBufferPointer, _ tenant: UInt32) {
        var start = 0
        let needle = filter.needle.isEmpty ? nil : NeedleSearch(filter.needle)
        while let end = lineEnd(bytes, start) {
            defer { start = end + 1 }
            scanned.events += 1
            let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if let needle, needle.first(in: line, from: 0) == nil { continue }
            guard let head = CanonicalLine(line), times.contains(head.time), filter.matches(line, &scratch) else { continue }
            count(line, tenant, head.time)
        }
    }

    /// Adds one event to its group.
    private mutating func count(_ line: UnsafeRawBufferPointer, _ tenant: UInt32, _ time: Int64) {
        var keys = [String](repeating: "", count: query.by.count)
        for (index, column) in query.by.enumerated() {
            switch column {
            case .tenant: keys[index] = store.tenantName(tenant)
            case .day, .hour: keys[index] = Self.timeKey(column, time)
            default: continue
            }
        }
        if let head = CanonicalLine(line), query.by.contains(where: { ![.tenant, .day, .hour].contains($0) }) {
            scratch.cursor.startFields(head.body)
            while scratch.cursor.next() {
                for (index, column) in query.by.enumerated() where isColumn(column, columns[index]) {
                    let text = scratch.plainText()
                    // A name comes behind the id and takes its place.
                    if keys[index].isEmpty || (!text.isEmpty && isName(column)) { keys[index] = text }
                }
            }
        }
        groups[keys, default: 0] += 1
    }

    /// Whether the cursor stands at the column's value: for webhooks and integrations their id or name.
    private func isColumn(_ column: CountColumn, _ key: [UInt8]) -> Bool {
        switch column {
        case .tenant, .day, .hour: false
        case .failureClass: scratch.isAt(root: "failure", key: "class")
        case .webhook: scratch.isAt(root: "webhook", key: "name") || scratch.isAt(root: "webhook", key: "id")
        case .integration: scratch.isAt(root: "integration", key: "name") || scratch.isAt(root: "integration", key: "id")
        default: scratch.cursor.depth == 1 && scratch.cursor.key(1).elementsEqual(key)
        }
    }

    private func isName(_ column: CountColumn) -> Bool {
        switch column {
        case .webhook: scratch.isAt(root: "webhook", key: "name")
        case .integration: scratch.isAt(root: "integration", key: "name")
        default: false
        }
    }
}
