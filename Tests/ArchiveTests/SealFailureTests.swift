import EventModel
import EventStore
import Foundation
import Synchronization
import Testing

@testable import Archive

@Suite struct SealFailureTests {
    @Test("Killed at any step of any tenant, the next start seals the same days whole", arguments: TenantSeal.Step.allCases)
    func killed(step: TenantSeal.Step) async throws {
        let house = try SealHouse()
        var lines: [String: [String]] = [:]
        for tenant in ["acme", "globex", "initech"] { lines[tenant] = try await house.add(tenant, 50) }
        house.clock.set(day: SealHouse.firstDay + 1)
        #expect(try await house.seal(SealHouse.firstDay))
        // The second day: one is quiet, one is new.
        let second = SealHouse.firstDay + 1
        var more: [String: [String]] = [:]
        for tenant in ["acme", "initech", "new"] { more[tenant] = try await house.add(tenant, 30) }
        try house.store.packAll()
        house.clock.set(day: second + 1)
        // What a kill leaves is what lies on the disk at that moment.
        let copies = Mutex<[String]>([])
        let folder = house.folder
        house.archive.sealer!.probe { reached, tenant in
            guard reached == step else { return }
            let copy = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-kill-\(UUID().uuidString)").path
            try FileManager.default.copyItem(atPath: folder, toPath: copy)
            copies.withLock { $0.append(copy) }
        }
        #expect(try await house.seal(second))
        let all = copies.withLock { $0 }
        // Nothing is written or read back of a quiet tenant.
        #expect(all.count == (step == .written || step == .readBack ? 3 : 4))
        await house.close()
        for copy in all {
            let killed = try SealHouse(clock: house.clock, copyOf: copy)
            try FileManager.default.removeItem(atPath: copy)
            #expect(try await killed.seal(second))
            for (tenant, expected) in lines { #expect(try killed.zcat(tenant, SealHouse.firstDay) == expected) }
            for (tenant, expected) in more { #expect(try killed.zcat(tenant, second) == expected) }
            #expect(try killed.manifest("globex", second).contents == nil)
            let report = try killed.verify()
            #expect(report.result == .good && report.events == 240, "\(report.findings)")
            #expect(killed.files.allSatisfy { !$0.contains(".sealing") })
            #expect(try killed.archive.catalogue.days(in: second...second, limit: 10).count == 4)
            await killed.close()
        }
    }

    @Test("A tenant that fails is named, holds up no other, and lets nothing go; later it is sealed, in order")
    func oneFails() async throws {
        let house = try SealHouse(configureJournal: { $0.segmentBytes = 64 << 10 })
        for tenant in ["acme", "bad", "globex"] { try await house.add(tenant, 500) }
        let day = SealHouse.firstDay
        house.clock.set(day: day + 1)
        for tenant in ["acme", "bad", "globex"] { try await house.add(tenant, 500) }
        // Before the day is over: it would be sealed by itself.
        house.archive.sealer!.probe { step, tenant in
            if tenant == "bad", step == .written { throw ArchiveFileError("somewhere", "write", EIO) }
        }
        house.clock.set(day: day + 2)
        #expect(try await !house.seal(day + 1))
        #expect(house.archive.catalogue.sealedDay == nil && house.archive.appliedPosition == 0)
        #expect(house.journal.oldestPosition == 0)
        let failures = house.archive.sealer!.status.failures
        #expect(
            failures.count == 1 && failures[0].tenant == "bad" && failures[0].day == day && failures[0].reason.contains("write somewhere"))
        #expect(try house.archive.folder.days(of: "acme") == [day, day + 1])
        #expect(try house.archive.folder.days(of: "globex") == [day, day + 1])
        #expect(try house.archive.folder.days(of: "bad") == [])
        #expect(house.files.allSatisfy { !$0.contains(".sealing") })
        // Not every few seconds: only what somebody asks for is tried at once.
        house.archive.sealer!.probe { _, _ in }
        #expect(try await house.seal(day + 1))
        #expect(house.archive.sealer!.status.failures.isEmpty)
        #expect(try house.archive.folder.days(of: "bad") == [day, day + 1])
        #expect(house.archive.appliedPosition == 3000 && house.journal.oldestPosition > 0)
        #expect(try house.verify().result == .good)
        await house.close()
    }

    @Test("With no room for anybody, sealing stops early and goes on when there is room")
    func noRoom() async throws {
        let house = try SealHouse()
        for number in 0..<10 { try await house.add("t\(number)", 5) }
        house.clock.set(day: SealHouse.firstDay + 1)
        let tried = Mutex(0)
        house.archive.sealer!.probe { step, _ in
            guard step == .begun else { return }
            tried.withLock { $0 += 1 }
            throw ArchiveFileError("somewhere", "write", ENOSPC)
        }
        #expect(try await !house.seal(SealHouse.firstDay))
        #expect(tried.withLock { $0 } == 3)
        house.archive.sealer!.probe { _, _ in }
        #expect(try await house.seal(SealHouse.firstDay))
        #expect(try house.verify().tenants.count == 10)
        await house.close()
    }

    @Test("A damaged member in the store stops its tenant's seal, and nobody else's")
    func damagedMember() async throws {
        let house = try SealHouse()
        try await house.add("acme", 2000, padding: 100)
        try await house.add("other", 100)
        house.clock.set(day: SealHouse.firstDay + 1)
        // Compacted before the damage, so that the seal is what meets it.
        _ = try house.store.openDay(SealHouse.firstDay)
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: house.folder + "/store").first { $0.hasSuffix(".members") })
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: house.folder + "/store/" + name))
        try file.seek(toOffset: 200)
        try file.write(contentsOf: [0xAA, 0x55, 0xAA, 0x55])
        try file.close()
        #expect(try await !house.seal(SealHouse.firstDay))
        let failures = house.archive.sealer!.status.failures
        #expect(failures.map(\.tenant) == ["acme"] && failures[0].reason.contains("damaged"), "\(failures)")
        #expect(try house.archive.folder.days(of: "other") == [SealHouse.firstDay])
        #expect(house.archive.appliedPosition == 0)
        await house.close()
    }

    @Test("A day folder that does not belong there is left alone, and named")
    func foreignFolder() async throws {
        let house = try SealHouse()
        try await house.add("acme", 10)
        house.clock.set(day: SealHouse.firstDay + 1)
        let path = house.path("acme", SealHouse.firstDay)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: path + "/notes.txt"))
        #expect(try await !house.seal(SealHouse.firstDay))
        #expect(house.archive.sealer!.status.failures[0].reason.contains("is there already"))
        #expect(FileManager.default.fileExists(atPath: path + "/notes.txt"))
        try FileManager.default.removeItem(atPath: path)
        #expect(try await house.seal(SealHouse.firstDay))
        await house.close()
    }

    @Test("Beyond its bytes the journal lets go what the store has, and health can say so")
    func journalBytes() async throws {
        let house = try SealHouse(
            configureJournal: { $0.segmentBytes = 64 << 10 }, configureStore: { $0.lagBytes = 4 << 20 },
            configure: { $0.journalBytes = 256 << 10 })
        var lines: [String] = []
        for _ in 0..<40 { lines += try await house.add("acme", 200, padding: 100) }
        #expect(house.archive.deliveryPosition == .max)
        try house.store.packAll()
        house.journal.freeSegments()
        #expect(house.archive.isKeepingLess)
        let kept = house.journal.statistics.segmentBytes
        #expect(kept > 128 << 10 && kept <= 320 << 10)
        house.clock.set(day: SealHouse.firstDay + 1)
        #expect(try await house.seal(SealHouse.firstDay))
        #expect(try house.zcat("acme", SealHouse.firstDay) == lines)
        #expect(!house.archive.isKeepingLess && house.journal.statistics.segments == 1)
        await house.close()
    }

    /// Descriptors of this process that stand for files below a folder; other tests have their own.
    private static func openFiles(below folder: String) -> Int {
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return numbers.count {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + $0))?.hasPrefix(folder) ?? false
        }
    }

    @Test("Hundreds of tenants are sealed with a constant number of open files")
    func manyTenants() async throws {
        let house = try SealHouse()
        for first in stride(from: 0, to: 300, by: 100) {
            for number in first..<first + 100 { try await house.add("t\(number)", 1 + number % 3) }
        }
        house.clock.set(day: SealHouse.firstDay + 1)
        let most = Mutex(0)
        let folder = house.folder
        house.archive.sealer!.probe { step, tenant in
            if step == .written, tenant.hasSuffix("7") { most.withLock { $0 = max($0, Self.openFiles(below: folder)) } }
        }
        #expect(try await house.seal(SealHouse.firstDay))
        #expect(most.withLock { $0 } > 0 && most.withLock { $0 } < 60)
        #expect(try house.archive.folder.tenants().count == 300)
        #expect(try house.archive.catalogue.totals().events == 600)
        #expect(try house.zcat("t299", SealHouse.firstDay).count == 3)
        #expect(try house.verify().result == .good)
        await house.close()
    }
}
