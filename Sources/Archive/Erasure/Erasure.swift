import EventModel
import EventStore
import Foundation
import Logging

/// Who is to be erased from whose events.
package struct ErasureRequest: Sendable {
    package var tenant: String
    /// The actor's id, the e-mail, or both.
    package var person: Person
    /// Why; goes into signed records, so it must not name the person.
    package var reason: String
    /// Common to all records of this erasure.
    package var name: String

    package init(tenant: String, id: String?, email: String?, reason: String, name: String) {
        self.tenant = tenant
        person = Person(id: id, email: email)
        self.reason = reason
        self.name = name
    }
}

/// What was found and done. Only ``person`` names somebody, for the places that are searched after.
package struct ErasureReport: Sendable, Equatable {
    package var person = Person()
    /// Events that held traces, by received-day.
    package var events: [Int64: Int] = [:]
    /// How many ids, e-mails and names the person is known by; names that others bear too.
    package var ids = 0
    package var emails = 0
    package var names = 0
    package var sharedNames = 0
    /// Files that were rewritten.
    package var archivedDays = 0
    package var storedDays = 0

    package init() {}

    package var total: Int { events.values.reduce(0, +) }
}

/// Takes a person out of everything the store and the archive hold of a tenant. Looks first, and changes nothing where a
/// legal hold covers a day with traces. What it has done stays done when a later day fails, and doing it again goes on. What
/// it learned of the person is kept until the other places are done too, see ``UnfinishedErasures``.
struct Erasure {
    let archive: Archive
    let request: ErasureRequest
    let number: UInt32
    let now: Timestamp
    var stops: @Sendable () -> Bool = { false }

    /// libdeflate's level for members that change; as the store's compacted ones.
    private static let level = 7
    private static let page = 1000

    /// `isHeld`: whether a legal hold covers a day. `isDry`: only looks. Not while days are sealed or pruned.
    func run(isDry: Bool, isHeld: (Int64) -> LegalHold?) throws -> ErasureReport {
        try ErasureLeftovers(archive: archive).remove(of: request.tenant)
        let days = try archivedDays()
        let unfinished = UnfinishedErasures(folder: archive.folder, tenant: request.tenant)
        var discovery = PersonDiscovery(try unfinished.joined(request.person))
        // The store's copies too: where an erasure was stopped they tell what the files no longer do.
        try forEachLine(days, copies: true) { _, line in discovery.learn(line) }
        let names = discovery.nameNeedles
        if !names.isEmpty { try forEachLine(days) { _, line in discovery.compare(line, names) } }
        let person = discovery.finish()
        var report = ErasureReport()
        report.person = person
        (report.ids, report.emails) = (person.ids.count, person.emails.count)
        (report.names, report.sharedNames) = (person.names.count + person.sharedNames.count, person.sharedNames.count)
        var eraser = PersonEraser(person)
        guard Array(request.reason.utf8).withUnsafeBytes({ eraser.replacement(forText: $0) }) == nil else {
            throw ErasureError.reasonNamesPerson
        }
        try forEachLine(days) { day, line in if eraser.replacement(for: line) != nil { report.events[day, default: 0] += 1 } }
        let held = report.events.keys.sorted().compactMap { day in isHeld(day).map { (day, $0) } }
        if let first = held.first { throw ErasureError.held(days: held.count, firstDay: first.0, hold: first.1) }
        if isDry { return report }
        // Whoever goes on after a stop must know what was learned from lines that are erased by then.
        try unfinished.keep(person, erasure: request.name)
        for day in days where report.events[day.day] != nil {
            try checkStops()
            let erasure = DayErasure(
                folder: archive.folder, catalogue: archive.catalogue, key: archive.key, level: Self.level,
                erasure: request.name, reason: request.reason, now: now)
            try archive.bringHere(tenant: request.tenant, day: day.day)
            if try erasure.run(day, &eraser) != nil {
                report.archivedDays += 1
                archive.changed(tenant: number, day: day.day)
                try archive.mirrorErasure(
                    tenant: request.tenant, day: day.day, record: DayErasure.recordName(request.name, day: day.day))
            }
        }
        for held in archive.store.heldDays where held.tenants.contains(where: { $0.number == number }) {
            try checkStops()
            if try eraseStored(held.day, isSealed: archive.catalogue.isSealed(day: held.day), &eraser) { report.storedDays += 1 }
        }
        return report
    }

    private func checkStops() throws { if stops() { throw SealError.stopped } }

    // MARK: Reading

    /// Sealed days of the tenant that still have their events.
    private func archivedDays() throws -> [ArchivedDay] {
        var days: [ArchivedDay] = []
        var after: (day: Int64, tenant: UInt32)?
        while true {
            let rows = try archive.catalogue.days(tenant: request.tenant, in: Int64.min / 2...Int64.max / 2, after: after, limit: Self.page)
            days += rows.filter { $0.state == .sealed }
            guard rows.count == Self.page, let last = rows.last else { return days }
            after = (last.day, last.tenant)
        }
    }

    /// Every line of the tenant once: sealed days from their files, the others from the store; with `copies` all that the
    /// store has.
    private func forEachLine(_ days: [ArchivedDay], copies: Bool = false, _ visit: (Int64, UnsafeRawBufferPointer) throws -> Void) throws {
        for day in days {
            try checkStops()
            guard let source = try archive.file(ArchiveFolder.events, of: request.tenant, day: day.day) else {
                throw ErasureError.damaged(
                    path: archive.folder.folder(of: request.tenant, day: day.day) + "/" + ArchiveFolder.events, reason: "it is missing")
            }
            var walker = ArchiveWalker(source)
            while let step = try walker.next() {
                switch step.part {
                case .lines(let lines):
                    try lines.withUnsafeBytes { lines in
                        _ = try DayErasure.forEachLine(lines) { line in
                            try visit(day.day, line)
                            return true
                        }
                    }
                case .damage(let reason): throw ErasureError.damaged(path: source.name, reason: reason)
                case .index: break
                }
            }
        }
        let archived = Set(days.map(\.day))
        try archive.store.packAll()
        for held in archive.store.heldDays where copies || !archived.contains(held.day) {
            try checkStops()
            try forEachStoredLine(held.day) { try visit(held.day, $0) }
        }
    }

    private func forEachStoredLine(_ day: Int64, _ visit: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let reader = try archive.store.openDay(asItLies: day) else { return }
        try reader.members(of: number) { _, lines in
            _ = try DayErasure.forEachLine(lines) { line in
                try visit(line)
                return true
            }
        }
    }

    // MARK: The store

    /// Whether something was changed. Of a day that is not sealed, what the tree must keep is written down first; lines
    /// that come in between are left for the next time.
    private func eraseStored(_ day: Int64, isSealed: Bool, _ eraser: inout PersonEraser) throws -> Bool {
        var changes: [ErasureRecord.Change] = []
        try forEachStoredLine(day) { line in
            guard let replacement = eraser.replacement(for: line), let head = CanonicalLine(line) else { return }
            changes.append(ErasureRecord.Change(seq: head.seq, before: MerkleHash.leaf(line), after: MerkleHash.leaf(replacement)))
        }
        guard !changes.isEmpty else { return false }
        if !isSealed {
            try PendingErasures(folder: archive.folder, key: archive.key).write(
                ErasureRecord(
                    tenant: request.tenant, day: day, erasure: request.name, reason: request.reason, at: now.milliseconds, changes: changes,
                    rootBefore: PendingErasures.unknown, rootAfter: PendingErasures.unknown, manifestBefore: PendingErasures.unknown))
        }
        let seqs = Set(changes.map(\.seq))
        var copy = eraser
        let number = number
        _ = try archive.store.rewrite(day: day, tenants: [number]) { tenant, line in
            guard tenant == number, let head = CanonicalLine(line), seqs.contains(head.seq) else { return nil }
            return copy.replacement(for: line)
        }
        eraser = copy
        return true
    }
}
