import EventModel
import EventStore
import Foundation
import Journal
import Logging
import Synchronization
import SystemPackage

@testable import Archive

/// Journal, store and archive on a temporary folder, with a clock that tests move. The folder goes with the object.
final class SealHouse: @unchecked Sendable {
    // Unchecked: what is replaced by `reopen` is replaced while a test awaits it.
    let folder: String
    let clock: SealClock
    private(set) var journal: Journal
    private(set) var store: EventStore
    private(set) var archive: Archive
    private let configure: @Sendable (inout ArchiveConfiguration) -> Void
    private let configureJournal: @Sendable (inout JournalConfiguration) -> Void
    private let configureStore: @Sendable (inout EventStoreConfiguration) -> Void
    private var isOpen = true

    /// 2026-11-01.
    static let firstDay = ArchiveFolder.day("2026-11-01")!

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// `copyOf`: another house's folder, taken as it lies there.
    init(
        clock: SealClock = SealClock(), copyOf other: String? = nil,
        configureJournal: @escaping @Sendable (inout JournalConfiguration) -> Void = { _ in },
        configureStore: @escaping @Sendable (inout EventStoreConfiguration) -> Void = { _ in },
        configure: @escaping @Sendable (inout ArchiveConfiguration) -> Void = { _ in }
    ) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-seal-\(UUID().uuidString)").path
        if let other { try FileManager.default.copyItem(atPath: other, toPath: folder) }
        self.clock = clock
        self.configure = configure
        self.configureJournal = configureJournal
        self.configureStore = configureStore
        (journal, store, archive) = try Self.open(folder, clock, configureJournal, configureStore, configure)
    }

    deinit {
        // Only where a test ended early.
        if isOpen { archive.stop() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func open(
        _ folder: String, _ clock: SealClock, _ configureJournal: (inout JournalConfiguration) -> Void,
        _ configureStore: (inout EventStoreConfiguration) -> Void, _ configure: (inout ArchiveConfiguration) -> Void
    ) throws -> (Journal, EventStore, Archive) {
        var stored = EventStoreConfiguration(folder: folder + "/store")
        stored.windowBytes = 4 << 20
        configureStore(&stored)
        let store = try EventStore.open(stored, logger: logger)
        var archived = ArchiveConfiguration(folder: folder + "/archive", keys: folder + "/keys", now: { clock.now })
        archived.isGentle = false
        archived.checkpointsHourly = false
        // Days are sealed when a test asks for it, and not whenever the sealer happens to look at the clock.
        archived.sealGrace = .seconds(10_000 * 86_400)
        configure(&archived)
        let archive = try Archive.open(archived, store: store, logger: logger)
        var journaled = JournalConfiguration(folder: FilePath(folder + "/journal"), node: 7, now: { clock.now })
        journaled.segmentBytes = 1 << 20
        configureJournal(&journaled)
        let journal = try Journal.open(journaled, identities: store, floor: try archive.floor(above: store.floor), logger: logger)
        store.use(tenants: journal.tenants)
        try journal.attach(store)
        try journal.attach(archive)
        try archive.start()
        return (journal, store, archive)
    }

    func close() async {
        archive.stop()
        await journal.close()
        await store.close()
        archive.close()
        isOpen = false
    }

    func reopen(packing: Bool = true) async throws {
        if packing { try store.packAll() }
        await close()
        try await reopenClosed()
    }

    func reopenClosed() async throws {
        (journal, store, archive) = try Self.open(folder, clock, configureJournal, configureStore, configure)
        isOpen = true
    }

    // MARK: Events

    /// Appends events of a tenant at the clock's time; returns their canonical lines.
    @discardableResult
    func add(_ tenant: String, _ count: Int, padding: Int = 0) async throws -> [String] {
        var batch = NormalisedBatch()
        let time = clock.now
        let word = String(repeating: "x", count: padding)
        for index in 0..<count {
            let body = Array(
                #""time":"\#(time)","tenant":"\#(tenant)","kind":"\#(index % 3 == 0 ? "access" : "activity")","type":"a.b","action":"update","outcome":"success","severity":"low","actor":{"type":"user","id":"u\#(index % 11)"},"summary":"n\#(index)\#(word)"}"#
                    .utf8)
            batch.events.append(
                NormalisedEvent(
                    offset: UInt32(batch.bodies.count), length: UInt32(body.count), tenant: batch.tenantIndex(tenant),
                    line: UInt32(index + 1), identity: 0, time: time.milliseconds))
            batch.bodies += body
        }
        let end = journal.endPosition
        _ = try await journal.append(batch)
        return try journal.read(from: end, limit: count).flatMap { batch in
            batch.events.map { String(decoding: batch.lines[Int($0.offset)..<Int($0.offset + $0.length - 1)], as: UTF8.self) }
        }
    }

    /// Has a day sealed as somebody would who asks for it; whether it is.
    func seal(_ day: Int64) async throws -> Bool {
        let sealer = archive.sealer!
        let request = try sealer.ask(for: day)
        // Not on a thread that other tests' tasks need.
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                _ = sealer.wait(for: request)
                continuation.resume()
            }
        }
        return archive.catalogue.isSealed(day: day)
    }

    // MARK: What is there

    func path(_ tenant: String, _ day: Int64) -> String { archive.folder.folder(of: tenant, day: day) }

    /// What `zcat` prints of a day, by zcat itself.
    func zcat(_ tenant: String, _ day: Int64) throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/zcat")
        process.arguments = [path(tenant, day) + "/" + ArchiveFolder.events]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw SealError.readBack(path: path(tenant, day)) }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func manifest(_ tenant: String, _ day: Int64) throws -> Manifest {
        try Manifest(json: Array(Data(contentsOf: URL(fileURLWithPath: path(tenant, day) + "/" + ArchiveFolder.manifest))))
    }

    /// Holds the whole archive against its public key.
    func verify() throws -> VerificationReport {
        let key = try VerifierKey(String(contentsOfFile: folder + "/keys/signing.pub", encoding: .utf8))
        return try ArchiveVerifier.verify([folder + "/archive"], ArchiveVerifier.Options(keys: [key]))
    }

    /// Every file below the archive's folder, without the catalogue.
    var files: [String] {
        let all = FileManager.default.enumerator(atPath: folder + "/archive")?.compactMap { $0 as? String } ?? []
        return all.filter { !$0.hasPrefix(Catalogue.fileName) }.sorted()
    }
}

final class SealClock: Sendable {
    private let time: Mutex<Int64>

    /// Noon of ``SealHouse/firstDay``.
    init() { time = Mutex(SealHouse.firstDay * 86_400_000 + 43_200_000) }

    var now: Timestamp { Timestamp(milliseconds: time.withLock { $0 }) }

    func set(day: Int64, hour: Int64 = 12, minute: Int64 = 0) {
        time.withLock { $0 = day * 86_400_000 + hour * 3_600_000 + minute * 60_000 }
    }

    func advance(milliseconds: Int64) { time.withLock { $0 += milliseconds } }
}
