import EventStore
import Foundation
import Testing

@testable import Archive

/// The archive with object storage behind it, wired as in the server.
@Suite struct ObjectStorageArchiveTests {
    private static let first = ObjectStorageHouse.first

    /// All lines of a tenant, oldest first.
    private static func lines(_ received: [String: [Int64: [String]]], _ tenant: String) -> [String] {
        (received[tenant] ?? [:]).sorted { $0.key < $1.key }.flatMap(\.value)
    }

    private static func count(_ report: VerificationReport, _ kind: Finding.Kind) -> Int { report.findings.count { $0.kind == kind } }

    private static func events(_ objects: [String: [UInt8]], _ tenant: String) -> [String] {
        objects.keys.filter { $0.hasPrefix("tenant=\(tenant)/") && $0.hasSuffix(ArchiveFolder.events) }.sorted()
    }

    @Test("what is sealed is stored, local copies go by policy, and lookups go on from there")
    func storedAndFound() async throws {
        let storage = try ObjectStorageHouse(localDays: 1)
        let house = storage.house
        let received = try await storage.sealThreeDays()
        // The first two days are older than yesterday.
        try await storage.settle("days were not stored, or copies not removed") {
            try !(storage.row("acme", Self.first).isLocal || storage.row("acme", Self.first + 1).isLocal)
        }
        #expect(Self.events(try storage.files(), "acme") == ["tenant=acme/day=2026-11-03/events.ndjson.gz"])
        let objects = storage.objects()
        // Three files a day, two on the quiet one.
        #expect(objects.count == 17)
        for (name, bytes) in try storage.files() { #expect(objects[name] == bytes, "\(name)") }
        let stored = try storage.verifyStored()
        #expect(stored.report.result == .good, "\(stored.report.findings)")
        #expect(try stored.lines("acme") == Self.lines(received, "acme"))

        // The store lets go what is eight days old.
        house.clock.set(day: Self.first + 12)
        #expect(try await house.seal(Self.first + 11))
        try await storage.settle("the store keeps the days, or quiet days were not stored") {
            let isGone = Self.events(try storage.files(), "acme").isEmpty
            return isGone && house.store.heldDays.isEmpty
        }
        for tenant in ["acme", "globex"] {
            let found = try await storage.found(tenant)
            #expect(found.lines.sorted() == Self.lines(received, tenant).sorted())
            #expect(found.archives > 0 && found.archiveBytes > 0)
        }
        #expect(storage.service.asked.contains { $0.hasPrefix("GET tenant=acme/day=2026-11-01/events") })
        // What is left here says what it is, and no more.
        let key = try VerifierKey(String(contentsOfFile: house.folder + "/keys/signing.pub", encoding: .utf8))
        let missing = try house.verify()
        #expect(missing.result == .tampered && Self.count(missing, .eventsMissing) == 5)
        let part = try ArchiveVerifier.verify([house.folder + "/archive"], .init(keys: [key], isWithoutEvents: true))
        #expect(part.result == .incomplete && part.findings.map(\.kind) == [.notCompared, .notCompared], "\(part.findings)")
        await house.close()
    }

    @Test("an erasure brings days back, replaces them in storage and lets them go again")
    func erased() async throws {
        let storage = try ObjectStorageHouse(localDays: 1)
        let house = storage.house
        let received = try await storage.sealThreeDays()
        try await storage.settle("copies were not removed") { try !storage.row("acme", Self.first).isLocal }
        let request = ErasureRequest(tenant: "acme", id: "u3", email: nil, reason: "request 4711", name: "e1")
        let report = try await house.archive.erase(request, isDry: false) { _, _ in nil }
        #expect(report.archivedDays == 3)
        try await storage.settle("the erasure was not stored, or copies stayed") {
            let records = storage.objects().keys.count { $0.contains("/_records/") }
            let isLocal = try storage.row("acme", Self.first).isLocal
            return records == 3 && !isLocal
        }
        let stored = try storage.verifyStored()
        #expect(stored.report.result == .good && Self.count(stored.report, .erased) == 3, "\(stored.report.findings)")
        let lines = try stored.lines("acme")
        #expect(lines.count == 180 && !lines.contains { $0.contains(#""u3""#) })
        let others = Self.lines(received, "acme").filter { !$0.contains(#""u3""#) }
        #expect(lines.filter { !$0.contains("[erased]") } == others)
        #expect(try stored.lines("globex") == Self.lines(received, "globex"))
        await house.close()
    }

    @Test("what is pruned goes from storage, its record comes there")
    func pruned() async throws {
        let storage = try ObjectStorageHouse()
        let house = storage.house
        _ = try await storage.sealThreeDays()
        try await storage.settle("days were not stored")
        let archive = house.archive
        let retention = storage.retention(1) { try archive.pruned($0, days: $1, record: $2) }
        let (today, now) = (Self.first + 3, house.clock.now)
        try await archive.exclusively { retention.run(today: today, now: now) }
        try await storage.settle("the pruning was not stored") { storage.objects().keys.count { $0.contains("/_records/prune-") } == 2 }
        #expect(Self.events(storage.objects(), "acme") == ["tenant=acme/day=2026-11-03/events.ndjson.gz"])
        #expect(try storage.objects() == storage.files())
        let stored = try storage.verifyStored()
        #expect(stored.report.result == .good && Self.count(stored.report, .pruned) == 3, "\(stored.report.findings)")
        await house.close()
    }

    @Test("an erasure that ended before the queue heard of it is stored after the next start")
    func unheardErasure() async throws {
        let storage = try ObjectStorageHouse()
        let house = storage.house
        _ = try await storage.sealThreeDays()
        try await storage.settle("days were not stored")
        try storage.eraseUnheard("u3", "acme", Self.first)
        #expect(try storage.verifyStored().lines("acme").contains { $0.contains(#""u3""#) })
        try await house.reopen()
        try await storage.settle("the erasure was not stored") { try storage.objects() == storage.files() }
        let stored = try storage.verifyStored()
        #expect(stored.report.result == .good && Self.count(stored.report, .erased) == 1, "\(stored.report.findings)")
        #expect(try !stored.lines("acme").prefix(60).contains { $0.contains(#""u3""#) })
        await house.close()
    }

    @Test("a pruning that ended before the queue heard of it is done there after the next start")
    func unheardPruning() async throws {
        let storage = try ObjectStorageHouse()
        let house = storage.house
        _ = try await storage.sealThreeDays()
        try await storage.settle("days were not stored")
        let retention = storage.retention(1) { _, _, _ in throw CancellationError() }
        let (today, now) = (Self.first + 3, house.clock.now)
        try await house.archive.exclusively { retention.run(today: today, now: now) }
        #expect(Self.events(storage.objects(), "acme").count == 3)
        try await house.reopen()
        try await storage.settle("the pruning was not done") { try storage.objects() == storage.files() }
        #expect(Self.events(storage.objects(), "acme").count == 1)
        #expect(try storage.verifyStored().report.result == .good)
        await house.close()
    }

    @Test("a file that was written anew is not taken for the copy of what is stored")
    func rewrittenStays() async throws {
        let storage = try ObjectStorageHouse()
        let house = storage.house
        _ = try await storage.sealThreeDays()
        try await storage.settle("days were not stored")
        try storage.eraseUnheard("u3", "acme", Self.first)
        let removed = try house.archive.uploads!.removeLocalCopies(olderThan: Self.first + 2)
        let places = removed.map { "\($0.tenant) \($0.day - Self.first)" }
        #expect(places == ["globex 0", "acme 1"])
        #expect(try storage.files()["tenant=acme/day=2026-11-01/events.ndjson.gz"] != nil)
        await house.close()
    }
}
