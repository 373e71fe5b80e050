import EventModel
import EventStore
import Foundation
import Journal
import Logging
import Synchronization

/// Every day as a file for ever. Follows the journal only to hold its segments until their days are sealed; the events
/// come from the store.
package final class Archive: JournalFollower, Sendable {
    package let name = "archive"
    package let configuration: ArchiveConfiguration
    package let folder: ArchiveFolder
    package let catalogue: Catalogue
    package let key: SigningKey
    /// `nil` without object storage.
    package let uploads: UploadQueue?
    /// What the store's lookups go on with.
    package let older: ArchivedDays
    let store: EventStore
    let logger: Logger
    private let state: Mutex<State>
    private let sealerSlot = Mutex<Sealer?>(nil)
    let provers = DayProvers()
    let retentionSlot = Mutex<Retention?>(nil)
    let remoteSlot = Mutex<RemoteDays?>(nil)
    private let pushSlot = Mutex<CheckpointPush?>(nil)

    private struct State {
        weak var journal: Journal?
        /// Behind the last event of the days that are sealed for every tenant.
        var sealedPosition: UInt64
        /// What lies before it need not be kept, sealed or not: an erasure took something out of it.
        var releasedPosition: UInt64 = 0
    }

    /// Opens catalogue and keys, before the journal: lookups of days that the store does not hold go on here from now on.
    /// Nothing is sealed before ``start()``.
    package static func open(_ configuration: ArchiveConfiguration, store: EventStore, logger: Logger) throws -> Archive {
        try FileManager.default.createDirectory(
            atPath: configuration.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let key = try SigningKey.open(folder: configuration.keys, name: configuration.origin)
        let catalogue = try Catalogue.open(folder: configuration.folder, logger: logger)
        let archive = try Archive(configuration, store: store, catalogue: catalogue, key: key, logger: logger)
        store.use(older: archive.older)
        return archive
    }

    private init(_ configuration: ArchiveConfiguration, store: EventStore, catalogue: Catalogue, key: SigningKey, logger: Logger) throws {
        self.configuration = configuration
        self.store = store
        self.catalogue = catalogue
        self.key = key
        self.logger = logger
        let folder = ArchiveFolder(configuration.folder)
        self.folder = folder
        let uploads = try configuration.objects.map { settings in
            try UploadQueue(
                folder: configuration.folder, storage: ObjectStorage(settings), log: logger, now: { configuration.now().milliseconds })
        }
        self.uploads = uploads
        // Where it does not lie here, the service is not asked.
        older = ArchivedDays(
            catalogue, logger: logger, local: { day in try? LocalFile(path: Self.path(of: day.tenantName, day: day.day, folder: folder)) },
            isThere: { day in
                let bytes = folder.size(Self.path(of: day.tenantName, day: day.day, folder: folder))
                return bytes.map { $0 == day.fileBytes ?? $0 } ?? (uploads != nil)
            }
        ) { day in
            try Self.events(of: day.tenantName, day: day.day, folder: folder, uploads: uploads)
        }
        state = Mutex(State(sealedPosition: try catalogue.appliedPosition))
    }

    /// What the journal must not fall behind: the store's floor, the tenants whose days the store has let go, and the
    /// midnight behind the newest day that sealing has begun with.
    package func floor(above store: JournalFloor) throws -> JournalFloor {
        var floor = store
        for chain in try catalogue.chains() {
            floor.position = max(floor.position, chain.lastSeq > 0 ? chain.lastPosition + 1 : 0)
            if let index = floor.tenants.firstIndex(where: { $0.number == chain.number }) {
                floor.tenants[index].lastSeq = max(floor.tenants[index].lastSeq, chain.lastSeq)
            } else {
                floor.tenants.append((chain.name, chain.number, chain.lastSeq))
            }
        }
        floor.tenants.sort { $0.number < $1.number }
        floor.received = try catalogue.closedDay.map { ($0 + 1) * 86_400_000 } ?? 0
        return floor
    }

    /// Begins to seal what is due. The journal is attached.
    package func start() throws {
        let push = CheckpointPush(self)
        pushSlot.withLock { $0 = push }
        push?.start()
        do { try ErasureLeftovers(archive: self).remove() } catch { logger.error("what an erasure left behind was not removed: \(error)") }
        let sealer = try Sealer(self)
        sealerSlot.withLock { $0 = sealer }
        try startUploads()
        sealer.start()
    }

    /// Seals nothing more. Returns when sealing has ended, which in the middle of a seal takes moments, or after three
    /// seconds where it waits for the store, whose own end comes next. What is unfinished is made anew at the next start.
    package func stop() {
        sealer?.stop(within: .seconds(3))
        push?.stop()
        remoteSlot.withLock { $0 }?.stop()
    }

    /// After the store is closed. Writing a large index is not interrupted; what is not done by then is made anew at the
    /// next start.
    package func close() {
        stop()
        sealer?.stop(within: .seconds(4))
        sealerSlot.withLock { $0 = nil }
        pushSlot.withLock { $0 = nil }
        catalogue.close()
    }

    package var sealer: Sealer? { sealerSlot.withLock { $0 } }
    package var push: CheckpointPush? { pushSlot.withLock { $0 } }
    var journal: Journal? { state.withLock { $0.journal } }

    // MARK: Following

    package func attached(to journal: Journal) { state.withLock { $0.journal = journal } }

    /// What is sealed; and, where more than ``ArchiveConfiguration/journalBytes`` would be kept for days that are not, what
    /// lies before those bytes. The store's own position bounds it as that of any other follower.
    package var appliedPosition: UInt64 {
        let (sealed, journal) = state.withLock { (max($0.sealedPosition, $0.releasedPosition), $0.journal) }
        guard let journal else { return sealed }
        return max(sealed, journal.position(keeping: keptBytes))
    }

    /// It reads nothing from the journal, however much is kept for it.
    package var deliveryPosition: UInt64 { .max }
    package func committed(_ batch: CommittedBatch) {}
    package func waitForRoom() {}
    package var hasRoom: Bool { true }
    package var failure: String? { nil }

    /// Whether segments went before their days were sealed.
    package var isKeepingLess: Bool {
        let (sealed, journal) = state.withLock { ($0.sealedPosition, $0.journal) }
        return journal.map { $0.oldestPosition > sealed } ?? false
    }

    /// A second copy is not worth a full disk: below a twentieth of it, or a gigabyte where that is less, nothing is kept.
    private var keptBytes: Int {
        var status = statvfs()
        guard statvfs(configuration.folder, &status) == 0 else { return configuration.journalBytes }
        let (free, all) = (Int(status.f_bavail) * Int(status.f_frsize), Int(status.f_blocks) * Int(status.f_frsize))
        return free < min(1 << 30, all / 20) ? 0 : configuration.journalBytes
    }

    /// From now on the journal keeps nothing before `position` for the archive. The store's own copy stays.
    package func release(before position: UInt64) { state.withLock { $0.releasedPosition = max($0.releasedPosition, position) } }

    func finished(position: UInt64) {
        state.withLock { $0.sealedPosition = max($0.sealedPosition, position) }
        journal?.freeSegments()
    }
}
