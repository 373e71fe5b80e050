import EventModel
import EventStore
import Foundation
import Logging
import TestSupport
import Testing

@testable import Archive

@Suite struct CatalogueTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Some days of some tenants, sealed.
    private func house() async throws -> SealHouse {
        let house = try SealHouse()
        for day in SealHouse.firstDay..<SealHouse.firstDay + 4 {
            house.clock.set(day: day)
            try await house.add("acme", 20)
            if day.isMultiple(of: 2) { try await house.add("globex", 3) }
            house.clock.set(day: day + 1)
            #expect(try await house.seal(day))
        }
        return house
    }

    private enum Harm: CaseIterable { case lost, emptied, noDatabase, torn, otherFormat }

    private func harm(_ harm: Harm, _ path: String) throws {
        let url = URL(fileURLWithPath: path)
        switch harm {
        case .lost: try FileManager.default.removeItem(at: url)
        case .emptied: try Data().write(to: url)
        case .noDatabase: try Data("this is no database, and it is long enough to be looked at as one".utf8).write(to: url)
        case .torn:
            var bytes = try Data(contentsOf: url)
            for at in stride(from: 4096, to: bytes.count, by: 4096) {
                bytes.replaceSubrange(at..<at + 64, with: Data(repeating: 0xA5, count: 64))
            }
            try bytes.write(to: url)
        case .otherFormat:
            let queue = try Catalogue(path, rebuiltBecause: nil)
            try queue.writer.write { try $0.execute(sql: "UPDATE meta SET value = 99 WHERE key = 'format'") }
            queue.close()
        }
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    }

    @Test("Lost or damaged in any way it is made again from the manifests, and sealing goes on")
    func rebuilt() async throws {
        for harm in Harm.allCases {
            let house = try await house()
            let all = SealHouse.firstDay...SealHouse.firstDay + 10
            let before = try house.archive.catalogue.days(in: all, limit: 100)
            let chains = try house.archive.catalogue.chains()
            let position = try house.archive.catalogue.appliedPosition
            #expect(before.count == 8)
            try house.store.packAll()
            await house.close()
            try self.harm(harm, house.archive.catalogue.path)
            try await house.reopenClosed()
            let catalogue = house.archive.catalogue
            #expect(catalogue.rebuiltBecause != nil, "\(harm)")
            #expect(try catalogue.days(in: all, limit: 100) == before, "\(harm)")
            #expect(try catalogue.chains() == chains)
            #expect(catalogue.sealedDay == SealHouse.firstDay + 3)
            #expect(try catalogue.closedDay == SealHouse.firstDay + 3)
            #expect(try catalogue.appliedPosition == position)
            try await house.add("globex", 7)
            house.clock.set(day: SealHouse.firstDay + 5)
            #expect(try await house.seal(SealHouse.firstDay + 4))
            #expect(try house.verify().result == .good)
            await house.close()
        }
    }

    @Test("Files are found by tenant and time, in pages, as a search through all would")
    func rows() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-catalogue-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let catalogue = try Catalogue.open(folder: folder, logger: Self.logger)
        var random = SeededRandom(seed: 11)
        var all: [OlderDay] = []
        for tenant in 0..<12 as Range<UInt32> {
            var rows: [(day: ArchivedDay, chain: TenantChain)] = []
            for day in 0..<40 as Range<Int64> {
                let states: [ArchivedDay.State] = [.sealed, .sealed, .sealed, .quiet, .pruned]
                var row = ArchivedDay(
                    tenant: tenant, tenantName: "t\(tenant)", day: day, state: states[random.below(5)], treeSize: 1,
                    root: MerkleHash.empty, manifest: MerkleHash.empty)
                if row.state != .quiet {
                    row.events = 1 + random.below(9)
                    row.minTime = day * 1000 - Int64(random.below(3000))
                    row.maxTime = row.minTime + Int64(random.below(2000))
                }
                if row.state == .sealed { all.append(OlderDay(row)) }
                rows.append(
                    (
                        row,
                        TenantChain(
                            number: tenant, name: "t\(tenant)", firstDay: 0, lastDay: day, lastSeq: 1, lastPosition: 1,
                            tree: CompactRange(),
                            manifest: MerkleHash.empty)
                    ))
            }
            try catalogue.record(rows, pushes: [])
        }
        for _ in 0..<200 {
            let low = Int64(random.below(44_000)) - 4000
            let times = low..<low + Int64(1 + random.below(20_000))
            let tenants: Set<UInt32>? = random.below(2) == 0 ? nil : Set((0..<1 + random.below(4)).map { _ in UInt32(random.below(13)) })
            for order in [SearchOrder.descending, .ascending] {
                let meets = all.filter {
                    $0.minTime < times.upperBound && $0.maxTime >= times.lowerBound && tenants?.contains($0.tenant) ?? true
                }
                let expected = meets.sorted { order == .descending ? $0.key(order) > $1.key(order) : $0.key(order) < $1.key(order) }
                var found: [OlderDay] = []
                let limit = 1 + random.below(20)
                while true {
                    let page = try catalogue.rows(tenants: tenants, times: times, order: order, after: found.last?.key(order), limit: limit)
                    found += page
                    if page.count < limit { break }
                }
                #expect(found == expected)
            }
        }
        for day in all.prefix(50) { #expect(try catalogue.row(tenant: day.tenant, day: day.day) == day) }
        #expect(try catalogue.row(tenant: 99, day: 1) == nil)
        catalogue.close()
    }

    @Test("A day that is pruned or lies elsewhere stays in the list and leaves the lookups")
    func places() async throws {
        let house = try await house()
        let catalogue = house.archive.catalogue
        let number = try #require(house.journal.tenants.number(of: "acme"))
        try catalogue.setPlace(tenant: number, day: SealHouse.firstDay, state: .sealed, isLocal: false, isRemote: true)
        #expect(try catalogue.row(tenant: number, day: SealHouse.firstDay) != nil)
        try catalogue.setPlace(tenant: number, day: SealHouse.firstDay, state: .pruned, isLocal: false, isRemote: false)
        #expect(try catalogue.row(tenant: number, day: SealHouse.firstDay) == nil)
        let listed = try #require(try catalogue.day(SealHouse.firstDay, tenant: number))
        #expect(listed.state == .pruned && listed.events == 20 && !listed.isLocal)
        #expect(catalogue.events(day: SealHouse.firstDay) == 23)
        #expect(catalogue.events(day: SealHouse.firstDay + 9) == nil)
        await house.close()
    }

    @Test("Without store and journal the floor still gives every tenant its number and its next seq")
    func floor() async throws {
        let house = try await house()
        try await house.add("acme", 1)
        await house.close()
        for name in ["store", "journal"] { try FileManager.default.removeItem(atPath: house.folder + "/" + name) }
        try FileManager.default.removeItem(atPath: house.archive.catalogue.path)
        try await house.reopenClosed()
        #expect(try await house.add("globex", 1)[0].hasPrefix("{\"seq\":7,"))
        let line = try await house.add("acme", 1)[0]
        #expect(line.hasPrefix("{\"seq\":81,"))
        #expect(EventID(String(line.dropFirst(16).prefix(36)))?.tenant == 0)
        await house.close()
    }
}
