import EventModel
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import EventStore

@Suite struct OlderDaysTests {
    static let dayLength: Int64 = 86_400_000

    /// Forty received-days of events whose times lie up to three days, and now and then weeks, before they are received.
    static func fill(_ store: EventStore, _ feed: inout EventFeed, days: Int = 40) throws {
        for _ in 0..<days {
            for _ in 0..<2 { store.committed(feed.batch(25)) }
            var late: [EventFeed.Event] = []
            for _ in 0..<2 {
                let time = feed.received - Int64(feed.random.below(60)) * dayLength
                late.append(
                    feed.add(
                        tenant: UInt32(feed.random.below(3)), time: time,
                        body:
                            "\"time\":\"\(Timestamp(milliseconds: time))\",\"tenant\":\"acme\",\"kind\":\"activity\",\"type\":\"late.come\",\"action\":\"other\",\"outcome\":\"success\",\"severity\":\"low\",\"actor\":{\"type\":\"user\",\"id\":\"u\(feed.random.below(40))\"},\"category\":\"tickets\",\"summary\":\"late billing\"}",
                        identity: 0))
            }
            feed.keep(late)
            store.committed(EventFeed.batch(late, received: feed.received))
            feed.received += dayLength
        }
    }

    /// Days of events, packed, and an archive beside the store that has none of them yet.
    final class House {
        let folder: StoreFolder
        let feed: EventFeed
        let store: EventStore
        let archive = MemoryArchive()

        init(seed: UInt64, days: Int = 40, _ change: (inout EventStoreConfiguration) -> Void = { _ in }) throws {
            folder = try StoreFolder()
            var feed = EventFeed(seed: seed)
            store = try folder.open {
                $0.identityWindow = .seconds(3 * 86_400)
                change(&$0)
            }
            try OlderDaysTests.fill(store, &feed, days: days)
            self.feed = feed
            store.use(older: archive)
            try store.packAll()
        }
    }

    static func open(_ folder: StoreFolder) throws -> EventStore { try folder.open { $0.identityWindow = .seconds(3 * 86_400) } }

    struct Question {
        var query = SearchQuery()
        var clauses: [String] = []
    }

    static func question(_ random: inout SeededRandom, _ feed: EventFeed) throws -> Question {
        var question = Question()
        question.query.limit = 1 + random.below(40)
        question.query.order = random.below(2) == 0 ? .descending : .ascending
        if random.below(2) == 0 { question.query.tenants = [UInt32(random.below(EventFeed.tenants.count))] }
        if random.below(3) == 0 { question.query.from = Timestamp(milliseconds: random.pick(feed.events).time) }
        if random.below(3) == 0 { question.query.to = Timestamp(milliseconds: random.pick(feed.events).time) }
        switch random.below(5) {
        case 0: question.query.filters = [FieldFilter(.actor, ["u\(random.below(40))"])]
        case 1: question.query.filters = [FieldFilter(.kind, ["access"]), FieldFilter(.outcome, ["failure", "denied"])]
        case 2:
            question.clauses = [random.pick(["billing", "refund", "\"security area\"", "late", "-billing", "rare\(random.below(500))"])]
        case 3: if let original = random.pick(feed.events).originalID { question.clauses = ["original_id:\"\(original)\""] }
        default: break
        }
        if !question.clauses.isEmpty { question.query.text = try TextQuery.parse(question.clauses.joined(separator: " ")) }
        return question
    }

    /// All pages of an answer.
    static func pages(_ query: SearchQuery, _ store: EventStore, between: () throws -> Void = {}) async throws -> [[String]] {
        var query = query
        var pages: [[String]] = []
        while true {
            let page = try await store.search(query)
            #expect(page.scanned.damagedBlocks == 0)
            pages.append(page.lines.map { String(decoding: $0, as: UTF8.self) })
            guard let cursor = page.nextCursor else { return pages }
            query.cursor = cursor
            try between()
        }
    }

    /// Pages of questions, counts by different columns, and single events.
    static func answers(_ store: EventStore, _ feed: EventFeed, seed: UInt64, questions: Int = 30) async throws -> [[String]] {
        var random = SeededRandom(seed: seed)
        var answers: [[String]] = []
        for _ in 0..<questions {
            let question = try question(&random, feed)
            answers += try await pages(question.query, store)
            var count = CountQuery(
                tenants: question.query.tenants,
                by: random.pick([[], [.day], [.tenant], [.kind, .hour], [.tenant, .outcome], [.category]]))
            if random.below(2) == 0 {
                let hour = random.pick(feed.events).time / 3_600_000 * 3_600_000
                count.from = Timestamp(milliseconds: hour)
                count.to = Timestamp(milliseconds: hour + Int64(1 + random.below(300)) * 3_600_000)
            }
            if random.below(3) == 0 { count.filters = [FieldFilter(.kind, ["access"])] }
            if random.below(4) == 0 { count.text = question.query.text }
            let answer = try await store.counts(count)
            answers.append(answer.rows.map { "\($0.keys) \($0.count)" } + ["\(answer.total) \(answer.fromRollups)"])
            let event = random.pick(feed.events)
            answers.append([String(decoding: try await store.event(EventID(event.id)!) ?? [], as: UTF8.self)])
            #expect(answers.last == [event.line])
        }
        return answers
    }

    @Test("no answer tells which days lie in the store and which in the archive", arguments: [81, 82] as [UInt64])
    func sameAnswers(seed: UInt64) async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: seed)
        let store = try Self.open(folder)
        try Self.fill(store, &feed)
        try store.packAll()
        store.committed(feed.batch(30))
        let before = try await Self.answers(store, feed, seed: seed)
        let archive = MemoryArchive()
        // Fetched ahead or not, answers are the same.
        archive.setNear(seed == 82)
        store.use(older: archive)
        let days = store.heldDays.map(\.day)
        #expect(days.count >= 40)
        var random = SeededRandom(seed: seed)
        for day in days.dropLast(4) where random.below(3) > 0 {
            try archive.seal(day, of: store)
            if random.below(4) > 0 { try store.drop(day: day) }
        }
        #expect(archive.fileCount > 40 && store.heldDays.count < days.count - 10)
        let isSame = try await Self.answers(store, feed, seed: seed) == before
        #expect(isSame, "seed \(seed)")
        await store.close()
        let reopened = try Self.open(folder)
        reopened.use(older: archive)
        // What was not packed is not in the store any more; the journal would deliver it again.
        reopened.committed(EventFeed.batch(Array(feed.events.suffix(30)), received: feed.received))
        let isSameAgain = try await Self.answers(reopened, feed, seed: seed) == before
        #expect(isSameAgain, "seed \(seed), opened again")
        await reopened.close()
    }

    @Test(
        "every page is what a slow search of all events gives, while days are sealed and dropped between pages",
        arguments: [84, 85] as [UInt64])
    func cursors(seed: UInt64) async throws {
        let house = try House(seed: seed)
        let (feed, store, archive) = (house.feed, house.store, house.archive)
        let slow = try BruteForce(feed.events)
        var left = Array(store.heldDays.map(\.day).dropLast(4))
        var random = SeededRandom(seed: seed)
        for _ in 0..<12 {
            var question = try Self.question(&random, feed)
            question.query.limit = 20
            let pages = try await Self.pages(question.query, store) {
                guard let index = left.indices.randomElement(using: &random) else { return }
                let day = left.remove(at: index)
                try archive.take([day], of: store)
            }
            let expected = slow.search(
                tenants: question.query.tenants, from: question.query.from?.milliseconds, to: question.query.to?.milliseconds,
                filters: question.query.filters, clauses: question.clauses, descending: question.query.order == .descending)
            let isSame = pages.flatMap { $0 } == expected
            #expect(isSame, "seed \(seed)")
            #expect(pages.dropLast().allSatisfy { $0.count == 20 })
        }
        #expect(left.count < 30)
        await store.close()
    }

    @Test("an answer says which archived files it asked, and what was read of them")
    func scanned() async throws {
        let house = try House(seed: 86, days: 10)
        let (feed, store, archive) = (house.feed, house.store, house.archive)
        try archive.take(store.heldDays.map(\.day).dropLast(4), of: store)
        var query = SearchQuery(tenants: [0])
        query.limit = 5
        let newest = try await store.search(query)
        #expect(newest.scanned.archives == 0 && newest.scanned.archiveBytes == 0)
        query.limit = 1000
        let all = try await store.search(query)
        #expect(all.scanned.archives == 6 && all.scanned.partitions == 4 && all.scanned.archiveBytes > 6000)
        query.filters = [FieldFilter(.actor, ["nobody"])]
        let none = try await store.search(query)
        #expect(none.lines.isEmpty && none.scanned.archives == 6 && none.scanned.blocksInflated == 0)
        #expect(none.scanned.archiveBytes >= 6 * 1100 && none.scanned.termSeeks >= 6)
        let total = try await store.counts(CountQuery(tenants: [0]))
        #expect(total.scanned.archives == 0 && total.total == feed.events.filter { $0.tenant == 0 }.count)
        let byKind = try await store.counts(CountQuery(tenants: [0], by: [.kind]))
        #expect(byKind.fromRollups && byKind.scanned.archives == 6 && byKind.total == total.total)
        await store.close()
    }

    @Test("an archived file that cannot be read is named, and all others answer")
    func damagedFile() async throws {
        let house = try House(seed: 87, days: 8)
        let (feed, store, archive) = (house.feed, house.store, house.archive)
        let days = store.heldDays.map(\.day)
        try archive.take(days.dropLast(4), of: store)
        archive.breakDay(days[1])
        var query = SearchQuery(tenants: [0])
        query.limit = 1000
        let page = try await store.search(query)
        #expect(page.scanned.damagedBlocks == 1)
        let lost = feed.events.filter { $0.tenant == 0 && EventID($0.id)!.received / Self.dayLength == days[1] }
        #expect(page.lines.count == feed.events.filter { $0.tenant == 0 }.count - lost.count && !lost.isEmpty)
        #expect(archive.damage.contains { $0.hasPrefix(Partition.name(day: days[1])) })
        await #expect(throws: SearchError.self) { try await store.event(EventID(lost[0].id)!) }
        // A count that needs nothing but totals says the same as one that reads the files.
        let byDay = try await store.counts(CountQuery(tenants: [0], by: [.day]))
        #expect(byDay.scanned.damagedBlocks == 1 && byDay.total == page.lines.count)
        for columns in [[], [CountColumn.tenant]] {
            let answer = try await store.counts(CountQuery(tenants: [0], by: columns))
            #expect(answer.scanned.damagedBlocks == 1 && answer.total == byDay.total && answer.fromRollups)
        }
        await store.close()
    }

    @Test("a lookup that has begun finishes on a day that is dropped meanwhile")
    func dropDuringSearch() async throws {
        let house = try House(seed: 88)
        let (feed, archive) = (house.feed, house.archive)
        // Opened anew, no directory is in memory: the lookup has to read a partition whose files are gone.
        await house.store.close()
        let store = try Self.open(house.folder)
        store.use(older: archive)
        let days = store.heldDays.map(\.day).dropLast(4)
        try archive.take([days[2]], of: store)
        let others = Array(days.filter { $0 != days[2] })
        let dropped = Atomic(0)
        let held = store
        archive.probe { [others] in
            // In the middle of the search, between two files.
            guard dropped.exchange(1, ordering: .relaxed) == 0 else { return }
            do { try archive.take(others, of: held) } catch { Issue.record(error) }
        }
        var query = SearchQuery()
        query.order = .ascending
        query.limit = 1000
        let expected = feed.events.sorted { ($0.time, $0.seq, $0.tenant) < ($1.time, $1.seq, $1.tenant) }.prefix(1000).map(\.line)
        let page = try await store.search(query)
        let isSame = page.lines.map { String(decoding: $0, as: UTF8.self) } == expected
        #expect(isSame && dropped.load(ordering: .relaxed) == 1)
        #expect(page.scanned.partitions > 20)
        archive.probe(nil)
        let again = try await store.search(query)
        let isSameAgain = again.lines.map { String(decoding: $0, as: UTF8.self) } == expected
        #expect(isSameAgain && again.scanned.partitions < 10)
        await store.close()
    }

    @Test("a search whose bytes or time are used up gives a cursor, and its pages together are the whole answer")
    func budget() async throws {
        for limit in ["bytes", "time"] {
            let house = try House(seed: 89, days: 20) {
                if limit == "bytes" { $0.scanBytes = 20_000 } else { $0.scanTime = .zero }
            }
            let (feed, store, archive) = (house.feed, house.store, house.archive)
            try archive.take(store.heldDays.map(\.day).dropLast(4), of: store)
            let slow = try BruteForce(feed.events)
            var query = SearchQuery()
            query.text = try TextQuery.parse("rare7")
            query.limit = 1000
            let pages = try await Self.pages(query, store)
            let expected = slow.search(tenants: nil, from: nil, to: nil, filters: [], clauses: ["rare7"], descending: true)
            #expect(pages.count > 2 && pages.flatMap { $0 } == expected, "\(limit)")
            await #expect(throws: SearchError.self) {
                try await store.counts(CountQuery(by: [.category]))
            }
            await store.close()
        }
    }

    @Test("a store that lost a sealed day leaves its answers to the archive, whatever the journal delivers again")
    func lostDay() async throws {
        let house = try House(seed: 90, days: 6)
        let (folder, feed, archive) = (house.folder, house.feed, house.archive)
        var store = house.store
        let days = store.heldDays.map(\.day)
        for day in days[0...2] { try archive.seal(day, of: store) }
        let before = try await Self.answers(store, feed, seed: 5, questions: 20)
        await store.close()
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) where PieceName.day(ofFile: file) == days[2] {
            try FileManager.default.removeItem(atPath: folder.path + "/" + file)
        }
        for _ in 0..<2 {
            store = try Self.open(folder)
            store.use(older: archive)
            // The journal has only the end of that day.
            let again = feed.events.filter { EventID($0.id)!.received / Self.dayLength == days[2] }.suffix(10)
            store.committed(EventFeed.batch(Array(again), received: EventID(again.first!.id)!.received))
            let isSame = try await Self.answers(store, feed, seed: 5, questions: 20) == before
            #expect(isSame)
            for event in again where event.identity != 0 {
                let match = Array(event.body.utf8).withUnsafeBytes {
                    store.look(identity: event.identity, tenant: event.tenant, content: $0)
                }
                #expect(match == .duplicate(seq: event.seq))
            }
            try store.packAll()
            let isSamePacked = try await Self.answers(store, feed, seed: 5, questions: 20) == before
            #expect(isSamePacked)
            await store.close()
        }
    }
}

extension EventFeed.Event {
    var originalID: String? {
        (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["original_id"] as? String
    }
}
