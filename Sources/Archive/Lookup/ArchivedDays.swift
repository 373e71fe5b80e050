import EventModel
import EventStore
import Foundation
import Logging
import Synchronization

/// What the store's lookups find in archives: the catalogue says which files there are, their own index which blocks to
/// look into. Files stay open within limits, the longest unused one going first; a year of one tenant fits.
package final class ArchivedDays: OlderDays {
    /// What is kept open.
    package struct Limits: Sendable {
        /// Each holds a descriptor, or nothing where it lies in object storage. A year of one tenant is 365.
        package var files = 400
        /// Of index that was read of them, which bounds what they keep in memory.
        package var indexBytes = 32 << 20

        package init() {}
    }

    private struct Name: Hashable {
        var tenant: UInt32
        var day: Int64

        init(_ day: OlderDay) { (tenant, self.day) = (day.tenant, day.day) }
    }

    private struct State {
        var open: [Name: (index: ArchivedIndex, use: Int)] = [:]
        var uses = 0
        /// Rises with each ``forget(tenant:day:)``: what was being opened then may be the old file.
        var forgotten = 0
        var damage: [String: String] = [:]
        /// Of files that could not be opened when they were last asked for.
        var unopened: [String: String] = [:]
    }

    private let rows: any ArchivedDayRows
    private let limits: Limits
    private let logger: Logger
    private let source: @Sendable (OlderDay) throws -> any ByteSource
    private let local: @Sendable (OlderDay) -> LocalFile?
    private let isThere: @Sendable (OlderDay) -> Bool
    private let state = Mutex(State())

    /// `source`: where a file that the catalogue names is read from; `local`: the file, where that is one of this machine;
    /// `isThere`: whether it is there, told without reading it.
    package init(
        _ rows: any ArchivedDayRows, limits: Limits = Limits(), logger: Logger,
        local: @escaping @Sendable (OlderDay) -> LocalFile? = { _ in nil }, isThere: @escaping @Sendable (OlderDay) -> Bool = { _ in true },
        source: @escaping @Sendable (OlderDay) throws -> any ByteSource
    ) {
        self.rows = rows
        self.limits = limits
        self.logger = logger
        self.local = local
        self.isThere = isThere
        self.source = source
    }

    package func days(tenants: Set<UInt32>?, times: Range<Int64>, order: SearchOrder, after key: OlderDayKey?, limit: Int) throws
        -> [OlderDay]
    { try rows.rows(tenants: tenants, times: times, order: order, after: key, limit: limit) }

    package func day(_ day: Int64, tenant: UInt32) throws -> OlderDay? { try rows.row(tenant: tenant, day: day) }

    package func events(day: Int64) -> Int? { rows.events(day: day) }

    package func open(_ day: OlderDay, bytesRead: inout Int) throws -> (any OlderDayIndex)? {
        let name = Name(day)
        let (known, forgotten) = state.withLock { state -> (ArchivedIndex?, Int) in
            state.uses += 1
            state.open[name]?.use = state.uses
            return (state.open[name]?.index, state.forgotten)
        }
        if let known { return known }
        let index: ArchivedIndex
        do { index = try load(day) } catch {
            // It may have been pruned since the catalogue was asked, which is no damage.
            if try rows.row(tenant: day.tenant, day: day.day) == nil { return nil }
            note(day, "\(error)", in: \.unopened)
            throw error
        }
        bytesRead += index.bytesRead
        // An index that had to be made again answers as well, but somebody should know.
        for note in index.notes { self.note(day, note, in: \.damage) }
        let closed = state.withLock { state -> [ArchivedIndex] in
            state.unopened[Self.name(day)] = nil
            guard state.forgotten == forgotten, state.open[name] == nil else { return [] }
            state.open[name] = (index, state.uses)
            return shrink(&state)
        }
        // Descriptors are closed out of the lock.
        _ = consume closed
        return index
    }

    private func load(_ day: OlderDay) throws -> ArchivedIndex {
        do { return try ArchivedIndex(try ArchiveFile.open(try source(day)), of: day) } catch ArchiveFormatError.io(_, _, EMFILE) {
            // What is kept open for the next question must not cost this one its answer.
            let closed = state.withLock { state in
                defer { state.open.removeAll() }
                return state.open
            }
            _ = consume closed
            return try ArchivedIndex(try ArchiveFile.open(try source(day)), of: day)
        }
    }

    package func prepare(_ day: OlderDay) -> Bool {
        if state.withLock({ $0.open[Name(day)] != nil }) { return true }
        // Closed again at once: what was asked for is fetched all the same, and a descriptor would have to be counted.
        guard let file = local(day) else { return false }
        file.prepare(max(0, file.count - ArchiveFile.readAhead)..<file.count)
        return true
    }

    private func shrink(_ state: inout State) -> [ArchivedIndex] {
        var closed: [ArchivedIndex] = []
        var bytes = state.open.values.reduce(0) { $0 + $1.index.bytesRead }
        guard state.open.count > limits.files || bytes > limits.indexBytes else { return [] }
        // Some more than needed, so that not every opening sorts them.
        for (name, entry) in state.open.sorted(by: { $0.value.use < $1.value.use }) {
            if state.open.count <= limits.files / 8 * 7, bytes <= limits.indexBytes / 8 * 7 { break }
            if state.open.count == 1 { break }
            bytes -= entry.index.bytesRead
            closed.append(entry.index)
            state.open[name] = nil
        }
        return closed
    }

    /// The file was replaced or removed; the next lookup opens what is there then.
    package func forget(tenant: UInt32, day: Int64) {
        state.withLock { state in
            state.forgotten += 1
            state.open = state.open.filter { !($0.key.tenant == tenant && $0.key.day == day) }
        }
    }

    package func isWhole(_ day: OlderDay) -> Bool {
        let name = Self.name(day)
        return state.withLock { $0.damage[name] == nil && $0.unopened[name] == nil } && isThere(day)
    }

    package func noteDamage(_ day: OlderDay, reason: String) {
        // One that cannot be opened now is named until it can.
        let isNoted = state.withLock { $0.unopened[Self.name(day)] == reason }
        if !isNoted { note(day, reason, in: \.damage) }
    }

    private func note(_ day: OlderDay, _ reason: String, in list: WritableKeyPath<State, [String: String]> & Sendable) {
        let name = Self.name(day)
        let isNew = state.withLock { $0[keyPath: list].updateValue(reason, forKey: name) == nil }
        // Each question that meets it comes here.
        if isNew { logger.error("the archived file of \(name) is damaged or cannot be reached: \(reason)") }
    }

    package var damage: [String] {
        let reasons = state.withLock { $0.damage.merging($0.unopened) { damage, _ in damage } }
        return reasons.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
    }

    package var openFiles: Int { state.withLock { $0.open.count } }

    private static func name(_ day: OlderDay) -> String { "tenant=\(day.tenantName)/day=\(name(day: day.day))" }
    private static func name(day: Int64) -> String { Timestamp(milliseconds: day * 86_400_000).day }
}
