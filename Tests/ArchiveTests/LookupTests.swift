import EventModel
import Foundation
import Logging
import Testing

@testable import Archive
@testable import EventStore

@Suite struct LookupTests {
    /// An empty store over files of forty days of two tenants.
    final class Year {
        let folder: String
        let days: [LookupDay]
        let archive: ArchivedDays
        let store: EventStore

        init(seed: UInt64, limits: ArchivedDays.Limits = ArchivedDays.Limits(), days count: Int64 = 40) throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lookup-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            var days: [LookupDay] = []
            var seqs: [UInt32: UInt64] = [:]
            for day in 20_000..<20_000 + count {
                for tenant in LookupDay.names.keys.sorted() {
                    let events = 60 + Int(day % 7) * 10
                    days.append(
                        try LookupDay(seed: seed, tenant: tenant, day: day, firstSeq: seqs[tenant] ?? 1, count: events, folder: folder))
                    seqs[tenant] = (seqs[tenant] ?? 1) + UInt64(events)
                }
            }
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            archive = ArchivedDays(
                LookupRows(days.map(\.row)), limits: limits, logger: logger,
                local: { try? LocalFile(path: "\(folder)/\($0.tenant)-\($0.day).gz") }
            ) { day in
                try LocalFile(path: "\(folder)/\(day.tenant)-\(day.day).gz")
            }
            var configuration = EventStoreConfiguration(folder: folder + "/store")
            // A busy machine must not cut answers short.
            configuration.scanTime = .seconds(3600)
            store = try EventStore.open(configuration, logger: logger)
            store.use(older: archive)
            (self.folder, self.days) = (folder, days)
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        /// What a slow search gives, newest first.
        func expected(_ tenant: UInt32?, _ holds: (LookupDay.Event) -> Bool) -> [String] {
            days.filter { tenant == nil || $0.row.tenant == tenant }.flatMap { day in
                day.events.filter(holds).map { ($0, day.row.tenant) }
            }.sorted { ($0.0.time, $0.0.seq, $0.1) > ($1.0.time, $1.0.seq, $1.1) }.map(\.0.line)
        }

        func lines(_ change: (inout SearchQuery) throws -> Void) async throws -> (lines: [String], scanned: Scanned) {
            var query = SearchQuery()
            query.limit = 70
            try change(&query)
            var lines: [String] = []
            var scanned = Scanned()
            while true {
                let page = try await store.search(query)
                lines += page.lines.map { String(decoding: $0, as: UTF8.self) }
                scanned.add(page.scanned)
                guard let cursor = page.nextCursor else { return (lines, scanned) }
                query.cursor = cursor
            }
        }
    }

    @Test("archived files answer by actor, word and id what a slow search gives, page by page, in both orders", arguments: [1, 400])
    func answers(files: Int) async throws {
        var limits = ArchivedDays.Limits()
        limits.files = files
        let year = try Year(seed: 1, limits: limits)
        let byActor = try await year.lines {
            $0.tenants = [1]
            $0.filters = [FieldFilter(.actor, ["u7"])]
        }
        #expect(byActor.lines == year.expected(1) { $0.actor == "u7" } && byActor.scanned.archiveBytes > 0)
        let byWord = try await year.lines {
            $0.text = try TextQuery.parse("word13")
            $0.order = .ascending
        }
        let isByWord = byWord.lines == year.expected(nil) { $0.line.contains("\"word13 ") }.reversed()
        #expect(isByWord)
        let from = 20_010 * Int64(86_400_000)
        let all = try await year.lines {
            $0.from = Timestamp(milliseconds: from)
            $0.to = Timestamp(milliseconds: from + 86_400_000)
        }
        let isWhole = all.lines == year.expected(nil) { $0.time >= from && $0.time < from + 86_400_000 }
        #expect(isWhole, "also events that were received weeks later")
        for day in year.days.prefix(12) {
            let event = day.events[day.events.count / 2]
            #expect(try await year.store.event(EventID(event.id)!) == Array(event.line.utf8))
            let found = try await year.lines { $0.filters = [FieldFilter(.originalID, [event.original])] }
            #expect(found.lines == [event.line] && found.scanned.blocksInflated <= 2)
        }
        #expect(try await year.store.event(EventID(received: 20_003 * 86_400_000, node: 7, tenant: 1, position: 5)) == nil)
        #expect(year.archive.openFiles <= files && year.archive.damage.isEmpty)
        await year.store.close()
    }

    @Test("counts come from the files' rollups, and totals from the catalogue alone")
    func counts() async throws {
        let year = try Year(seed: 2)
        let events = year.days.flatMap(\.events)
        let total = try await year.store.counts(CountQuery(by: [.tenant]))
        #expect(total.total == events.count && total.scanned.archives == 0)
        #expect(total.rows.map(\.keys) == [["acme"], ["globex"]])
        let from = 20_010 * Int64(86_400_000)
        var query = CountQuery(
            tenants: [1], from: Timestamp(milliseconds: from), to: Timestamp(milliseconds: from + 5 * 86_400_000), by: [.kind])
        let byKind = try await year.store.counts(query)
        let own = year.days.filter { $0.row.tenant == 1 }.flatMap(\.events).filter { $0.time >= from && $0.time < from + 5 * 86_400_000 }
        #expect(byKind.fromRollups && byKind.scanned.blocksInflated == 0 && byKind.scanned.archives > 5)
        #expect(byKind.rows.map(\.count) == ["access", "activity"].map { kind in own.filter { $0.kind == kind }.count })
        query.filters = [FieldFilter(.actor, ["u3"])]
        let filtered = try await year.store.counts(query)
        #expect(!filtered.fromRollups && filtered.total == own.filter { $0.actor == "u3" }.count)
        await year.store.close()
    }

    @Test("a damaged block, a damaged index and a missing file are named, and every other event is found")
    func damage() async throws {
        let year = try Year(seed: 3, days: 12)
        func change(_ day: LookupDay, at part: Double) throws {
            var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: day.path)))
            bytes[Int(Double(bytes.count) * part)] ^= 0xFF
            try Data(bytes).write(to: URL(fileURLWithPath: day.path))
        }
        try change(year.days[2], at: 0.1)
        try change(year.days[5], at: 0.995)
        unlink(year.days[8].path)
        let found = try await year.lines { $0.limit = 1000 }
        let lost = Set(year.days[2].events.prefix(40).map(\.line)).union(year.days[8].events.map(\.line))
        #expect(found.lines == year.expected(nil) { !lost.contains($0.line) })
        #expect(found.scanned.damagedBlocks >= 2)
        for index in [2, 5, 8] {
            let row = year.days[index].row
            let name = "tenant=\(row.tenantName)/day=\(Partition.name(day: row.day))"
            #expect(year.archive.damage.contains { $0.hasPrefix(name) }, "\(index)")
            #expect(year.store.statistics.damage.contains { $0.hasPrefix(name) })
        }
        #expect(year.archive.damage.count == 3)
        await #expect(throws: SearchError.self) { try await year.store.event(EventID(year.days[2].events[3].id)!) }
        await #expect(throws: SearchError.self) { try await year.store.event(EventID(year.days[8].events[3].id)!) }
        await year.store.close()
    }

    @Test("a count over a file whose index was made again without a damaged block says that it is short")
    func shortCount() async throws {
        let year = try Year(seed: 6, days: 4)
        let day = year.days[1]
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: day.path)))
        bytes[bytes.count / 10] ^= 0xFF
        bytes[bytes.count - 50] ^= 0xFF
        try Data(bytes).write(to: URL(fileURLWithPath: day.path))
        let answer = try await year.store.counts(CountQuery(by: [.kind]))
        #expect(answer.fromRollups && answer.total < year.days.flatMap(\.events).count)
        #expect(answer.scanned.damagedBlocks == 1)
        #expect(year.archive.damage.contains { $0.contains("cannot be counted") })
        await year.store.close()
    }

    @Test("a file that was replaced is read anew once it is forgotten")
    func replaced() async throws {
        let year = try Year(seed: 4, days: 3)
        let old = year.days[1]
        let other = try LookupDay(
            seed: 5, tenant: old.row.tenant, day: old.row.day, firstSeq: old.events[0].seq, count: old.events.count,
            folder: try folder(year.folder + "/other"))
        _ = try await year.lines { _ in }
        try FileManager.default.removeItem(atPath: old.path)
        try FileManager.default.moveItem(atPath: other.path, toPath: old.path)
        let before = try await year.lines { $0.tenants = [old.row.tenant] }
        #expect(before.lines.contains(old.events[0].line), "what is open is read on")
        year.archive.forget(tenant: old.row.tenant, day: old.row.day)
        year.store.forgetInflated()
        #expect(try await year.store.event(EventID(other.events[5].id)!) == Array(other.events[5].line.utf8))
        await year.store.close()
    }

    private func folder(_ path: String) throws -> String {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
