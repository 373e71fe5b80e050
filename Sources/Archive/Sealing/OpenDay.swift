import EventModel
import EventStore
import Glibc

/// The trees of the day that is still open: every hour a checkpoint of each tenant that got events since the last one.
///
/// A tenant's events are hashed once: the tree and the number of events in it are kept in the catalogue, and members
/// before them are passed over. It uses what lies packed in the store; nothing is compacted or moved for it.
struct OpenDay {
    struct Tree: Sendable, Equatable {
        var day: Int64
        /// Of this day.
        var events: Int
        var tree: CompactRange
    }

    private let archive: Archive
    private var trees: [UInt32: Tree]?
    private var pending: [(tenant: UInt32, tree: Tree)] = []
    private var pushes: [(tenant: String, name: String)] = []
    private(set) var lastError: String?

    private static let commitRows = 256

    init(_ archive: Archive) { self.archive = archive }

    /// Does what is due. `chains`: of the days before.
    mutating func pass(_ chains: [UInt32: TenantChain], by sealer: Sealer) {
        guard archive.configuration.checkpointsHourly else { return }
        do {
            let hour = SealSchedule.hour(now: archive.configuration.now())
            // At midnight the day is over, and its seal is the checkpoint.
            guard hour % 24 != 0, try archive.catalogue.openHour ?? .min < hour else { return }
            if trees == nil { trees = try archive.catalogue.openTrees() }
            try pass(hour, chains, by: sealer)
            lastError = nil
        } catch SealError.stopped {
            trees = nil
        } catch {
            let reason = "checkpoints of the open day: \(error)"
            if reason != lastError { archive.logger.error("\(reason)") }
            lastError = reason
            trees = nil
        }
        pending.removeAll()
        pushes.removeAll()
    }

    private mutating func pass(_ hour: Int64, _ chains: [UInt32: TenantChain], by sealer: Sealer) throws {
        let day = hour / 24
        if let reader = try archive.store.openDay(asItLies: day) {
            let earlier = sealer.unsealedTenants(before: day)
            for tenant in reader.day.tenants where chains[tenant.number] != nil || !earlier.contains(tenant.number) {
                try look(tenant, hour, chains[tenant.number], Handed(reader), sealer)
            }
        }
        try commit()
        try archive.catalogue.setOpenHour(hour)
        archive.push?.look()
    }

    private mutating func look(_ tenant: StoredTenant, _ hour: Int64, _ chain: TenantChain?, _ handed: Handed, _ sealer: Sealer) throws {
        let day = hour / 24
        // The day before is not sealed yet, so nobody knows the tree that this one goes on with. So it is for a tenant whose
        // first days are still to be sealed, and who has no chain.
        if let chain, chain.lastDay != day - 1 { return }
        var tree = Tree(day: day, events: 0, tree: chain?.tree ?? CompactRange())
        if let known = trees?[tenant.number], known.day == day { tree = known }
        guard tenant.events > tree.events else { return }
        let checkpoints = OpenCheckpoints(folder: archive.folder, key: archive.key)
        let erasures = PendingErasures(folder: archive.folder, key: archive.key)
        let erased = PendingErasures.originals(try erasures.load(tenant: tenant.name, day: day))
        tree = try sealer.work(isAsked: false) { [tree] in
            var grown = tree
            try handed.reader.members(of: tenant.number, behind: tree.events) { lines, before in
                if sealer.stops { throw SealError.stopped }
                grown.append(lines, before: before, erased: erased)
            }
            _ = try checkpoints.write(tenant: tenant.name, hour: hour, tree: grown.tree)
            return grown
        }
        trees?[tenant.number] = tree
        pending.append((tenant.number, tree))
        pushes.append((tenant.name, OpenCheckpoints.name(hour: hour)))
        if pending.count >= Self.commitRows { try commit() }
    }

    private mutating func commit() throws {
        try archive.catalogue.record(open: pending, pushes: pushes, to: archive.configuration.pushTargets)
        pending.removeAll(keepingCapacity: true)
        pushes.removeAll(keepingCapacity: true)
    }

    /// The reader, handed to the one thread that works on it while the other one waits.
    private final class Handed: @unchecked Sendable {
        let reader: StoredDayReader
        init(_ reader: StoredDayReader) { self.reader = reader }
    }
}

extension OpenDay.Tree {
    /// Appends those of `lines` that are new; `before`: events of the day before the first of them; `erased`: hashes that
    /// the tree keeps, by seq.
    mutating func append(_ lines: UnsafeRawBufferPointer, before: Int, erased: [UInt64: Digest] = [:]) {
        var start = 0
        var index = before
        while start < lines.count, let found = memchr(lines.baseAddress! + start, 0x0A, lines.count - start) {
            let end = UnsafeRawPointer(found) - lines.baseAddress!
            if index >= events {
                let line = UnsafeRawBufferPointer(rebasing: lines[start..<end])
                let original = erased.isEmpty ? nil : CanonicalLine(line).flatMap { erased[$0.seq] }
                tree.append(leafHash: original ?? MerkleHash.leaf(line))
                events += 1
            }
            index += 1
            start = end + 1
        }
    }
}
