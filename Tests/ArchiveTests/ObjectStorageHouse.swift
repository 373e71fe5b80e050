import EventModel
import EventStore
import Foundation
import Testing

@testable import Archive

/// A ``SealHouse`` whose sealed days go to a stub of a service, by the server's own wiring.
final class ObjectStorageHouse {
    let service = ObjectStorageStub()
    let house: SealHouse
    static let first = SealHouse.firstDay

    init(localDays: Int? = nil) throws {
        var settings = ObjectStorageSettings(
            endpoint: service.url, bucket: ObjectStorageStub.bucket,
            credentials: .init(accessKey: ObjectStorageStub.accessKey, secretKey: ObjectStorageStub.secret))
        settings.localDays = localDays
        let objects = settings
        house = try SealHouse(configure: { configuration in
            configuration.objects = objects
            configuration.keep = .seconds(8 * 86_400)
        })
    }

    deinit { service.stop() }

    /// Three days of two tenants, the second one quiet on the second day, sealed; what was received by tenant and day.
    func sealThreeDays() async throws -> [String: [Int64: [String]]] {
        var received: [String: [Int64: [String]]] = [:]
        for day in Self.first..<Self.first + 3 {
            house.clock.set(day: day)
            received["acme", default: [:]][day] = try await house.add("acme", 60)
            if day != Self.first + 1 { received["globex", default: [:]][day] = try await house.add("globex", 20) }
        }
        house.clock.set(day: Self.first + 3)
        #expect(try await house.seal(Self.first + 2))
        return received
    }

    /// Returns when nothing waits any more and `condition` holds.
    func settle(_ comment: Comment, _ condition: () throws -> Bool = { true }) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            house.archive.lookForUploads()
            let rows = try house.archive.catalogue.days(in: 0...100_000, limit: 1000)
            if try house.archive.uploads!.status().waiting == 0, rows.allSatisfy({ $0.isRemote || $0.state == .pruned }), try condition() {
                return
            }
            guard .now < end else {
                Issue.record(comment)
                throw CancellationError()
            }
            await Task.yield()
        }
    }

    /// The archive's files that belong into storage, by name.
    func files() throws -> [String: [UInt8]] {
        let names = house.files.filter { name in
            name.hasPrefix("tenant=") && name.split(separator: "/").count == 3 && !name.contains("/.") && !name.contains("/_hourly/")
        }
        return Dictionary(
            uniqueKeysWithValues: try names.map {
                ($0, [UInt8](try Data(contentsOf: URL(fileURLWithPath: house.folder + "/archive/" + $0))))
            })
    }

    func objects() -> [String: [UInt8]] { service.state.withLock { $0.objects.compactMapValues { $0.last?.bytes } } }

    /// What is stored, as a folder that lies nowhere near the archive, held against its public key; and the lines of a tenant.
    func verifyStored() throws -> (report: VerificationReport, lines: (String) throws -> [String]) {
        let folder = house.folder + "/copy"
        try? FileManager.default.removeItem(atPath: folder)
        for (name, bytes) in objects() {
            let file = URL(fileURLWithPath: folder + "/" + name)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
        }
        let key = try VerifierKey(String(contentsOfFile: house.folder + "/keys/signing.pub", encoding: .utf8))
        let report = try ArchiveVerifier.verify([folder], ArchiveVerifier.Options(keys: [key]))
        return (
            report,
            { tenant in
                var lines: [String] = []
                for (name, bytes) in self.objects().sorted(by: { $0.key < $1.key })
                where name.hasPrefix("tenant=\(tenant)/") && name.hasSuffix(ArchiveFolder.events) {
                    var walker = ArchiveWalker(MemoryBytes(bytes: bytes, name: name))
                    while let step = try walker.next() {
                        if case .lines(let text) = step.part {
                            lines += String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
                        }
                    }
                }
                return lines
            }
        )
    }

    /// All events of a tenant by the store's lookup, oldest first.
    func found(_ tenant: String) async throws -> (lines: [String], archives: Int, archiveBytes: Int) {
        let number = try house.archive.catalogue.chains().first { $0.name == tenant }!.number
        var query = SearchQuery(tenants: [number])
        (query.limit, query.order) = (50, .ascending)
        var lines: [String] = []
        var (archives, archiveBytes) = (0, 0)
        while true {
            let page = try await house.store.search(query)
            lines += page.lines.map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .newlines) }
            archives += page.scanned.archives
            archiveBytes += page.scanned.archiveBytes
            guard let cursor = page.nextCursor else { return (lines, archives, archiveBytes) }
            query.cursor = cursor
        }
    }

    func row(_ tenant: String, _ day: Int64) throws -> ArchivedDay {
        try #require(try house.archive.catalogue.days(tenant: tenant, in: day...day, limit: 1).first)
    }

    /// Changes a day's files as an erasure does, without the queue's hearing of it.
    func eraseUnheard(_ actor: String, _ tenant: String, _ day: Int64) throws {
        let archive = house.archive
        let erasure = DayErasure(
            folder: archive.folder, catalogue: archive.catalogue, key: archive.key, level: 7, erasure: "unheard",
            reason: "request", now: house.clock.now)
        var eraser = PersonEraser(Person(id: actor))
        #expect(try erasure.run(try row(tenant, day), &eraser) != nil)
    }

    func retention(_ days: Int, pruned: @escaping @Sendable (TenantChain, [Int64], String) throws -> Void) -> Retention {
        let archive = house.archive
        let rules = Retention.Rules(atOnce: 100, plan: { _ in RetentionPlan(recentDays: 8, archiveDays: days) }, hold: { _, _ in nil })
        return Retention(
            folder: archive.folder, catalogue: archive.catalogue, key: archive.key, rules: rules, logger: archive.logger, pruned: pruned)
    }
}
