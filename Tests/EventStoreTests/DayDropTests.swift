import EventModel
import Foundation
import Journal
import Testing

@testable import EventStore

@Suite struct DayDropTests {
    static let dayLength: Int64 = 86_400_000

    private static func received(_ event: EventFeed.Event) -> Int64 { EventID(event.id)!.received / dayLength }

    private func filled(_ folder: StoreFolder, _ feed: inout EventFeed, days: Int = 6) throws -> EventStore {
        let store = try folder.open { $0.identityWindow = .seconds(2 * 86_400) }
        for _ in 0..<days {
            store.committed(feed.batch(150))
            feed.received += Self.dayLength
        }
        try store.packAll()
        return store
    }

    private static func all(_ store: EventStore) async throws -> [String] {
        var query = SearchQuery()
        query.limit = 1000
        var lines: [String] = []
        while true {
            let page = try await store.search(query)
            lines += page.lines.map { String(decoding: $0, as: UTF8.self) }
            query.cursor = page.nextCursor
            if query.cursor == nil { return lines.sorted() }
        }
    }

    private static func files(_ folder: String, _ day: Int64) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { PieceName.day(ofFile: $0) == day }
    }

    @Test("a stop at any step of a drop leaves the whole day or nothing of it, and the journal does not bring it back")
    func stops() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 61)
        let store = try filled(folder, &feed)
        // Nothing else moves files while they are copied.
        try store.settle()
        let day = store.heldDays[1].day
        let floor = store.floor
        let copies = FileManager.default.temporaryDirectory.appendingPathComponent("drop-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: copies, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: copies) }
        try store.drop(day: day, today: nil) { step in
            try FileManager.default.copyItem(atPath: folder.path, toPath: "\(copies)/\(step)")
        }
        let left = feed.events.filter { Self.received($0) != day }
        #expect(try Self.files(folder.path, day).isEmpty)
        #expect(try await Self.all(store) == left.map(\.line).sorted())
        await store.close()
        for step in EventStore.DropStep.allCases {
            let killed = try StoreFolder(copyOf: "\(copies)/\(step)")
            for _ in 0..<2 {
                let reopened = try killed.open { $0.identityWindow = .seconds(2 * 86_400) }
                #expect(reopened.report.rebuilt.isEmpty && reopened.report.unreadable.isEmpty)
                let isThere = step == .begun
                #expect(reopened.heldDays.contains { $0.day == day } == isThere, "\(step)")
                // The journal delivers it all again.
                for held in Set(feed.events.map(Self.received)).sorted() {
                    let again = feed.events.filter { Self.received($0) == held }
                    reopened.committed(EventFeed.batch(again, received: EventID(again[0].id)!.received))
                }
                try reopened.packAll()
                #expect(try await Self.all(reopened) == (isThere ? feed.events : left).map(\.line).sorted(), "\(step)")
                #expect(try Self.files(killed.path, day).isEmpty != isThere)
                #expect(reopened.floor.position == floor.position)
                #expect(reopened.floor.tenants.map(\.lastSeq) == floor.tenants.map(\.lastSeq))
                await reopened.close()
            }
        }
    }

    @Test("numbers go on where they were though the only day of a tenant was dropped, and so does the applied position")
    func floor() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 62)
        var store = try filled(folder, &feed)
        let (floor, applied) = (store.floor, store.appliedPosition)
        for day in store.heldDays { try store.drop(day: day.day, today: day.day + 100) }
        #expect(store.heldDays.isEmpty && floor.tenants.count == EventFeed.tenants.count)
        for _ in 0..<2 {
            #expect(store.floor.position == floor.position && store.appliedPosition == applied)
            #expect(store.floor.tenants.map(\.lastSeq) == floor.tenants.map(\.lastSeq))
            #expect(store.floor.tenants.map(\.name) == floor.tenants.map(\.name))
            await store.close()
            store = try folder.open()
        }
        // A new day is taken as ever.
        store.committed(feed.batch(20))
        try store.packAll()
        #expect(try await Self.all(store) == feed.events.suffix(20).map(\.line).sorted())
        await store.close()
    }

    @Test("a day whose duplicates are still recognised is not dropped, and an unknown day is no error")
    func refused() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 63)
        let store = try filled(folder, &feed)
        let days = store.heldDays.map(\.day)
        for day in days.suffix(3) { #expect(throws: StoreError.self) { try store.drop(day: day) } }
        #expect(throws: StoreError.self) { try store.drop(day: days[0], today: days[0] + 2) }
        try store.drop(day: days[0] - 5)
        #expect(store.heldDays.count == days.count)
        try store.drop(day: days[2])
        #expect(try await Self.all(store) == feed.events.filter { Self.received($0) != days[2] }.map(\.line).sorted())
        await store.close()
    }

    @Test("a day is given member by member in the order of seq, whatever was compacted, and damage is named")
    func reader() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 64)
        var store = try filled(folder, &feed, days: 2)
        for _ in 0..<4 {
            store.committed(feed.batch(200))
            try store.packAll()
        }
        store.committed(feed.batch(50))
        let day = feed.received / Self.dayLength
        for pass in 0..<3 {
            if pass == 2 {
                await store.close()
                for suffix in ["", "-wal", "-shm"] { unlink(folder.path + "/\(Partition.name(day: day)).sqlite" + suffix) }
                store = try folder.open()
            }
            let reader = try store.openDay(day)!
            let own = feed.events.filter { Self.received($0) == day }
            #expect(reader.day.events == own.count && reader.day.lastPosition == own.map(\.position).max())
            var lines: [String] = []
            let inflater = Inflater()
            for tenant in reader.day.tenants {
                try reader.members(of: tenant.number) { member, content in
                    #expect(inflater.bytes(of: member, count: content.count) == Array(content))
                    lines += String(decoding: content, as: UTF8.self).split(separator: "\n").map(String.init)
                }
                #expect(tenant.lastSeq == own.filter { $0.tenant == tenant.number }.map(\.seq).max())
            }
            let isSame = lines == own.sorted { ($0.tenant, $0.seq) < ($1.tenant, $1.seq) }.map(\.line)
            #expect(isSame, "pass \(pass)")
        }
        let piece = try #require(try Self.files(folder.path, day).first { $0.hasSuffix(".members") })
        let file = try MembersFile(path: folder.path + "/" + piece)
        let length = try file.length()
        _ = try [UInt8](repeating: 0xAA, count: 8).withUnsafeBytes { try file.write($0, at: length / 2) }
        let reader = try store.openDay(day)!
        #expect {
            for tenant in reader.day.tenants { try reader.members(of: tenant.number) { _, _ in } }
        } throws: { error in
            guard case StoreError.damaged(let path, _, _) = error else { return false }
            return path.hasSuffix(piece)
        }
        #expect(try store.openDay(day + 50) == nil)
        await store.close()
    }
}
