import EventModel
import Foundation
import GRDB
import Logging

/// Looks at the partitions of a folder: which there are, what they hold, which cannot be trusted.
struct StoreOpening {
    var state = StoreState()
    var report = StoreReport()

    init(_ configuration: EventStoreConfiguration, logger: Logger) throws {
        let folder = configuration.folder
        let dropped = try DroppedDays(folder: folder)
        (state.dropped, state.droppedDays) = (dropped, dropped.numbers)
        try EventStore.unlinkRest(folder, state.droppedDays)
        (state.packedEnd, state.appliedPosition) = (dropped.position, dropped.appliedPosition)
        // Index or members alone are a day: without its index the pieces still hold every event.
        var days: Set<Int64> = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            guard let day = PieceName.day(ofFile: name) else { continue }
            if name.hasSuffix(PieceName.unfinishedSuffix) {
                try FileManager.default.removeItem(atPath: folder + "/" + name)
            } else if name.hasSuffix(".sqlite") || PieceName(fileName: name) != nil {
                days.insert(day)
            } else if name == Partition.name(day: day) + PieceName.suffix {
                try Self.adopt(name, day, folder)
                days.insert(day)
            }
        }
        let firstIdentityDay = (days.max() ?? 0) - Int64(configuration.identityWindow.components.seconds / 86_400)
        for day in days.sorted() {
            do {
                try addOrRebuild(day, configuration, checksIdentities: day >= firstIdentityDay, logger)
            } catch {
                let moved = try Self.moveAside(folder, day, members: true)
                report.unreadable.append(StoreReport.Unreadable(day: Partition.name(day: day), movedTo: moved, reason: "\(error)"))
                logger.error(
                    "partition \(Partition.name(day: day)) cannot be read and was moved to \(moved.joined(separator: ", ")): \(error)")
            }
        }
        // Which events the lost partition held is not known, so everything the journal has is asked for again; events of
        // other days are recognised by their tenants' last packed seq of that day.
        if !report.unreadable.isEmpty || !report.rebuilt.isEmpty { state.appliedPosition = 0 }
        state.endPosition = state.appliedPosition
        report.partitions = state.days.count
    }

    private mutating func addOrRebuild(_ day: Int64, _ configuration: EventStoreConfiguration, checksIdentities: Bool, _ logger: Logger)
        throws
    {
        let folder = configuration.folder
        let files = FileManager.default
        let marker = PartitionRebuild.marker(folder, day)
        let base = folder + "/" + Partition.name(day: day)
        var rebuilt: StoreReport.Rebuilt
        do {
            if let reason = files.contents(atPath: marker) {
                throw StoreError.unreadable(path: base + ".sqlite", reason: String(decoding: reason, as: UTF8.self))
            }
            if !files.fileExists(atPath: base + ".sqlite") { throw StoreError.unreadable(path: base + ".sqlite", reason: "it is missing") }
            return try add(day, folder, checksIdentities: checksIdentities)
        } catch {
            let promised = Self.promisedEvents(folder, day)
            guard try promised != nil || !Self.pieces(folder, day).isEmpty else { throw error }
            logger.error("the index of \(Partition.name(day: day)) is made again from its members: \(error)")
            try Self.mark(marker, "\(error)")
            let moved = try Self.moveAside(folder, day, members: false)
            rebuilt = try PartitionRebuild.run(folder: folder, day: day, blockBytes: configuration.blockBytes)
            guard rebuilt.blocks > 0 || promised != nil else { throw error }
            rebuilt.movedTo = moved
            rebuilt.reason = "\(error)"
            rebuilt.missingEvents = promised.map { max(0, $0 - rebuilt.events) }
        }
        try add(day, folder, checksIdentities: false)
        try files.removeItem(atPath: marker)
        try syncFolder(folder)
        report.rebuilt.append(rebuilt)
        logger.error(
            "the index of \(rebuilt.day) was made again",
            metadata: [
                "blocks": "\(rebuilt.blocks)", "events": "\(rebuilt.events)", "damaged_bytes": "\(rebuilt.damagedBytes)",
                "missing_events": "\(rebuilt.missingEvents.map(String.init) ?? "unknown")",
            ])
    }

    /// What the index that is given up says it held, if it can still be asked.
    private static func promisedEvents(_ folder: String, _ day: Int64) -> Int? {
        guard FileManager.default.fileExists(atPath: folder + "/" + Partition.name(day: day) + ".sqlite") else { return nil }
        let partition = Partition(folder: folder, day: day)
        defer { partition.close() }
        return try? partition.read { try Int.fetchOne($0, sql: "SELECT sum(events) FROM tenant") ?? 0 }
    }

    /// Durable when it returns. The reason inside is for whoever reads it, and for the next start's report.
    static func mark(_ path: String, _ reason: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        try Data(reason.utf8).write(to: URL(fileURLWithPath: path))
        try syncFolder((path as NSString).deletingLastPathComponent)
    }

    private mutating func add(_ day: Int64, _ folder: String, checksIdentities: Bool) throws {
        let partition = Partition(folder: folder, day: day)
        do {
            let summary = try PartitionSummary(partition)
            try Self.check(summary, partition)
            // A repeated event would be stored twice where its identity cannot be read.
            if checksIdentities {
                try partition.read { database in
                    for run in try RunTable.runs(database) where run.identities > 0 {
                        try RunTable.forEachIdentity(run, database) { _ in }
                    }
                }
            }
            try cutUnreferenced(summary.pieces, partition)
            partition.pieces.withLock { $0 = PieceList(summary.pieces) }
            state.days[day] = DayState(partition: partition, tenants: summary.tenants)
            state.appliedPosition = max(state.appliedPosition, summary.appliedPosition)
            for tenant in summary.tenants.values {
                state.packedEnd = max(state.packedEnd, tenant.lastPosition + 1)
                report.events += tenant.events
            }
            report.blocks += summary.blocks
            // Connections are opened again when somebody asks; a year of partitions would hold hundreds of them.
            partition.closeReader()
        } catch {
            partition.close()
            throw error
        }
    }

    /// Names of the day's pieces that lie in the folder, oldest first.
    static func pieces(_ folder: String, _ day: Int64) throws -> [PieceName] {
        try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
            PieceName.day(ofFile: name) == day ? PieceName(fileName: name) : nil
        }.sorted { ($0.numbers.lowerBound, $0.numbers.upperBound) < ($1.numbers.lowerBound, $1.numbers.upperBound) }
    }

    /// Before format 3 all members of a day lay in one file. It is a piece like any other; the index beside it is not
    /// read, and is made again.
    private static func adopt(_ name: String, _ day: Int64, _ folder: String) throws {
        guard try pieces(folder, day).isEmpty else { return }
        try FileManager.default.moveItem(atPath: folder + "/" + name, toPath: folder + "/" + PieceName(1).fileName(day: day))
        try syncFolder(folder)
    }

    /// An empty index says nothing about the pieces it should name.
    static func check(_ summary: PartitionSummary, _ partition: Partition) throws {
        guard summary.blocks == 0 else { return }
        for piece in try pieces(partition.folder, partition.day) {
            let length = PartitionSummary.length(partition.path(of: piece)) ?? 0
            guard length == 0 else {
                throw StoreError.unreadable(
                    path: partition.path, reason: "it names no block, but \(piece.fileName(day: partition.day)) has \(length) bytes")
            }
        }
    }

    /// Removes what no block refers to: the end of a piece that was being written, a whole piece that was not committed,
    /// and either side of a compaction, whichever the index does not name.
    private mutating func cutUnreferenced(_ referenced: [Piece], _ partition: Partition) throws {
        for piece in referenced {
            let path = partition.path(of: piece.name)
            let length = PartitionSummary.length(path) ?? 0
            guard length > piece.bytes else { continue }
            try MembersFile(path: path).truncate(to: piece.bytes)
            report.membersBytesCut += length - piece.bytes
        }
        let names = Set(referenced.map(\.name))
        for name in try Self.pieces(partition.folder, partition.day) where !names.contains(name) {
            let path = partition.path(of: name)
            report.membersBytesCut += PartitionSummary.length(path) ?? 0
            try FileManager.default.removeItem(atPath: path)
            try syncFolder(partition.folder)
        }
    }

    /// Renames the index of the day, and with `members` all its pieces, to `….unreadable-N`.
    private static func moveAside(_ folder: String, _ day: Int64, members: Bool) throws -> [String] {
        let index = Partition.name(day: day) + ".sqlite"
        let files = FileManager.default
        var names = [index, index + "-wal"].filter { files.fileExists(atPath: folder + "/" + $0) }
        if members { names += try pieces(folder, day).map { $0.fileName(day: day) } }
        let taken = Set(try files.contentsOfDirectory(atPath: folder))
        var number = 1
        while names.contains(where: { taken.contains("\($0).unreadable-\(number)") }) { number += 1 }
        let moved = names.map { "\(folder)/\($0).unreadable-\(number)" }
        for (name, target) in zip(names, moved) { try files.moveItem(atPath: folder + "/" + name, toPath: target) }
        try? files.removeItem(atPath: folder + "/" + index + "-shm")
        if members { try? files.removeItem(atPath: PartitionRebuild.marker(folder, day)) }
        try syncFolder(folder)
        return moved
    }
}

extension EventStore {
    /// The partition of a day that is going to be written, with its directory in memory.
    func partitionForPacking(_ day: Int64) throws -> Partition {
        if let known = state.withLock({ $0.days[day] }), known.isPacked { return known.partition }
        let partition = state.withLock { $0.days[day]?.partition } ?? Partition(folder: configuration.folder, day: day)
        // Creates the schema, and removes a run that was being merged when the last process ended.
        try partition.writer().write { database in
            for run in try RunTable.all(database) where run.level < 0 { try RunTable.delete(run.number, database) }
        }
        try StoreOpening.check(try PartitionSummary(partition), partition)
        try syncFolder(configuration.folder)
        var older: [Partition] = []
        while true {
            let compactions = state.withLock { $0.days[day]?.compactions }
            let directory = try partition.loadDirectory()
            let isDone = state.withLock { state in
                guard state.days[day]?.compactions == compactions else { return false }
                if state.days[day] == nil { state.days[day] = DayState(partition: partition, tenants: [:]) }
                state.days[day]?.directory = directory
                state.days[day]?.isPacked = true
                older = state.days.filter { $0.key < day && $0.value.isPacked }.map(\.value.partition)
                return true
            }
            if isDone { break }
        }
        for partition in older { merger.close(partition) }
        return partition
    }

    /// The block directory of a partition, read now if need be; the least used of the others is let go.
    /// `held`: what a snapshot already has of it.
    func directory(_ held: BlockDirectory?, of partition: Partition) throws(SearchError) -> BlockDirectory {
        if let held { return held }
        var loaded = BlockDirectory()
        var released: Partition?
        while true {
            let (known, compactions) = state.withLock { state in
                state.uses += 1
                state.days[partition.day]?.lastUse = state.uses
                return (state.days[partition.day]?.directory, state.days[partition.day]?.compactions)
            }
            if let known = known ?? partition.retired.withLock({ $0 }) { return known }
            do { loaded = try partition.loadDirectory() } catch {
                noteDamage(partition, error)
                throw SearchError.unreadable(partition: Partition.name(day: partition.day), reason: "\(error)")
            }
            let isKept = state.withLock { state in
                // A compaction may have moved the blocks meanwhile; what was read would hold its old files for ever.
                guard state.days[partition.day]?.compactions == compactions else { return false }
                released = keep(loaded, partition, &state)
                return true
            }
            if isKept { break }
        }
        released?.closeReader()
        return loaded
    }

    /// The partition whose directory was let go for it.
    private func keep(_ loaded: BlockDirectory, _ partition: Partition, _ state: inout StoreState) -> Partition? {
        // Packing may have begun meanwhile; its directory is newer than this one.
        if state.days[partition.day]?.directory == nil { state.days[partition.day]?.directory = loaded }
        let held = state.days.filter { $0.value.directory != nil && !$0.value.isPacked && $0.key != partition.day }
        guard held.count >= configuration.openPartitions, let oldest = held.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
            return nil
        }
        state.days[oldest.key]?.directory = nil
        return oldest.value.partition
    }

    func candidates(_ plan: TermPlan, _ partition: Partition, seeks: inout Int) throws(SearchError) -> [UInt32] {
        do {
            return try partition.read { database in
                let runs = try RunTable.runs(database)
                return try plan.blocks { range in
                    var found: [UInt32] = []
                    try RunTable.lookup(range, runs: runs, database, into: &found, seeks: &seeks)
                    return found
                } ?? []
            }
        } catch {
            noteDamage(partition, error)
            throw SearchError.unreadable(partition: Partition.name(day: partition.day), reason: "\(error)")
        }
    }

    /// Everything that may answer, at one moment. A day without events in the range is left out.
    func snapshot(tenants: Set<UInt32>?, times: Range<Int64>) -> StoreSnapshot {
        state.withLock { state in
            var snapshot = StoreSnapshot()
            snapshot.fresh = state.fresh
            for block in state.ready where tenants?.contains(block.published.tenant) ?? true { snapshot.blocks.append(block.published) }
            if let tenants, tenants.count < state.open.count {
                for tenant in tenants { if let block = state.open[tenant] { snapshot.blocks.append(block.published) } }
            } else {
                for block in state.open.values where tenants?.contains(block.published.tenant) ?? true {
                    snapshot.blocks.append(block.published)
                }
            }
            for day in state.days.values { snapshot.days.append((day.partition, day.tenants, day.directory)) }
            if let older = state.older {
                snapshot.older = older
                snapshot.held = Set(state.days.keys).union(state.windowDays.keys).subtracting(state.yielded)
                snapshot.leaveOut(state.yielded)
            }
            return snapshot
        }
    }

    /// An index that is damaged, and not only busy or closed, is named in the statistics and made again at the next start.
    func noteDamage(_ partition: Partition, _ error: any Error) {
        var isDamage = error is StoreError || error is SearchError
        if let error = error as? DatabaseError { isDamage = [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) }
        guard isDamage else { return }
        let isNew = state.withLock { $0.damage.updateValue("\(error)", forKey: partition.path) == nil }
        guard isNew else { return }
        logger.error("\(partition.path) is damaged and is made again at the next start: \(error)")
        do { try StoreOpening.mark(PartitionRebuild.marker(configuration.folder, partition.day), "\(error)") } catch {
            logger.error("that cannot be noted for the next start: \(error)")
        }
    }

    func noteDamagedBlock(_ partition: Partition, _ number: UInt32) {
        let (file, isNew) = state.withLock { state in
            let file = state.days[partition.day]?.directory?.file(of: number)?.path ?? partition.path
            state.damage[file] = "block \(number) cannot be read; its events are missing from answers"
            return (file, state.damagedBlocks.insert(DamagedBlock(day: partition.day, number: number)).inserted)
        }
        // Each question that meets it comes here.
        guard isNew else { return }
        logger.error("block \(number) of \(file) is damaged; its events are missing from answers")
    }
}
