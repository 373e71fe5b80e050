import Foundation

/// Takes a day out of the store: out of memory in one moment, then off the disk. See ``DroppedDays`` for what a stop
/// in between leaves.
extension EventStore {
    enum DropStep: CaseIterable, Sendable { case begun, recorded, forgotten, indexUnlinked, removed }

    func drop(day: Int64, today: Int64?, _ reach: (DropStep) throws -> Void) throws {
        guard let partition = state.withLock({ $0.days[day]?.partition }) else { return }
        try checkDrop(day, today)
        try packWaiting(of: day)
        partition.upkeep.beginAlone()
        defer { partition.upkeep.endAlone() }
        guard state.withLock({ $0.days[day] != nil }) else { return }
        try reach(.begun)
        try retire(partition)
        try record(partition)
        try reach(.recorded)
        forget(partition)
        try reach(.forgotten)
        try Self.unlinkIndex(partition)
        try reach(.indexUnlinked)
        try Self.unlinkRest(partition.folder, [day])
        try reach(.removed)
    }

    /// A repeated event is recognised by what is stored of the first one.
    private func checkDrop(_ day: Int64, _ today: Int64?) throws {
        let windowDays = Int64(configuration.identityWindow.components.seconds / 86_400)
        let newest = state.withLock { max($0.days.keys.max() ?? .min, $0.windowDays.keys.max() ?? .min) }
        guard day < (today ?? newest) - windowDays else {
            throw StoreError.refused(
                reason: "\(Partition.name(day: day)) cannot be dropped: duplicates of its events are recognised for \(windowDays) days")
        }
    }

    /// Lookups under way may be about to read it: from now on what they need is held open.
    private func retire(_ partition: Partition) throws {
        do {
            let directory = try directory(nil, of: partition)
            try partition.read { _ = try RunTable.runs($0) }
            partition.retired.withLock { $0 = directory }
        } catch {
            // Nobody can read it, so nobody is kept from reading it.
            logger.error("\(Partition.name(day: partition.day)) is dropped although it cannot be read: \(error)")
            partition.retired.withLock { $0 = BlockDirectory() }
        }
    }

    private func record(_ partition: Partition) throws {
        let (dropped, waits) = state.withLock { state -> (DroppedDays, Bool) in
            var dropped = state.dropped
            dropped.add(
                partition.day, state.days[partition.day]?.tenants ?? [:], position: state.packedEnd, appliedPosition: state.appliedPosition)
            return (dropped, state.windowDays[partition.day] != nil)
        }
        do {
            if waits { throw StoreError.refused(reason: "\(Partition.name(day: partition.day)) cannot be dropped: it still gets events") }
            try dropped.write(folder: configuration.folder)
        } catch {
            partition.retired.withLock { $0 = nil }
            throw error
        }
        state.withLock { state in
            state.dropped = dropped
            state.droppedDays = dropped.numbers
        }
    }

    private func forget(_ partition: Partition) {
        state.withLock { state in
            let files = state.damage.keys.filter { PieceName.day(ofFile: ($0 as NSString).lastPathComponent) == partition.day }
            for file in files { state.damage[file] = nil }
            state.damagedBlocks = state.damagedBlocks.filter { $0.day != partition.day }
            state.yielded.remove(partition.day)
            state.days[partition.day] = nil
        }
        partition.closeWriters()
        packer?.forget(partition.day)
        forgetLines()
    }

    /// What is kept of stored lines for the next question.
    func forgetLines() {
        inflated.removeAll()
        identities.withLock { $0.confirmed.removeAll() }
    }

    private static func unlinkIndex(_ partition: Partition) throws {
        for suffix in ["", "-wal", "-shm"] { try remove(partition.path + suffix) }
    }

    /// All that is left of the days; also what an earlier stop left. What was moved aside as unreadable is somebody's to
    /// look at, and stays.
    static func unlinkRest(_ folder: String, _ days: Set<Int64>) throws {
        if days.isEmpty { return }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { name in
            PieceName.day(ofFile: name).map { days.contains($0) } ?? false && !name.contains(".unreadable-")
        }
        for name in names { try remove(folder + "/" + name) }
        if !names.isEmpty { try syncFolder(folder) }
    }

    private static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else { throw StoreError.io(path: path, operation: "unlink", errno: errno) }
    }
}
