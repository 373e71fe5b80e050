import CLinux
import EventModel
import EventStore
import Foundation
import Logging
import Synchronization

/// Seals days: each one that is over, oldest first, tenant after tenant, with a constant number of open files.
///
/// Two threads. This one decides, and does what takes locks of others (catalogue, store, journal). The long work of one
/// tenant, inflating, hashing and writing, is handed to a thread of the lowest priority, except where somebody waits for
/// the seal. Whatever fails for one tenant is named, holds up no other, and is tried again later.
package final class Sealer: @unchecked Sendable {
    // Unchecked: everything but `shared` belongs to this thread.
    struct Shared {
        /// The newest day that somebody asked for; `nil`: none.
        var asked: Int64?
        var requests = 0
        var answered = 0
        var status = SealStatus()
        /// Work of others that must not meet a seal; see ``Sealer/perform(_:)``.
        var tasks: [@Sendable () -> Void] = []
        var stops = false
        var hasStopped = false
        var probe: @Sendable (TenantSeal.Step, String) throws -> Void = { _, _ in }
    }

    let archive: Archive
    let shared = Mutex(Shared())
    let wake = Wake()
    let finished = Wake()
    let worker = IdleThread<Void>()
    private let schedule: SealSchedule
    var chains: [UInt32: TenantChain]
    var failures = SealFailures()
    /// The newest day of the last pass, so that days that wait for a retry are not gone through every minute.
    private var passed: Int64?
    /// The day that was gone through last, whatever became of it.
    private var current: Int64 = 0
    private var open: OpenDay
    var pending: [(day: ArchivedDay, chain: TenantChain)] = []
    var lastCommit = ContinuousClock.now
    /// Dropping from the store failed; not before this.
    var nextDrop = ContinuousClock.now

    /// Between looks at the clock.
    private static let restMilliseconds = 5000
    /// Rows of one commit, and how long they wait: a stop loses no file by it, only the time to take it over.
    static let commitRows = 256
    static let commitInterval = Duration.seconds(1)
    /// So many tenants one after the other had no room: the others need not be tried.
    static let fullInARow = 3

    init(_ archive: Archive) throws {
        self.archive = archive
        schedule = SealSchedule(grace: archive.configuration.sealGrace)
        chains = try Self.chains(archive.catalogue)
        open = OpenDay(archive)
    }

    private static func chains(_ catalogue: Catalogue) throws -> [UInt32: TenantChain] {
        Dictionary(uniqueKeysWithValues: try catalogue.chains().map { ($0.number, $0) })
    }

    // MARK: From other threads

    func start() {
        worker.start(name: "sealer")
        let thread = Thread {
            clinux_name_thread("archive")
            self.run()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Called at each step of a tenant's seal; what it throws is the failure of that step.
    func probe(_ probe: @escaping @Sendable (TenantSeal.Step, String) throws -> Void) { shared.withLock { $0.probe = probe } }

    package var status: SealStatus { shared.withLock { $0.status } }

    /// Looks at the clock now.
    package func look() { wake.signal() }

    /// Has a day sealed, and all before it, without waiting. Throws ``SealError/notOver(day:)``.
    @discardableResult
    package func ask(for day: Int64) throws -> Int {
        guard SealSchedule.isOver(day, now: archive.configuration.now()) else { throw SealError.notOver(day: ArchiveFolder.name(day: day)) }
        let number = shared.withLock { shared in
            shared.asked = max(shared.asked ?? .min, day)
            shared.requests += 1
            return shared.requests
        }
        wake.signal()
        return number
    }

    /// Returns when a request was answered, or after `milliseconds`; whether it was.
    package func wait(for request: Int, milliseconds: Int = .max) -> Bool {
        let end = milliseconds == .max ? nil : ContinuousClock.now + .milliseconds(milliseconds)
        while true {
            let (answered, stopped) = shared.withLock { ($0.answered >= request, $0.hasStopped) }
            if answered { return true }
            if stopped || end.map({ $0 <= .now }) ?? false { return false }
            finished.wait(milliseconds: 50)
        }
    }

    /// Returns when the thread has ended, or after `patience`.
    func stop(within patience: Duration) {
        shared.withLock { $0.stops = true }
        wake.signal()
        worker.done.signal()
        let end = ContinuousClock.now + patience
        while !shared.withLock({ $0.hasStopped }) {
            if end <= .now { return }
            finished.wait(milliseconds: 50)
        }
        worker.end()
    }

    var stops: Bool { shared.withLock { $0.stops } }

    /// Runs `body` on this thread, between passes: while nothing is sealed, and with chains read anew behind it. What waits
    /// when sealing stops fails with ``SealError/stopped``.
    package func perform<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let isTaken = shared.withLock { shared in
                guard !shared.stops else { return false }
                shared.tasks.append { [weak self] in
                    guard self?.stops == false else { return continuation.resume(throwing: SealError.stopped) }
                    continuation.resume(with: Result { try body() })
                }
                return true
            }
            if isTaken { wake.signal() } else { continuation.resume(throwing: SealError.stopped) }
        }
    }

    private func runTasks() {
        let tasks = shared.withLock { shared in
            defer { shared.tasks.removeAll() }
            return shared.tasks
        }
        guard !tasks.isEmpty else { return }
        for task in tasks { task() }
        do { chains = try Self.chains(archive.catalogue) } catch { archive.logger.error("the tenants' chains cannot be read: \(error)") }
    }

    // MARK: The thread

    private func run() {
        removeUnfinished()
        while true {
            let (stops, requests, asked) = shared.withLock { shared in
                defer { shared.asked = nil }
                return (shared.stops, shared.requests, shared.asked)
            }
            if stops { break }
            pass(asked: asked)
            if !self.stops { archive.prune { self.stops } }
            runTasks()
            if !self.stops { open.pass(chains, by: self) }
            shared.withLock { shared in
                shared.answered = requests
                shared.status.failures = failures.failures.values.sorted { ($0.day, $0.tenant) < ($1.day, $1.tenant) }
                    .map { SealStatus.Failure(tenant: $0.tenant, day: $0.day, reason: $0.reason) }
                shared.status.openDayError = open.lastError
            }
            finished.signal()
            let isIdle = shared.withLock { $0.requests == requests && $0.tasks.isEmpty && !$0.stops }
            if isIdle { wake.wait(milliseconds: Self.restMilliseconds) }
        }
        runTasks()
        shared.withLock { $0.hasStopped = true }
        finished.signal()
    }

    /// What a killed seal left of the days that it had begun with.
    private func removeUnfinished() {
        do {
            guard let closed = try archive.catalogue.closedDay, closed > archive.catalogue.sealedDay ?? .min else { return }
            for tenant in try archive.folder.tenants() {
                for path in try archive.folder.unfinished(of: tenant) { try archive.folder.remove(folder: path) }
            }
        } catch { archive.logger.error("what a seal left unfinished was not removed: \(error)") }
    }

    private func pass(asked: Int64?) {
        do {
            let days = try days(asked: asked)
            if let days {
                for day in days {
                    current = day
                    let isComplete = try seal(day, isAsked: asked != nil)
                    if isComplete { shared.withLock { $0.status.waitingDays = max(0, Int(days.upperBound - day)) } }
                }
                passed = days.upperBound
            }
            letGo()
            failures.succeeded(nil)
        } catch SealError.stopped {
        } catch {
            // The store ends first when the server stops in the middle of its compaction.
            if !stops { note(nil, "", day: current, error) }
            // What was not recorded is found again as a folder.
            pending.removeAll()
            if let known = try? Self.chains(archive.catalogue) { chains = known }
        }
    }

    /// The days to go through now; `nil` when there are none.
    private func days(asked: Int64?) throws -> ClosedRange<Int64>? {
        if asked == nil, failures.mustWait(nil, now: .now) { return nil }
        let now = archive.configuration.now()
        let sealed = archive.catalogue.sealedDay
        var held = archive.store.heldDayNumbers
        if let asked {
            // Fresh events of a day that nothing was packed of yet.
            try archive.store.packAll()
            held = archive.store.heldDayNumbers
            let first = sealed.map { $0 + 1 } ?? held.first ?? asked
            return first <= asked ? first...asked : nil
        }
        if sealed == nil, held.isEmpty, archive.journal?.endPosition ?? 0 > 0 {
            // The first events of all may lie in memory for minutes.
            try archive.store.packAll()
            held = archive.store.heldDayNumbers
        }
        switch schedule.due(now: now, sealed: sealed, held: held) {
        case .nothing:
            shared.withLock { $0.status.clockJumpDays = nil }
            return nil
        case .clockJumped(let days):
            shared.withLock { $0.status.clockJumpDays = days }
            return nil
        case .days(let days):
            shared.withLock { shared in
                shared.status.clockJumpDays = nil
                shared.status.waitingDays = days.count
            }
            let hasNew = passed.map { $0 < days.upperBound } ?? true
            return hasNew || failures.isEmpty || failures.next.map({ $0 <= .now }) ?? true ? days : nil
        }
    }
}
