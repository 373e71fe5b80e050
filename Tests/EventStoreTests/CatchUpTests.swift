import EventModel
import Foundation
import Journal
import Logging
import SystemPackage
import Testing

@testable import EventStore

@Suite struct CatchUpTests {
    private func normalised(_ events: ArraySlice<EventFeed.Event>) -> NormalisedBatch {
        var batch = NormalisedBatch()
        for event in events {
            let body = Array(event.body.utf8)
            let tenant = batch.tenantIndex(EventFeed.tenants[Int(event.tenant)])
            batch.events.append(
                NormalisedEvent(
                    offset: UInt32(batch.bodies.count), length: UInt32(body.count), tenant: tenant, line: 1, identity: event.identity,
                    time: event.time))
            batch.bodies += body
        }
        return batch
    }

    private func isDouble(_ outcome: Outcome) -> Bool { if case .duplicate = outcome { true } else { false } }

    @Test("events that found no room while packing failed are known all the time and searchable once it works again")
    func dropped() async throws {
        let folder = try StoreFolder()
        let window = 100 << 10
        let store = try folder.open { $0.windowBytes = window }
        var feed = EventFeed(seed: 61)
        let received = feed.received
        _ = feed.batch(1500)
        // Nothing can be opened where the day's files should be.
        let obstacle = folder.path + "/2026-11-20.sqlite"
        try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: false)
        let configuration = JournalConfiguration(
            folder: FilePath(folder.path + "/journal"), node: 7, now: { Timestamp(milliseconds: received) })
        let journal = try Journal.open(configuration, identities: store, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        store.use(tenants: journal.tenants)
        try journal.attach(store)
        var accepted = 0
        for start in stride(from: 0, to: 1500, by: 50) {
            accepted += try await journal.append(normalised(feed.events[start..<start + 50])).outcomes.count
            // The first attempt to pack must have failed before memory counts as used up.
            if start == 0 { #expect(throws: StoreError.self) { try store.packAll() } }
        }
        #expect(accepted == 1500)
        let failure = try #require(store.failure)
        #expect(failure.contains("events from position"))
        #expect(try await store.counts(CountQuery()).total < 1500)
        let identified = feed.events.filter { $0.identity != 0 }
        let again = try await journal.append(normalised(identified[...]))
        #expect(again.outcomes.allSatisfy(isDouble))

        try FileManager.default.removeItem(atPath: obstacle)
        while store.failure != nil { try store.packAll() }
        #expect(try await store.counts(CountQuery()).total == 1500)
        #expect(store.statistics.events + store.statistics.windowEvents == 1500)
        let afterwards = try await journal.append(normalised(identified[...]))
        #expect(afterwards.outcomes.allSatisfy(isDouble))
        _ = feed.batch(50)
        _ = try await journal.append(normalised(feed.events.suffix(50)))
        #expect(try await store.counts(CountQuery()).total == 1550)
        try store.packAll()
        #expect(store.appliedPosition == 1550)
        await journal.close()
        await store.close()
    }

    @Test("an identity that cannot be confirmed is refused and not stored twice")
    func unavailable() async throws {
        let folder = try StoreFolder()
        var feed = EventFeed(seed: 62)
        var store = try folder.open()
        store.committed(feed.batch(300))
        try store.packAll()
        await store.close()
        let members = URL(fileURLWithPath: folder.path + "/2026-11-20.0001.members")
        var bytes = try Data(contentsOf: members)
        for index in stride(from: 100, to: bytes.count, by: 200) { bytes[index] ^= 0xFF }
        try bytes.write(to: members)
        store = try folder.open()
        for event in feed.events where event.identity != 0 {
            let match = Array(event.body.utf8).withUnsafeBytes {
                store.look(identity: event.identity, tenant: event.tenant, content: $0)
            }
            if case .unavailable = match { continue }
            Issue.record("\(match)")
        }
        await store.close()
    }
}
