import EventModel
import Foundation
import Journal
import TestSupport
import Testing

@testable import EventStore

@Suite struct IdentityTests {
    private func look(_ store: EventStore, _ event: EventFeed.Event, _ change: (String) -> String = { $0 }) -> IdentityMatch {
        Array(change(event.body).utf8).withUnsafeBytes { store.look(identity: event.identity, tenant: event.tenant, content: $0) }
    }

    private func check(_ store: EventStore, _ events: [EventFeed.Event]) {
        for event in events where event.identity != 0 {
            #expect(look(store, event) == .duplicate(seq: event.seq))
            // Another time, the rest the same: what a producer that gives no time sends again.
            let rest = { (body: String) in String(body[body.range(of: "\"tenant\":")!.lowerBound...]) }
            #expect(look(store, event, rest) == .duplicate(seq: event.seq))
            #expect(
                look(store, event) { $0.replacingOccurrences(of: "\"outcome\":\"", with: "\"outcome\":\"not ") }
                    == .conflict(seq: event.seq))
        }
    }

    @Test("a repeated event is known in the window, packed, merged and after a restart; another content is a conflict")
    func known() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 31)
        var store = try folder.open()
        for _ in 0..<4 { store.committed(feed.batch(50)) }
        check(store, feed.events)
        try store.packAll()
        check(store, feed.events)
        for _ in 0..<4 {
            store.committed(feed.batch(50))
            try store.packAll()
        }
        store.merger.drain()
        check(store, feed.events)
        await store.close()
        store = try folder.open()
        check(store, feed.events)
        await store.close()
    }

    @Test("a batch of known, changed and new events is answered in its order, packed or not, and again after memory was given back")
    func mixedBatch() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 34)
        let store = try folder.open { $0.blockBytes = 4096 }
        for round in 0..<6 {
            store.committed(feed.batch(100))
            if round % 2 == 0 { try store.packAll() }
        }
        let known = feed.events.filter { $0.identity != 0 }
        var other = EventFeed(seed: 35)
        _ = other.batch(200)
        let new = other.events.filter { $0.identity != 0 }.map { EventFeed.identity(tenant: "elsewhere", original: "\($0.id)") }
        var random = SeededRandom(seed: 36)
        for round in 0..<4 {
            // In their old order, then in any.
            let events = round % 2 == 0 ? known : known.shuffled(using: &random)
            var bodies: [[UInt8]] = []
            var expected: [IdentityAnswer] = []
            for (index, event) in events.enumerated() {
                let isChanged = random.below(3) == 0
                let body = isChanged ? event.body.replacingOccurrences(of: "\"outcome\":\"", with: "\"outcome\":\"not ") : event.body
                bodies.append(Array(body.utf8))
                expected.append(IdentityAnswer(event: index, match: isChanged ? .conflict(seq: event.seq) : .duplicate(seq: event.seq)))
            }
            let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: bodies.reduce(0) { $0 + $1.count }, alignment: 8)
            defer { storage.deallocate() }
            storage.copyBytes(from: bodies.joined())
            var questions: [IdentityQuestion] = []
            var at = 0
            for (index, event) in events.enumerated() {
                let content = UnsafeRawBufferPointer(rebasing: storage[at..<at + bodies[index].count])
                at += content.count
                questions.append(IdentityQuestion(event: index, identity: event.identity, tenant: event.tenant, content: content))
                // An unknown one in between, which must neither be answered nor shift the others.
                questions.append(
                    IdentityQuestion(event: -1, identity: new[index % new.count], tenant: event.tenant, content: content))
            }
            #expect(store.look(questions) == expected)
            if round == 1 { for _ in 0..<1100 { _ = store.look([questions[1]]) } }
        }
        await store.close()
    }

    @Test("the same original_id of another tenant or producer is another event")
    func foreign() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 32)
        let store = try folder.open()
        let batch = feed.batch(20)
        store.committed(batch)
        for packed in [false, true] {
            if packed { try store.packAll() }
            for event in feed.events where event.identity != 0 {
                let original = String(event.line.components(separatedBy: "\"original_id\":\"")[1].prefix { $0 != "\"" })
                let other = EventFeed.identity(tenant: "other", original: original)
                let body = Array(event.body.replacingOccurrences(of: "\"name\":\"app\"", with: "\"name\":\"app2\"").utf8)
                let matches = body.withUnsafeBytes { store.look(identity: other, tenant: 4, content: $0) }
                #expect(matches == .unknown || event.tenant == 4)
                let producer = EventFeed.identity(tenant: EventFeed.tenants[Int(event.tenant)], producer: "app2", original: original)
                #expect(body.withUnsafeBytes { store.look(identity: producer, tenant: event.tenant, content: $0) } == .unknown)
            }
        }
        await store.close()
    }

    @Test("the table of the window finds what was inserted and not what was removed")
    func table() {
        var table = IdentityTable()
        var random = SeededRandom(seed: 33)
        var model: [UInt64: UInt64] = [:]
        for step in 0..<50_000 {
            let identity = 1 + random.next() % 20_000 << 8
            if random.below(2) == 0 {
                if model[identity] == nil { model[identity] = UInt64(step) }
                table.insert(IdentityTable.Entry(identity: identity, position: UInt64(step), tenant: 1))
            } else {
                model[identity] = nil
                table.remove(identity, tenant: 1)
            }
        }
        #expect(table.count == model.count)
        for (identity, seq) in model { #expect(table.find(identity, tenant: 1)?.position == seq) }
    }

    @Test("filters forget the oldest first when memory is short, and say so")
    func filterMemory() {
        var filter = IdentityFilter(largestBytes: 1 << 20, windowDays: 7)
        for key in 0..<UInt64(600_000) { filter.insert([key], day: Int64(key / 100_000)) }
        #expect(filter.dropped > 0)
        #expect(filter.byteCount <= 1 << 20 || filter.days(of: 0) == nil)
        for key in UInt64(599_000)..<600_000 { #expect(filter.days(of: key)?.contains(5) == true) }
        let foreign = (UInt64(1) << 40..<UInt64(1) << 40 + 100_000).count { filter.days(of: $0) != nil }
        #expect(foreign < 500)
    }
}
