import EventModel
import EventStore
import Foundation
import Logging

/// One day: all tenants, one after another.
extension Sealer {
    /// Whether all tenants' days are sealed now.
    func seal(_ day: Int64, isAsked: Bool) throws -> Bool {
        let began = ContinuousClock.now
        try archive.catalogue.close(day: day)
        archive.journal?.closeDay(day)
        let reader = try archive.store.openDay(day)
        if reader == nil, let lost = archive.store.report.unreadable.first(where: { $0.day == ArchiveFolder.name(day: day) }) {
            throw SealError.lost(day: lost.day, reason: lost.reason)
        }
        let handed = reader.map(Handed.init)
        let tenants = tenants(of: day, reader)
        let earlier = unsealedTenants(before: day)
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
            if chain.map({ $0.lastDay < day - 1 }) ?? earlier.contains(number) {
                isComplete = false
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
    func tenants(of day: Int64, _ reader: StoredDayReader?) -> [(UInt32, String, StoredTenant?)] {
        let stored = Dictionary(uniqueKeysWithValues: (reader?.day.tenants ?? []).map { ($0.number, $0) })
        let quiet = chains.values.filter { stored[$0.number] == nil }.map { ($0.number, $0.name, nil as StoredTenant?) }
        return (stored.values.map { ($0.number, $0.name, $0) } + quiet).sorted { $0.0 < $1.0 }
    }

    /// Those whose first day lies before `day` and could not be sealed: they must not begin with this one.
    func unsealedTenants(before day: Int64) -> Set<UInt32> {
        let sealed = archive.catalogue.sealedDay ?? .min
        guard sealed < day - 1 else { return [] }
        return Set(archive.store.heldDays.filter { $0.day < day && $0.day > sealed }.flatMap { $0.tenants.map(\.number) })
    }

    /// Whether this tenant's day is sealed now.
    func sealOne(
        _ number: UInt32, _ name: String, _ stored: StoredTenant?, _ day: Int64, after chain: TenantChain?, _ reader: Handed?,
        isAsked: Bool,
        _ counts: inout SealStatus.Day, _ full: inout Int
    ) throws -> Bool {
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

    func complete(_ day: Int64, _ reader: StoredDayReader?, _ counts: SealStatus.Day, _ began: ContinuousClock.Instant) throws {
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
                "members_copied": "\(counts.copiedMembers)", "members_cut": "\(counts.cutMembers)",
                "seconds": "\(ContinuousClock.now - began)",
            ])
    }

    /// Sealed days that are old enough leave the store. What fails is tried again in a minute, and holds up no seal.
    func letGo() {
        guard let sealed = archive.catalogue.sealedDay, nextDrop <= .now else { return }
        let today = archive.configuration.now().dayNumber
        do {
            for day in archive.daysToLetGo(sealed: sealed, today: today) {
                try archive.store.drop(day: day, today: today)
                archive.logger.info("\(ArchiveFolder.name(day: day)) left the store; the archive answers for it")
            }
            shared.withLock { $0.status.dropError = nil }
        } catch {
            nextDrop = .now + .seconds(60)
            let reason = "a sealed day stays in the store: \(error)"
            let isNew = shared.withLock { shared in
                defer { shared.status.dropError = reason }
                return shared.status.dropError != reason
            }
            if isNew { archive.logger.error("\(reason)") }
        }
    }

    // MARK: Parts

    func tenantSeal() -> TenantSeal {
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
    final class Answer<Value>: @unchecked Sendable {
        var value: Value?
    }

    /// What was thrown while rows were recorded concerns no single tenant.
    struct CatalogueFailure: Error { var reason: any Error }

    func commit() throws {
        guard !pending.isEmpty else { return }
        do {
            try archive.catalogue.record(pending, pushes: archive.configuration.pushTargets)
        } catch { throw CatalogueFailure(reason: error) }
        pending.removeAll(keepingCapacity: true)
        lastCommit = .now
    }

    func note(_ number: UInt32?, _ tenant: String, day: Int64, _ error: any Error) {
        let reason = "\((error as? CatalogueFailure)?.reason ?? error)"
        guard failures.failed(number, tenant, day: day, reason, now: .now) else { return }
        let of = tenant.isEmpty ? "" : " of tenant \(tenant)"
        archive.logger.error(
            "\(ArchiveFolder.name(day: day))\(of) is not sealed: \(reason); it is tried again later, and its events stay in the store")
    }

    static func isFull(_ error: any Error) -> Bool {
        switch error {
        case let error as ArchiveFileError: error.errno == ENOSPC || error.errno == EDQUOT
        case ArchiveFormatError.io(_, _, let code): code == ENOSPC || code == EDQUOT
        case SealError.noRoom: true
        default: false
        }
    }

    func show(_ counts: SealStatus.Day) { shared.withLock { $0.status.current = counts } }

    /// The reader, handed to the one thread that works on it while this one waits.
    final class Handed: @unchecked Sendable {
        let reader: StoredDayReader
        init(_ reader: StoredDayReader) { self.reader = reader }
    }
}
