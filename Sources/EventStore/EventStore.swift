import EventModel
import Foundation
import Journal
import Logging
import Synchronization

/// The indexed store of recent events: a follower of the journal that makes every acknowledged event searchable at once
/// and packs it, some seconds or minutes later, into compressed blocks of one tenant.
///
/// Threads of its own: the packer writes, merger and compactor tidy up behind it, a few lookup threads read. Writer,
/// packer and lookups meet in ``StoreState`` for moments; a lookup takes a snapshot there and works on without a lock.
public final class EventStore: JournalFollower, IdentityIndex, Sendable {
    public let name = "events"
    public let report: StoreReport

    let configuration: EventStoreConfiguration
    let logger: Logger
    let state: Mutex<StoreState>
    let identities: Mutex<IdentityMemory>
    let inflated: InflatedBlocks
    let merger: Merger
    let threads: LookupThreads
    private let tenants = Mutex(TenantDirectory())
    private let packerSlot = Mutex<Packer?>(nil)
    private let compactorSlot = Mutex<Compactor?>(nil)

    /// Opens the partitions in `configuration.folder`. One that cannot be read is moved aside and named in `report`; the
    /// journal then delivers all that it still holds, and what other partitions have is passed over.
    public static func open(_ configuration: EventStoreConfiguration, logger: Logger) throws -> EventStore {
        try FileManager.default.createDirectory(atPath: configuration.folder, withIntermediateDirectories: true)
        let opening = try StoreOpening(configuration, logger: logger)
        let store = EventStore(configuration, opening, logger)
        store.rememberIdentities()
        let packer = Packer(store: store, configuration: configuration, logger: logger)
        store.packerSlot.withLock { $0 = packer }
        packer.start()
        store.merger.onFailure { [weak store] in store?.noteDamage($0, $1) }
        store.merger.start()
        let days = opening.state.days.sorted { $0.key < $1.key }.map(\.value.partition)
        for partition in days.dropLast() { store.merger.close(partition) }
        if let last = days.last { store.merger.packed(last) }
        let compactor = Compactor(store: store, configuration: configuration, logger: logger)
        store.compactorSlot.withLock { $0 = compactor }
        compactor.start()
        return store
    }

    private init(_ configuration: EventStoreConfiguration, _ opening: StoreOpening, _ logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        report = opening.report
        state = Mutex(opening.state)
        let windowDays = Int64(configuration.identityWindow.components.seconds / 86_400)
        identities = Mutex(IdentityMemory(filter: IdentityFilter(largestBytes: configuration.identityFilterBytes, windowDays: windowDays)))
        inflated = InflatedBlocks(largestBytes: configuration.inflatedBytes)
        merger = Merger(fanIn: configuration.mergeFanIn, logger: logger)
        threads = LookupThreads(count: configuration.lookupThreads, largestWaiting: configuration.waitingLookups)
    }

    /// Where names of tenants come from; before that the partitions' own are used.
    public func use(tenants directory: TenantDirectory) { tenants.withLock { $0 = directory } }

    func tenantName(_ number: UInt32) -> String {
        if let name = tenants.withLock({ $0.name(of: number) }) { return name }
        return state.withLock { state in
            state.days.values.lazy.compactMap { $0.tenants[number]?.name }.first
                ?? state.dropped.tenants.first { $0.number == number }?.name ?? ""
        }
    }

    /// What the partitions hold, so that no number is given twice.
    public var floor: JournalFloor {
        state.withLock { state in
            var lines: [UInt32: (name: String, number: UInt32, lastSeq: UInt64)] = [:]
            for tenant in state.dropped.tenants { lines[tenant.number] = (tenant.name, tenant.number, tenant.lastSeq) }
            for day in state.days.values {
                for (number, tenant) in day.tenants {
                    lines[number] = (tenant.name, number, max(tenant.lastSeq, lines[number]?.lastSeq ?? 0))
                }
            }
            return JournalFloor(position: state.packedEnd, tenants: lines.values.sorted { $0.number < $1.number })
        }
    }

    // MARK: Lookups

    public func search(_ query: SearchQuery) async throws(SearchError) -> SearchPage {
        try await threads.run { () throws(SearchError) in
            var search = try Search(query, store: self)
            return try search.run()
        }
    }

    public func counts(_ query: CountQuery) async throws(SearchError) -> CountAnswer {
        try await threads.run { () throws(SearchError) in
            var counting = try Counting(query, store: self)
            return try counting.run()
        }
    }

    /// The canonical line of an event, without its newline; `nil` when there is none with this id.
    public func event(_ id: EventID) async throws(SearchError) -> [UInt8]? {
        try await threads.run { () throws(SearchError) in try self.find(id) }
    }

    /// Up to `limit` events behind `position`, ordered by position, of one tenant or all.
    public func replay(after position: UInt64?, tenant: UInt32?, limit: Int) async throws(SearchError) -> [ReplayedEvent] {
        try await threads.run { () throws(SearchError) in
            var replay = Replay(after: position, tenant: tenant, limit: limit, store: self)
            return try replay.run()
        }
    }

    // MARK: Ending

    /// Packs what is in the window; durable when it returns. Blocks the caller.
    public func packAll() throws {
        guard let packer = packerSlot.withLock({ $0 }) else { throw StoreError.failed(reason: "the store is closed") }
        try packer.packAll()
    }

    /// Compacts and merges what otherwise waits until there is time. Blocks the caller.
    public func settle() throws { try settle(day: nil) }

    /// `day`: only compacts this one, as one that is over.
    func settle(day: Int64?) throws {
        guard let compactor else { throw StoreError.failed(reason: "the store is closed") }
        try compactor.settle(day: day)
    }

    /// Ends all threads and closes the files. What is not packed is in the journal; call ``packAll()`` before for a
    /// quick next start.
    public func close() async {
        threads.close()
        let packer = packerSlot.withLock { slot -> Packer? in
            defer { slot = nil }
            return slot
        }
        let compactor = compactorSlot.withLock { slot -> Compactor? in
            defer { slot = nil }
            return slot
        }
        guard let packer else { return }
        await withCheckedContinuation { continuation in
            let thread = Thread {
                packer.stop()
                compactor?.stop()
                self.merger.stop()
                for partition in self.state.withLock({ $0.days.values.map(\.partition) }) { partition.close() }
                continuation.resume()
            }
            thread.start()
        }
    }

    var packer: Packer? { packerSlot.withLock { $0 } }
    var compactor: Compactor? { compactorSlot.withLock { $0 } }
    var waitingLookups: Int { threads.waitingCount }
}
