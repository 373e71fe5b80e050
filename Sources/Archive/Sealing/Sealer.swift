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
    private let shared = Mutex(Shared())
    private let wake = Wake()
    private let finished = Wake()
    private let worker = IdleThread<Void>()
    private let schedule: SealSchedule
    private var chains: [UInt32: TenantChain]
    private var failures = SealFailures()
    /// The newest day of the last pass, so that days that wait for a retry are not gone through every minute.
    private var passed: Int64?
    private var open: OpenDay
    private var pending: [(day: ArchivedDay, chain: TenantChain)] = []
    private var lastCommit = ContinuousClock.now

    /// Between looks at the clock.
    private static let restMilliseconds = 5000
    /// Rows of one commit, and how long they wait: a stop loses no file by it, only the time to take it over.
    private static let commitRows = 256
    private static let commitInterval = Duration.seconds(1)
    /// So many tenants one after the other had no room: the others need not be tried.
    private static let fullInARow = 3

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
    func stop(within patience: Duration?) {
        shared.withLock { $0.stops = true }
        wake.signal()
        worker.done.signal()
        let end = patience.map { ContinuousClock.now + $0 }
        while !shared.withLock({ $0.hasStopped }) {
            if let end, end <= .now { return }
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
            if shared.withLock({ $0.requests == requests && $0.tasks.isEmpty && !$0.stops }) { wake.wait(milliseconds: Self.restMilliseconds) }
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
                    let isComplete = try seal(day, isAsked: asked != nil)
                    if isComplete { shared.withLock { $0.status.waitingDays = max(0, Int(days.upperBound - day)) } }
                }
                passed = days.upperBound
            }
            try letGo()
            failures.succeeded(nil)
        } catch SealError.stopped {
        } catch {
            note(nil, "", day: archive.catalogue.sealedDay.map { $0 + 1 } ?? 0, error)
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
        var held = archive.store.heldDays.map(\.day)
        if let asked {
            // Fresh events of a day that nothing was packed of yet.
            try archive.store.packAll()
            held = archive.store.heldDays.map(\.day)
            let first = sealed.map { $0 + 1 } ?? held.first ?? asked
            return first <= asked ? first...asked : nil
        }
        let known = [sealed, held.last].compactMap(\.self).max()
        switch schedule.due(now: now, sealed: sealed, firstHeld: held.first, known: known) {
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

    // MARK: One day

    /// Whether all tenants' days are sealed now.
    private func seal(_ day: Int64, isAsked: Bool) throws -> Bool {
        let began = ContinuousClock.now
        try archive.catalogue.close(day: day)
        archive.journal?.closeDay(day)
        let reader = try archive.store.openDay(day)
        if reader == nil, let lost = archive.store.report.unreadable.first(where: { $0.day == ArchiveFolder.name(day: day) }) {
            throw SealError.lost(day: lost.day, reason: lost.reason)
        }
        let handed = reader.map(Handed.init)
        let tenants = tenants(of: day, reader)
        var counts = SealStatus.Day(day: day, tenants: tenants.count)
        show(counts)
        var isComplete = true
        var full = 0
        for (number, name, stored) in tenants {
            if stops {
                try commit()
                throw SealError.stopped
            }
            let chain = chains[number]
            if let chain, chain.lastDay >= day {
                counts.done += 1
                continue
            }
            isComplete = try sealOne(number, name, stored, day, after: chain, handed, isAsked: isAsked, &counts, &full) && isComplete
            show(counts)
            if full >= Self.fullInARow { break }
        }
        try commit()
        isComplete = isComplete && counts.done == tenants.count
        if isComplete { try complete(day, reader, counts, began) }
        return isComplete
    }

    /// By number; with what the store has of those that received something.
    private func tenants(of day: Int64, _ reader: StoredDayReader?) -> [(UInt32, String, StoredTenant?)] {
        let stored = Dictionary(uniqueKeysWithValues: (reader?.day.tenants ?? []).map { ($0.number, $0) })
        let quiet = chains.values.filter { stored[$0.number] == nil }.map { ($0.number, $0.name, nil as StoredTenant?) }
        return (stored.values.map { ($0.number, $0.name, $0) } + quiet).sorted { $0.0 < $1.0 }
    }

    /// Whether this tenant's day is sealed now.
    private func sealOne(
        _ number: UInt32, _ name: String, _ stored: StoredTenant?, _ day: Int64, after chain: TenantChain?, _ reader: Handed?, isAsked: Bool,
        _ counts: inout SealStatus.Day, _ full: inout Int
    ) throws -> Bool {
        if let chain, chain.lastDay < day - 1 { return false }
        if !isAsked, failures.mustWait(number, now: .now) { return false }
        do {
            let result = try work(isAsked: isAsked) { [seal = tenantSeal()] in
                try seal.seal(stored, name: name, number: number, day: day, after: chain, from: stored == nil ? nil : reader?.reader)
            }
            chains[number] = result.chain
            pending.append((result.day, result.chain))
            failures.succeeded(number)
            full = 0
            counts.add(result)
            if pending.count >= Self.commitRows || ContinuousClock.now - lastCommit >= Self.commitInterval { try commit() }
            return true
        } catch SealError.stopped {
            try commit()
            throw SealError.stopped
        } catch let error as CatalogueFailure {
            throw error.reason
        } catch {
            full = Self.isFull(error) ? full + 1 : 0
            note(number, name, day: day, error)
            return false
        }
    }

    private func complete(_ day: Int64, _ reader: StoredDayReader?, _ counts: SealStatus.Day, _ began: ContinuousClock.Instant) throws {
        let position = reader.map { $0.day.lastPosition + 1 } ?? 0
        try archive.catalogue.finish(day: day, position: position)
        archive.finished(position: position)
        archive.push?.look()
        let open = OpenCheckpoints(folder: archive.folder, key: archive.key)
        for chain in chains.values { try? open.remove(tenant: chain.name, before: day) }
        shared.withLock { $0.status.finished(counts) }
        guard counts.tenants > 0 else { return }
        archive.logger.notice(
            "sealed \(ArchiveFolder.name(day: day))",
            metadata: [
                "tenants": "\(counts.tenants)", "quiet": "\(counts.quiet)", "events": "\(counts.events)", "bytes": "\(counts.fileBytes)",
                "members_copied": "\(counts.copiedMembers)", "members_cut": "\(counts.cutMembers)", "seconds": "\(ContinuousClock.now - began)",
            ])
    }

    /// Sealed days that are old enough leave the store.
    private func letGo() throws {
        guard let sealed = archive.catalogue.sealedDay else { return }
        let today = archive.configuration.now().dayNumber
        let kept = archive.configuration.keep.components.seconds / 86_400
        for held in archive.store.heldDays where held.day <= sealed && held.day < today - kept {
            try archive.store.drop(day: held.day, today: today)
            archive.logger.info("\(ArchiveFolder.name(day: held.day)) left the store; the archive answers for it")
        }
    }

    // MARK: Parts

    private func tenantSeal() -> TenantSeal {
        let configuration = archive.configuration
        let given = shared.withLock { $0.probe }
        return TenantSeal(
            folder: archive.folder, key: archive.key, software: configuration.software, memberBytes: configuration.memberBytes,
            level: configuration.level, now: configuration.now().milliseconds, stops: { [weak self] in self?.stops ?? true }, probe: given)
    }

    /// Does it on the idle thread, and waits.
    func work<Value: Sendable>(isAsked: Bool, _ body: @escaping @Sendable () throws -> Value) throws -> Value {
        if isAsked || !archive.configuration.isGentle { return try body() }
        let answer = Answer<Value>()
        worker.begin { answer.value = try body() }
        while try worker.result() == nil { worker.done.wait(milliseconds: 250) }
        return answer.value!
    }

    /// Written by the worker before it says that it is done, read afterwards.
    private final class Answer<Value>: @unchecked Sendable {
        var value: Value?
    }

    /// What was thrown while rows were recorded concerns no single tenant.
    private struct CatalogueFailure: Error { var reason: any Error }

    private func commit() throws {
        guard !pending.isEmpty else { return }
        do {
            try archive.catalogue.record(pending, pushes: archive.configuration.pushTargets)
        } catch { throw CatalogueFailure(reason: error) }
        pending.removeAll(keepingCapacity: true)
        lastCommit = .now
    }

    private func note(_ number: UInt32?, _ tenant: String, day: Int64, _ error: any Error) {
        let reason = "\((error as? CatalogueFailure)?.reason ?? error)"
        guard failures.failed(number, tenant, day: day, reason, now: .now) else { return }
        let of = tenant.isEmpty ? "" : " of tenant \(tenant)"
        archive.logger.error("\(ArchiveFolder.name(day: day))\(of) is not sealed: \(reason); it is tried again later, and its events stay in the store")
    }

    private static func isFull(_ error: any Error) -> Bool {
        switch error {
        case let error as ArchiveFileError: error.errno == ENOSPC || error.errno == EDQUOT
        case ArchiveFormatError.io(_, _, let code): code == ENOSPC || code == EDQUOT
        case SealError.noRoom: true
        default: false
        }
    }

    private func show(_ counts: SealStatus.Day) { shared.withLock { $0.status.current = counts } }

    /// The reader, handed to the one thread that works on it while this one waits.
    private final class Handed: @unchecked Sendable {
        let reader: StoredDayReader
        init(_ reader: StoredDayReader) { self.reader = reader }
    }
}
