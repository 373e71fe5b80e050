import EventModel
import EventStore
import Foundation
import TestSupport
import Testing

@testable import Archive

@Suite struct SealTests {
    @Test("Thirty days sealed one after the other, with restarts, are what was accepted", arguments: [1, 2] as [UInt64])
    func thirtyDays(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let house = try SealHouse()
        var lines: [String: [Int64: [String]]] = [:]
        var firstDay: [String: Int64] = [:]
        for day in SealHouse.firstDay..<SealHouse.firstDay + 30 {
            house.clock.set(day: day, hour: 3)
            for tenant in ["acme", "globex", "initech", "quiet-one", "late"] {
                if tenant == "late", day < SealHouse.firstDay + 10 { continue }
                if tenant == "quiet-one", day > SealHouse.firstDay, random.below(4) > 0 { continue }
                // A whole day without any event.
                if day == SealHouse.firstDay + 17 { continue }
                let padding = tenant == "acme" ? 300 : 20
                for _ in 0..<(1 + random.below(3)) {
                    house.clock.advance(milliseconds: Int64(random.below(3_600_000)))
                    lines[tenant, default: [:]][day, default: []] += try await house.add(
                        tenant, 1 + random.below(tenant == "acme" ? 800 : 60), padding: padding)
                    firstDay[tenant] = min(firstDay[tenant] ?? day, day)
                }
            }
            house.clock.set(day: day + 1, hour: 0, minute: 20)
            if random.below(3) == 0 { try await house.reopen(packing: random.below(2) == 0) }
            #expect(try await house.seal(day), "\(house.archive.sealer!.status.failures)")
        }
        let last = SealHouse.firstDay + 29
        for (tenant, first) in firstDay {
            var before: (day: Int64, digest: Digest)?
            var leaves = CompactRange()
            for day in first...last {
                let manifest = try house.manifest(tenant, day)
                let expected = lines[tenant]?[day] ?? []
                #expect(manifest.contents?.events ?? 0 == expected.count)
                #expect(manifest.previous?.day == before?.day && manifest.previous?.digest == before?.digest)
                #expect(manifest.tree.before == leaves && manifest.gaps.isEmpty)
                if let contents = manifest.contents {
                    #expect(try house.zcat(tenant, day) == expected, "\(tenant) \(day)")
                    let whole = Array(expected.map { $0 + "\n" }.joined().utf8)
                    #expect(contents.digest == Digest(of: whole) && contents.bytes == whole.count)
                } else {
                    #expect(!FileManager.default.fileExists(atPath: house.path(tenant, day) + "/" + ArchiveFolder.events))
                }
                for line in expected { leaves.append(leafHash: MerkleHash.leaf(Array(line.utf8))) }
                #expect(manifest.tree.root == leaves.root)
                let bytes = try Data(contentsOf: URL(fileURLWithPath: house.path(tenant, day) + "/" + ArchiveFolder.manifest))
                before = (day, Digest(of: Array(bytes)))
                let number = try #require(house.journal.tenants.number(of: tenant))
                let row = try #require(try house.archive.catalogue.day(day, tenant: number))
                #expect(row.events == expected.count && row.root == manifest.tree.root && row.manifest == before?.digest)
                #expect(row.state == (expected.isEmpty ? .quiet : .sealed))
            }
        }
        let report = try house.verify()
        #expect(report.result == .good, "\(report.findings.prefix(5))")
        #expect(report.events == lines.values.flatMap(\.values).reduce(0) { $0 + $1.count })
        #expect(house.files.allSatisfy { !$0.contains(".sealing") })
        await house.close()
    }

    @Test("A day that is not over is refused, and seals nothing")
    func openDay() async throws {
        let house = try SealHouse()
        try await house.add("acme", 3)
        #expect(throws: SealError.notOver(day: "2026-11-01")) { try house.archive.sealer!.ask(for: SealHouse.firstDay) }
        #expect(throws: SealError.notOver(day: "2026-11-02")) { try house.archive.sealer!.ask(for: SealHouse.firstDay + 1) }
        #expect(house.files.isEmpty && house.archive.catalogue.sealedDay == nil)
        await house.close()
    }

    @Test("What comes after a seal is received on a later day, though the clock steps back, and after a restart")
    func closedDay() async throws {
        let house = try SealHouse()
        try await house.add("acme", 3)
        house.clock.set(day: SealHouse.firstDay + 1, hour: 0, minute: 1)
        #expect(try await house.seal(SealHouse.firstDay))
        house.clock.set(day: SealHouse.firstDay, hour: 23)
        let late = try await house.add("acme", 2)
        #expect(late.allSatisfy { $0.contains(#""received":"2026-11-02T00:00:00.000Z""#) })
        try await house.reopen()
        let later = try await house.add("acme", 1)
        #expect(later[0].contains(#""received":"2026-11-02T00:00:00.000Z""#))
        house.clock.set(day: SealHouse.firstDay + 2)
        #expect(try await house.seal(SealHouse.firstDay + 1))
        #expect(try house.zcat("acme", SealHouse.firstDay + 1) == late + later)
        await house.close()
    }

    @Test("Days are sealed by themselves once the grace is over, at the start too, gaps of whole days with quiet manifests")
    func schedule() async throws {
        // On the idle thread, as servers do it.
        let house = try SealHouse(configure: {
            $0.isGentle = true
            $0.sealGrace = .seconds(900)
        })
        try await house.add("acme", 3)
        let last = SealHouse.firstDay + 100
        house.clock.set(day: last + 1, hour: 0, minute: 14)
        try await house.reopen()
        await house.wait { house.archive.catalogue.sealedDay == last - 1 }
        #expect(house.archive.catalogue.sealedDay == last - 1)
        #expect(!FileManager.default.fileExists(atPath: house.path("acme", last)))
        house.clock.set(day: last + 1, hour: 0, minute: 16)
        house.archive.sealer!.look()
        await house.wait { house.archive.catalogue.sealedDay == last }
        #expect(try house.archive.folder.days(of: "acme") == Array(SealHouse.firstDay...last))
        #expect(try house.verify().result == .good)
        await house.close()
    }

    @Test("A clock that jumps ahead by years seals nothing unasked")
    func clockJump() async throws {
        let house = try SealHouse(configure: { $0.sealGrace = .seconds(900) })
        try await house.add("acme", 3)
        house.clock.set(day: SealHouse.firstDay + 3000)
        house.archive.sealer!.look()
        await house.wait { house.archive.sealer!.status.clockJumpDays != nil }
        #expect(house.archive.sealer!.status.clockJumpDays == 2999)
        #expect(house.archive.catalogue.sealedDay == nil && house.files.isEmpty)
        // The clock is right again, and nothing came of it.
        house.clock.set(day: SealHouse.firstDay)
        #expect(try await house.add("acme", 1)[0].contains("2026-11-01T"))
        await house.close()
    }

    @Test("Full members are copied byte for byte, small ones are joined")
    func members() async throws {
        let house = try SealHouse(
            configureStore: { store in
                store.blockBytes = 8 << 10
                store.memberBytes = 16 << 10
            }, configure: { $0.memberBytes = 64 << 10 })
        try await house.add("acme", 4000, padding: 200)
        try await house.add("small", 5)
        house.clock.set(day: SealHouse.firstDay + 1)
        #expect(try await house.seal(SealHouse.firstDay))
        let joined = try ArchiveFile.open(LocalFile(path: house.path("acme", SealHouse.firstDay) + "/" + ArchiveFolder.events))
        let blocks = try joined.blocks()
        #expect(blocks.dropLast().allSatisfy { $0.bytes > 32 << 10 && $0.bytes <= 64 << 10 })
        await house.close()

        let copying = try SealHouse(configure: { $0.memberBytes = 16 << 10 })
        try await copying.add("acme", 4000, padding: 200)
        copying.clock.set(day: SealHouse.firstDay + 1)
        #expect(try await copying.seal(SealHouse.firstDay))
        let status = try #require(copying.archive.sealer!.status.current)
        #expect(status.copiedMembers > 3 && status.cutMembers == 0)
        let stored = try Data(contentsOf: URL(fileURLWithPath: copying.path("acme", SealHouse.firstDay) + "/" + ArchiveFolder.events))
        let reader = try #require(try copying.store.openDay(SealHouse.firstDay))
        var members = Data()
        try reader.members(of: 0) { member, _ in members.append(contentsOf: member) }
        #expect(stored.prefix(members.count) == members)
        await copying.close()
    }

    @Test("Old sealed days leave the store, and lookups go on in the archive")
    func letGo() async throws {
        let house = try SealHouse(
            configureStore: { $0.identityWindow = .seconds(86_400) }, configure: { $0.keep = .seconds(5 * 86_400) })
        var lines: [String] = []
        for day in SealHouse.firstDay..<SealHouse.firstDay + 12 {
            house.clock.set(day: day)
            lines += try await house.add("acme", 20)
            house.clock.set(day: day + 1)
            #expect(try await house.seal(day))
        }
        #expect(house.store.heldDays.map(\.day) == Array(SealHouse.firstDay + 7..<SealHouse.firstDay + 12))
        var query = SearchQuery(tenants: nil, from: nil, to: nil)
        query.limit = 1000
        let found = try await house.store.search(query).lines.map { String(decoding: $0, as: UTF8.self) }
        #expect(Set(found) == Set(lines) && found.count == lines.count)
        try await house.reopen()
        #expect(try await house.add("acme", 1)[0].hasPrefix("{\"seq\":241,"))
        await house.close()
    }
}

extension SealHouse {
    /// Waits for something that another thread does; a test's own time limit ends it otherwise.
    func wait(for condition: @Sendable () -> Bool) async {
        for _ in 0..<6000 {
            if condition() { return }
            archive.sealer?.look()
            try? await Task.sleep(for: .milliseconds(10))
        }
    }
}
