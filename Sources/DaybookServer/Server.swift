import AccessControl
import Archive
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
    let control: ControlDatabase
    let keys: AccessKeys
    let store: EventStore
    let archive: Archive
    let journal: Journal
    let live: LiveTail
    let ingest: Ingest
    let tails: [FileTail]
    let administration: Administration
    let responder: EndpointTable
    let logger: Logger

    static func open(_ settings: Settings, logger: Logger) async throws -> Server {
        // Before anything is made: a wrong definition must not leave half a data folder behind.
        let pipelines = try PipelineSet.load(folder: settings.pipelines)
        let folder = try DataFolder.open(settings.data)
        let control = try ControlDatabase.open(folder.file("daybook.sqlite"))
        let keys = try openKeys(folder, control, logger)
        let store = try EventStore.open(settings.store, logger: logger)
        let archive: Archive
        do { archive = try Archive.open(settings.archive, store: store, logger: logger) } catch {
            await store.close()
            throw error
        }
        var configuration = settings.journal
        configuration.node = try folder.node()
        let journal: Journal
        do {
            journal = try Journal.open(configuration, identities: store, floor: try archive.floor(above: store.floor), logger: logger)
            store.use(tenants: journal.tenants)
            try journal.attach(store)
            try journal.attach(archive)
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
        let administration = try Administration(
            control: control, archive: archive, store: store, journal: journal, ingest: ingest, settings: settings, now: configuration.now,
            logger: logger)
        try archive.start()
        return Server(settings, folder, control, keys, store, archive, journal, live, ingest, tails, administration, logger)
    }

    private init(
        _ settings: Settings, _ folder: DataFolder, _ control: ControlDatabase, _ keys: AccessKeys, _ store: EventStore, _ archive: Archive,
        _ journal: Journal, _ live: LiveTail,
        _ ingest: Ingest,
        _ tails: [FileTail], _ administration: Administration, _ logger: Logger
    ) {
        self.settings = settings
        self.folder = folder
        self.control = control
        self.keys = keys
        self.store = store
        self.archive = archive
        self.journal = journal
        self.live = live
        self.ingest = ingest
        self.tails = tails
        self.administration = administration
        self.logger = logger
        let collecting = IngestEndpoints(ingest)
        let health = HealthEndpoints {
            Self.health(journal, store, ingest, tails)
                + [Self.health(archive), RoomHealth("retention", warnings: administration.warnings)]
        }
        responder = EndpointTable(
            collecting.endpoints + DeadLetterEndpoints(ingest).endpoints + LookupEndpoints(store: store, tenants: journal.tenants).endpoints
                + RetrievalEndpoints(archive, activity: OwnActivity(ingest), now: settings.journal.now).endpoints
                + ArchiveEndpoints(archive).endpoints + administration.endpoints
                + StreamEndpoint(live: live, journal: journal, store: store).endpoints + health.endpoints
                + MetricsEndpoint(ingest: ingest, journal: journal, store: store, archive: archive, live: live).endpoints,
            keys: keys, otherwise: { collecting.endpoint(listening: $0) })
    }

    /// The database has only the admin key's hash. Where its file is gone the key may be lost, so another takes its place.
    private static func openKeys(_ folder: DataFolder, _ control: ControlDatabase, _ logger: Logger) throws -> AccessKeys {
        let stored = folder.text("admin.key")
        let keys = try AccessKeys.open(control, renewingFirstKey: stored == nil)
        if let key = keys.firstKey {
            try folder.write("admin.key", key + "\n")
            if keys.isFirstKeyRenewed {
                logger.warning(
                    "admin.key was missing: its key is revoked, a new one is in its place", metadata: ["folder": "\(folder.path)"])
            }
        } else if let stored, keys.check(authorization: "Bearer \(stored)") == nil {
            logger.warning(
                "admin.key holds no valid key; remove it and start again for a new admin key, which revokes the first",
                metadata: ["file": "\(folder.file("admin.key"))"])
        }
        return keys
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
        await Self.stop(archive)
        await journal.close()
        do { try store.packAll() } catch {
            logger.error("not everything is packed; the journal keeps it", metadata: ["reason": "\(error)"])
        }
        await store.close()
        archive.close()
        await ingest.deadLetters.close()
        do { try control.close() } catch { logger.error("daybook.sqlite was not closed well", metadata: ["reason": "\(error)"]) }
        folder.release()
    }

    private static func health(_ journal: Journal, _ store: EventStore, _ ingest: Ingest, _ tails: [FileTail]) -> [RoomHealth] {
        var rooms: [RoomHealth] = []
        switch journal.health {
        case .good:
            let damaged = journal.recovery.quarantined
            let names = damaged.map { "\($0.file) from byte \($0.offset) on (kept as \($0.keptAs))" }.joined(separator: ", ")
            rooms.append(
                damaged.isEmpty ? RoomHealth("journal") : RoomHealth("journal", .warning, reason: "segments were damaged: \(names)"))
        case .failed(let reason, let code): rooms.append(RoomHealth("journal", .failed, reason: "\(reason) (error \(code))"))
        case .full(let reason): rooms.append(RoomHealth("journal", .failed, reason: reason))
        }
        if let failure = store.failure {
            rooms.append(RoomHealth("store", .failed, reason: failure))
        } else {
            rooms.append(RoomHealth("store", warnings: warnings(store)))
        }
        let letters = ingest.deadLetters.statistics
        var warnings = [letters.failure, letters.damage].compactMap(\.self)
        if letters.dropped > 0 { warnings.append("\(letters.dropped) rejected events were not kept since the start") }
        rooms.append(RoomHealth("dead_letters", warnings: warnings))
        for tail in tails {
            rooms.append(RoomHealth("tail \(tail.entry.path)", warnings: tail.status.warning.map { [$0] } ?? []))
        }
        return rooms
    }

    private static func warnings(_ store: EventStore) -> [String] {
        var warnings = store.report.unreadable.map {
            "the partition of \($0.day) was unreadable (\($0.reason)) and moved aside to \($0.movedTo.joined(separator: ", "))"
        }
        warnings += store.report.rebuilt.map { day in
            let lost = day.missingEvents.map { $0 > 0 ? ", \($0) events fewer than it promised" : "" } ?? ""
            let bytes = day.damagedBytes > 0 ? ", \(day.damagedBytes) bytes of its members were no member" : ""
            return "the index of \(day.day) was made again from its members (\(day.reason)): \(day.events) events\(lost)\(bytes)"
        }
        let statistics = store.statistics
        warnings += statistics.damage
        warnings += [statistics.compactionError, statistics.mergeError].compactMap { $0.map { "\($0); it is tried again later" } }
        let damaged = statistics.damagedBlocks
        if damaged > 0 { warnings.append("\(damaged) damaged blocks were met; their events are left out of answers") }
        return warnings
    }
}
