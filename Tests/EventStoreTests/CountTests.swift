import EventModel
import Foundation
import Testing

@testable import EventStore

@Suite struct CountTests {
    @Test("counts agree with a scan of all events, from rollups and from lines")
    func agreeWithBruteForce() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 21)
        var store = try folder.open()
        for _ in 0..<8 {
            for _ in 0..<10 { store.committed(feed.batch(60)) }
            try store.packAll()
        }
        store.committed(feed.batch(77))
        try await check(store, feed)
        store.merger.drain()
        try store.packAll()
        await store.close()
        store = try folder.open()
        try await check(store, feed)
        await store.close()
    }

    @Test("of too many rows the newest hours stay, and the total counts all")
    func cutRows() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 3)
        let store = try folder.open()
        let limit = CountAnswer.largestRowCount
        let events = (0..<limit + 500).map { number in
            let time = feed.received - Int64(number) * 3_600_000
            let body = "\"time\":\"\(Timestamp(milliseconds: time))\",\"tenant\":\"acme\",\"kind\":\"k\(number % 2)\"}"
            return feed.add(tenant: 0, time: time, body: body, identity: 0)
        }
        store.committed(EventFeed.batch(events, received: feed.received))
        for columns in [[CountColumn.hour, .kind], [.kind, .hour]] {
            let answer = try await store.counts(CountQuery(by: columns))
            #expect(answer.rowsCut && answer.rows.count == limit && answer.total == limit + 500)
            let hours = answer.rows.map { $0.keys[columns.firstIndex(of: .hour)!] }
            let oldest = Timestamp(milliseconds: feed.received - Int64(limit - 1) * 3_600_000).description.prefix(13)
            #expect(hours.min()! == oldest)
            #expect(zip(answer.rows, answer.rows.dropFirst()).allSatisfy { $0.keys.lexicographicallyPrecedes($1.keys) })
        }
        await store.close()
    }

    @Test("webhooks and integrations without a name are counted by their id")
    func names() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 4)
        let store = try folder.open()
        let webhooks = ["{\"id\":\"w1\",\"name\":\"CRM\"}", "{\"id\":\"w2\"}", "{\"name\":\"ERP\"}", "{\"id\":\"w3\",\"name\":\"CRM\"}"]
        let events = webhooks.map { webhook in
            let time = feed.received
            let body = "\"time\":\"\(Timestamp(milliseconds: time))\",\"tenant\":\"acme\",\"kind\":\"k\",\"webhook\":\(webhook)}"
            return feed.add(tenant: 0, time: time, body: body, identity: 0)
        }
        store.committed(EventFeed.batch(events, received: feed.received))
        let answer = try await store.counts(CountQuery(by: [.webhook]))
        #expect(answer.rows.map { "\($0.keys[0]) \($0.count)" } == ["CRM 2", "ERP 1", "w2 1"])
        await store.close()
    }

    private func check(_ store: EventStore, _ feed: EventFeed) async throws {
        let reference = try BruteForce(feed.events)
        let hour = Timestamp(milliseconds: feed.received / 3_600_000 * 3_600_000 - 30 * 3_600_000)
        for (columns, from, filters, words) in [
            ([CountColumn.kind, .day], nil, [], nil), ([.tenant, .outcome], nil, [], nil),
            ([], hour, [FieldFilter(.action, ["login", "other"])], nil),
            ([.hour, .kind], hour, [FieldFilter(.kind, ["access"])], nil), ([.brand], nil, [FieldFilter(.actor, ["u7", "u8"])], nil),
            ([.category, .action], Timestamp(milliseconds: hour.milliseconds + 1), [], "billing"),
        ] as [([CountColumn], Timestamp?, [FieldFilter], String?)] {
            for tenants in [nil, [UInt32(0)], [1, 3]] as [[UInt32]?] {
                var query = CountQuery(tenants: tenants, from: from, by: columns)
                query.filters = filters
                query.text = try words.map { try TextQuery.parse($0) }
                let answer = try await store.counts(query)
                var expected: [[String]: Int] = [:]
                for item in reference.items where tenants?.contains(item.event.tenant) ?? true {
                    guard item.event.time >= from?.milliseconds ?? .min, filters.allSatisfy({ BruteForce.holds($0, item) }) else {
                        continue
                    }
                    if let words, !BruteForce.holds(words, item) { continue }
                    let keys = columns.map { column in
                        switch column {
                        case .day: String(Timestamp(milliseconds: item.event.time).description.prefix(10))
                        case .hour: String(Timestamp(milliseconds: item.event.time).description.prefix(13))
                        default: item.values.first { $0.path == [column.rawValue] }?.text ?? ""
                        }
                    }
                    expected[keys, default: 0] += 1
                }
                if columns.isEmpty, expected.isEmpty { expected[[]] = 0 }
                #expect(Dictionary(uniqueKeysWithValues: answer.rows.map { ($0.keys, $0.count) }) == expected)
                #expect(answer.fromRollups == (words == nil && !columns.contains(.brand)))
            }
        }
    }
}
