import EventModel
import Foundation
import TestSupport
import Testing

@testable import EventStore

@Suite struct SearchTests {
    /// One question in both forms.
    struct Question {
        var query = SearchQuery()
        var clauses: [String] = []
        var descending: Bool { query.order == .descending }
    }

    static func question(_ random: inout SeededRandom, _ feed: EventFeed) throws -> Question {
        var question = Question()
        if random.below(2) == 0 { question.query.tenants = (0..<1 + random.below(2)).map { _ in UInt32(random.below(5)) } }
        let sample = feed.events[random.below(feed.events.count)]
        if random.below(3) == 0 { question.query.from = Timestamp(milliseconds: sample.time) }
        if random.below(3) == 0 {
            question.query.to = Timestamp(
                milliseconds: (question.query.from?.milliseconds ?? sample.time) + Int64(random.below(86_400_000)))
        }
        question.query.order = random.below(3) == 0 ? .ascending : .descending
        let person = random.below(42)
        for _ in 0..<random.below(3) {
            question.query.filters.append(
                random.pick([
                    FieldFilter(.kind, [random.pick(["activity", "access", "nothing"])]),
                    FieldFilter(.outcome, ["denied", "failure"]),
                    FieldFilter(.action, [random.pick(["login", "other"])]),
                    FieldFilter(.actor, ["u\(person)"]),
                    FieldFilter(.actor, ["p\(person).X@ex\(person % 3).example.com"]),
                    FieldFilter(.actor, ["\(EventFeed.first[person % 6].uppercased()) o\"neil"]),
                    FieldFilter(.actor, ["u\(person)", "u\(person + 1)"]),
                    FieldFilter(.target, ["TCK-\(random.below(3000))"]),
                    FieldFilter(.target, ["tck-4711", "OUTAGE"]),
                    FieldFilter(.ip, ["10.\(person).0.1"]),
                    FieldFilter(.category, ["security area"]),
                    FieldFilter(.brand, ["northwind-01-brand1"]),
                    FieldFilter(.statusCode, ["502"]),
                ]))
        }
        for _ in 0..<random.below(3) {
            let clause = random.pick([
                "billing", "REFUND", "éclair", "naïve", "v1.2.3", "10.0.0.7", "tck-4711", "half", "slash", "sofort", "\"10 µs\"",
                "ip:10.7.0.1", "rare\(random.below(500))",
                "\"billing refund\"",
                "\"acme.example.com\"", "summary:outage", "changes.role:admin", "changes.status:closed", "changes.priority:true",
                "unmapped.deep:rare\(random.below(500))",
                "status_code:404", "actor.name:chen", "unmapped.deep.list.k:7", "target:x", "ev/\(sample.position)-7", "changes.field:role",
                String(sample.line.components(separatedBy: "\"original_id\":\"").last!.prefix { $0 != "\"" && $0 != "{" }),
            ])
            let text = clause.contains(" ") || !clause.contains("{") ? clause : "billing"
            if text.isEmpty { continue }
            question.clauses.append(random.below(4) == 0 ? "-" + text : text)
        }
        question.query.text = try TextQuery.parse(question.clauses.joined(separator: " "))
        question.query.limit = random.pick([1, 7, 50, 1000])
        return question
    }

    static func check(_ store: EventStore, _ feed: EventFeed, questions: Int, seed: UInt64, _ stage: String) async throws {
        let reference = try BruteForce(feed.events)
        var random = SeededRandom(seed: seed)
        for number in 0..<questions {
            let question = try question(&random, feed)
            let expected = reference.search(
                tenants: question.query.tenants, from: question.query.from?.milliseconds, to: question.query.to?.milliseconds,
                filters: question.query.filters,
                clauses: question.clauses, descending: question.descending)
            var query = question.query
            var found: [String] = []
            var pages = 0
            repeat {
                let page = try await store.search(query)
                found += page.lines.map { String(decoding: $0, as: UTF8.self) }
                query.cursor = page.nextCursor
                pages += 1
            } while query.cursor != nil && pages < 5
            let wanted = pages == 5 ? Array(expected.prefix(found.count)) : expected
            let agrees = found == wanted
            #expect(
                agrees,
                "\(stage), seed \(seed), question \(number): \(question.query) \(question.clauses) found \(found.count), expected \(expected.count)"
            )
            if !agrees { return }
        }
    }

    @Test("answers agree with a scan of all events, fresh, packed, merged and reopened")
    func agreesWithBruteForce() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 11)
        var store = try folder.open()
        for _ in 0..<20 { store.committed(feed.batch(100)) }
        try await Self.check(store, feed, questions: 60, seed: 1, "fresh")
        for _ in 0..<6 {
            for _ in 0..<15 { store.committed(feed.batch(200)) }
            try store.packAll()
        }
        store.merger.drain()
        for _ in 0..<10 { store.committed(feed.batch(50)) }
        #expect(store.statistics.merges > 0)
        try await Self.check(store, feed, questions: 25, seed: 2, "packed and fresh")
        try store.packAll()
        await store.close()
        store = try folder.open()
        #expect(store.report.events == feed.events.count)
        try await Self.check(store, feed, questions: 15, seed: 3, "reopened")
        await store.close()
    }

    @Test(
        "a search that used up its budget, or whose page is full of bytes, goes on with its cursor and loses nothing",
        arguments: [(30_000, 4 << 20), (1 << 30, 20_000), (30_000, 20_000), (1 << 30, 1)])
    func budget(scanBytes: Int, pageBytes: Int) async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 5)
        let store = try folder.open {
            $0.scanBytes = scanBytes
            $0.pageBytes = pageBytes
        }
        for _ in 0..<8 { store.committed(feed.batch(100)) }
        try store.packAll()
        for order in [SearchOrder.descending, .ascending] {
            var query = SearchQuery(tenants: [0, 1])
            query.order = order
            query.text = try TextQuery.parse("-nothing")
            query.limit = 1000
            var found: [String] = []
            var pages = 0
            repeat {
                let page = try await store.search(query)
                // Without the last event a page is not full yet.
                #expect(page.lines.dropLast().reduce(0) { $0 + $1.count } < pageBytes)
                found += page.lines.map { String(decoding: $0, as: UTF8.self) }
                query.cursor = page.nextCursor
                pages += 1
            } while query.cursor != nil && pages < 2000
            let expected = try BruteForce(feed.events).search(
                tenants: [0, 1], from: nil, to: nil, filters: [], clauses: [], descending: order == .descending)
            let agrees = found == expected
            #expect(agrees, "\(order): found \(found.count), expected \(expected.count)")
        }
        await store.close()
    }

    @Test("a cursor stays good while events are packed under it")
    func cursorAcrossPacking() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 6)
        let store = try folder.open()
        for _ in 0..<5 { store.committed(feed.batch(100)) }
        var query = SearchQuery()
        query.limit = 100
        var found: [String] = []
        repeat {
            let page = try await store.search(query)
            found += page.lines.map { String(decoding: $0, as: UTF8.self) }
            query.cursor = page.nextCursor
            try store.packAll()
        } while query.cursor != nil
        let agrees =
            try found == BruteForce(feed.events).search(tenants: nil, from: nil, to: nil, filters: [], clauses: [], descending: true)
        #expect(agrees)
        await store.close()
    }

    @Test("a cursor of another order or from elsewhere is refused")
    func badCursors() async throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        var query = SearchQuery()
        query.cursor = "nonsense"
        await #expect(throws: SearchError.self) { try await store.search(query) }
        query.cursor = SearchCursor(order: .ascending, key: EventKey(time: 1, seq: 2, tenant: 3)).text
        await #expect(throws: SearchError.badCursor("the cursor belongs to the other order")) { try await store.search(query) }
        await store.close()
    }
}
