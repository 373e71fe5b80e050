import CLinux
import EventModel
import EventStore
import Foundation
import GRDB
import Logging
import Synchronization

/// Brings the archive's days to object storage: queues what is sealed and not stored yet, notes in the catalogue what is
/// stored, and lets local copies go where the settings say so. A thread of its own, because it waits for the service.
final class RemoteDays: Sendable {
    let queue: UploadQueue
    let catalogue: Catalogue
    let folder: ArchiveFolder
    private let localDays: Int?
    private let now: @Sendable () -> Timestamp
    private let forget: @Sendable (_ tenant: UInt32, _ day: Int64) -> Void
    private let logger: Logger
    private let wake = Wake()
    private let state = Mutex(State())

    private struct State {
        var stops = false
        var isRunning = false
        var failure: String?
        /// When ``queueMissed()`` was last done.
        var missedLooked: ContinuousClock.Instant?
    }

    /// Between looks at what is not stored.
    private static let restMilliseconds = 30_000
    /// Between looks at what was never queued.
    private static let missedInterval = Duration.seconds(3600)
    static let page = 500

    init(
        queue: UploadQueue, catalogue: Catalogue, folder: ArchiveFolder, localDays: Int?, now: @escaping @Sendable () -> Timestamp,
        logger: Logger,
        forget: @escaping @Sendable (UInt32, Int64) -> Void
    ) {
        self.queue = queue
        self.catalogue = catalogue
        self.folder = folder
        self.localDays = localDays
        self.now = now
        self.logger = logger
        self.forget = forget
    }

    var stops: Bool { state.withLock { $0.stops } }

    /// Why days are not queued, or local copies not removed; `nil` while both work.
    var failure: String? { state.withLock { $0.failure } }

    func start() {
        state.withLock { $0.isRunning = true }
        queue.start()
        let thread = Thread { [self] in
            clinux_name_thread("remote")
            while !stops {
                pass()
                wake.wait(milliseconds: Self.restMilliseconds)
            }
            state.withLock { $0.isRunning = false }
            wake.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Something was sealed.
    func look() { wake.signal() }

    /// Ends transfers under way; what was not confirmed is tried again after the next start.
    func stop() {
        state.withLock { $0.stops = true }
        queue.stop()
        wake.signal()
        for _ in 0..<300 where state.withLock({ $0.isRunning }) { usleep(10_000) }
    }

    private func pass() {
        do {
            if state.withLock({ $0.missedLooked.map { .now - $0 >= Self.missedInterval } ?? true }) {
                try queueMissed()
                state.withLock { $0.missedLooked = .now }
            }
            try bringUp()
            if let localDays { try removeLocal(before: now().dayNumber - Int64(localDays)) }
            state.withLock { $0.failure = nil }
        } catch {
            let reason = "\(error)"
            let isNew = state.withLock { state in
                defer { state.failure = reason }
                return state.failure != reason
            }
            if isNew { logger.error("bringing archived days to object storage: \(reason)") }
        }
    }

    /// Queues what nobody has queued, also what an earlier process sealed; marks what is stored.
    private func bringUp() throws {
        var after: (day: Int64, tenant: UInt32)?
        while !stops {
            let days = try catalogue.unstored(after: after, limit: Self.page)
            for day in days {
                if stops { return }
                switch try queue.state(tenant: day.tenantName, day: day.day) {
                case .unknown: try queue.enqueue(tenant: day.tenantName, day: day.day)
                case .done: try catalogue.setPlace(tenant: day.tenant, day: day.day, state: day.state, isLocal: day.isLocal, isRemote: true)
                default: break
                }
            }
            guard days.count == Self.page, let last = days.last else { return }
            after = (last.day, last.tenant)
        }
    }

    private func removeLocal(before day: Int64) throws {
        for (name, day) in try queue.removeLocalCopies(olderThan: day) {
            guard let number = try catalogue.chains().first(where: { $0.name == name })?.number,
                let row = try catalogue.day(day, tenant: number)
            else { continue }
            try catalogue.setPlace(tenant: number, day: day, state: row.state, isLocal: false, isRemote: true)
            forget(number, day)
        }
    }
}

extension Catalogue {
    /// An index for ``unstored(after:limit:)``, which only servers with object storage need.
    func indexUnstored() throws {
        try writer.write { database in
            try database.execute(sql: "CREATE INDEX IF NOT EXISTS day_unstored ON day (day, tenant) WHERE remote = 0 AND state <> 2")
        }
    }

    /// Days that no object storage is known to have, oldest first, behind `after`.
    func unstored(after: (day: Int64, tenant: UInt32)?, limit: Int) throws -> [ArchivedDay] {
        let (day, tenant) = after ?? (Int64.min, 0)
        return try reader.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT \(Self.columns) FROM day JOIN tenant ON tenant.number = day.tenant
                    WHERE day.remote = 0 AND day.state <> 2 AND (day.day, day.tenant) > (?, ?) ORDER BY day.day, day.tenant LIMIT ?
                    """, arguments: [day, Int64(tenant), limit]
            ).map(Self.day)
        }
    }
}
