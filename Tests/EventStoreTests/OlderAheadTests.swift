import EventModel
import Testing

@testable import EventStore

/// What is opened before its turn.
@Suite struct OlderAheadTests {
    /// A store without a day of its own, and what it received.
    private static func archived(_ folder: StoreFolder, seed: UInt64) throws -> (EventStore, MemoryArchive, EventFeed) {
        var feed = EventFeed(seed: seed)
        let store = try OlderDaysTests.open(folder)
        try OlderDaysTests.fill(store, &feed)
        try store.packAll()
        let archive = MemoryArchive()
        store.use(older: archive)
        for day in store.heldDays.map(\.day).dropLast(4) {
            try archive.seal(day, of: store)
            try store.drop(day: day)
        }
        return (store, archive, feed)
    }

    private static func question(limit: Int) -> SearchQuery {
        var query = SearchQuery()
        query.limit = limit
        query.filters = [FieldFilter(.actor, ["u7"])]
        return query
    }

    @Test("files far away are opened in their turn alone; files here some ahead, the more the longer it goes on")
    func opened() async throws {
        let folder = try StoreFolder()
        let (store, archive, _) = try Self.archived(folder, seed: 91)
        for limit in [1, 5, 500] {
            archive.setNear(false)
            // What is kept of the question before would not be read again.
            store.forgetInflated()
            var before = archive.opened
            let far = try await store.search(Self.question(limit: limit))
            #expect(archive.opened - before == far.scanned.archives, "limit \(limit)")
            archive.setNear(true)
            store.forgetInflated()
            before = archive.opened
            let near = try await store.search(Self.question(limit: limit))
            #expect(near.lines == far.lines && near.nextCursor == far.nextCursor && near.scanned.archives == far.scanned.archives)
            let ahead = archive.opened - before - near.scanned.archives
            #expect(ahead <= min(16, near.scanned.archives), "limit \(limit)")
            if near.nextCursor == nil { #expect(ahead == 0 && near.scanned.archiveBytes == far.scanned.archiveBytes) }
        }
        await store.close()
    }

    @Test("a file that fails before its turn fails in it, and is counted once, or not at all when the answer needs it not")
    func damaged() async throws {
        let folder = try StoreFolder()
        let (store, archive, _) = try Self.archived(folder, seed: 92)
        let days = try archive.days(
            tenants: nil, times: Timestamp.earliest..<Timestamp.latest, order: .descending, after: nil, limit: .max)
        archive.breakDay(days[days.count / 2].day)
        for limit in [1, 500] {
            archive.setNear(false)
            let far = try await store.search(Self.question(limit: limit))
            archive.setNear(true)
            let near = try await store.search(Self.question(limit: limit))
            #expect(near.lines == far.lines && near.scanned.damagedBlocks == far.scanned.damagedBlocks, "limit \(limit)")
        }
        #expect(!archive.damage.isEmpty)
        await store.close()
    }
}
