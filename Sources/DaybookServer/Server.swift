import AccessControl
import Collectors
import EventModel
import EventStore
import Foundation
import Hummingbird
import Journal
import Logging
import Pipelines
import QueryAPI
import SystemPackage

/// All rooms, opened in the order they need each other: folder, keys, store, journal, followers, ways in, lookups.
final class Server: Sendable {
    let settings: Settings
    let folder: DataFolder
    let keys: AccessKeys
    let store: EventStore
    let journal: Journal
    let live: LiveTail
    let ingest: Ingest
    let tails: [FileTail]
    let responder: EndpointTable
    let logger: Logger

    static func open(_ settings: Settings, logger: Logger) async throws -> Server {
        // Before anything is made: a wrong definition must not leave half a data folder behind.
        let pipelines = try PipelineSet.load(folder: settings.pipelines)
        let folder = try DataFolder.open(settings.data)
        let keys = try AccessKeys.open(database: folder.file("daybook.sqlite"))
        if let key = keys.firstKey { try folder.write("admin.key", key + "\n") }
        let store = try EventStore.open(settings.store, logger: logger)
        var configuration = settings.journal
        configuration.node = try folder.node()
        let journal: Journal
        do {
            journal = try Journal.open(configuration, identities: store, floor: store.floor, logger: logger)
            store.use(tenants: journal.tenants)
            try journal.attach(store)
        } catch {
            await store.close()
            throw error
        }
        let live = LiveTail(from: journal.endPosition)
        try journal.attach(live)
        let letters = try DeadLetterLog(
            folder: FilePath(folder.file("deadletter")), capacityBytes: settings.deadLetterBytes, now: configuration.now)
        let ingest = Ingest(journal: journal, pipelines: pipelines, deadLetters: letters, now: configuration.now)
        try checkTails(settings.tails, pipelines)
        let tails = try settings.tails.map { try FileTail($0, folder: FilePath(folder.file("tail")), ingest: ingest, logger: logger) }
        return Server(settings, folder, keys, store, journal, live, ingest, tails, logger)
    }

    private init(
        _ settings: Settings, _ folder: DataFolder, _ keys: AccessKeys, _ store: EventStore, _ journal: Journal, _ live: LiveTail,
        _ ingest: Ingest,
        _ tails: [FileTail], _ logger: Logger
    ) {
        self.settings = settings
        self.folder = folder
        self.keys = keys
        self.store = store
        self.journal = journal
        self.live = live
        self.ingest = ingest
        self.tails = tails
        self.logger = logger
        let collecting = IngestEndpoints(ingest)
        let health = HealthEndpoints { Self.health(journal, store, ingest, tails) }
        responder = EndpointTable(
            collecting.endpoints + DeadLetterEndpoints(ingest).endpoints + LookupEndpoints(store: store, tenants: journal.tenants).endpoints
                + StreamEndpoint(live: live, journal: journal, store: store).endpoints + health.endpoints
                + MetricsEndpoint(ingest: ingest, journal: journal, store: store, live: live).endpoints,
            keys: keys, otherwise: { collecting.endpoint(listening: $0) })
    }

    private static func checkTails(_ tails: [TailEntry], _ pipelines: PipelineSet) throws(SettingsError) {
        for tail in tails {
            if let name = tail.pipeline, pipelines.pipeline(named: name) == nil {
                throw SettingsError(key: "tail.pipeline", place: tail.path, reason: "there is no pipeline \"\(name)\"")
            }
            if let tenant = tail.tenant, !TenantName.isValid(tenant) {
                throw SettingsError(key: "tail.tenant", place: tail.path, reason: "\"\(tenant)\" is not a tenant's name")
            }
        }
    }

    /// Reads the pipelines again; on any mistake the ones in use stay.
    func reloadPipelines() {
        do {
            let pipelines = try PipelineSet.load(folder: settings.pipelines)
            try Self.checkTails(settings.tails, pipelines)
            ingest.use(pipelines)
            logger.notice("pipelines reloaded", metadata: ["count": "\(pipelines.pipelines.count)"])
        } catch {
            logger.error("pipelines not reloaded, the old ones stay in use", metadata: ["reason": "\(error)"])
        }
    }

    /// After the last request: commits what waits, packs, and lets the folder go.
    func close() async {
        live.close()
        await journal.close()
        do { try store.packAll() } catch {
            logger.error("not everything is packed; the journal keeps it", metadata: ["reason": "\(error)"])
        }
        await store.close()
        await ingest.deadLetters.close()
        do { try keys.close() } catch { logger.error("daybook.sqlite was not closed well", metadata: ["reason": "\(error)"]) }
        folder.release()
    }

    private static func health(_ journal: Journal, _ store: EventStore, _ ingest: Ingest, _ tails: [FileTail]) -> [RoomHealth] {
        var rooms: [RoomHealth] = []
        switch journal.health {
        case .good:
            let damaged = journal.recovery.quarantined.count
            rooms.append(
                damaged == 0
                    ? RoomHealth("journal")
                    : RoomHealth("journal", .warning, reason: "\(damaged) damaged segments were set aside; see the log"))
        case .failed(let reason, let code): rooms.append(RoomHealth("journal", .failed, reason: "\(reason) (error \(code))"))
        case .full(let reason): rooms.append(RoomHealth("journal", .failed, reason: reason))
        }
        if let failure = store.failure {
            rooms.append(RoomHealth("store", .failed, reason: failure))
        } else if !store.report.unreadable.isEmpty {
            let days = store.report.unreadable.map(\.day).joined(separator: ", ")
            rooms.append(RoomHealth("store", .warning, reason: "unreadable partitions were moved aside: \(days)"))
        } else {
            rooms.append(RoomHealth("store"))
        }
        let letters = ingest.deadLetters.statistics
        rooms.append(RoomHealth("dead_letters", letters.failure == nil ? .good : .warning, reason: letters.failure))
        for tail in tails {
            let warning = tail.status.warning
            rooms.append(RoomHealth("tail \(tail.entry.path)", warning == nil ? .good : .warning, reason: warning))
        }
        return rooms
    }
}
