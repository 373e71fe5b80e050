import EventModel
import Journal

extension EventStore {
    public var appliedPosition: UInt64 { state.withLock { $0.appliedPosition } }

    public var failure: String? {
        state.withLock { state in
            guard let dropped = state.droppedFrom else { return state.failure }
            let reason = state.failure ?? "catching up from the journal"
            return "\(reason); events from position \(dropped) to \(state.endPosition) are not searchable yet"
        }
    }

    public func attached(to journal: Journal) { state.withLock { $0.journal = journal } }

    /// Keeps the batch where lookups see it; the packer takes it from there.
    public func committed(_ batch: CommittedBatch) {
        let day = Timestamp(milliseconds: batch.received).dayNumber
        compareWithOlder(day)
        let new = withoutPacked(batch, day)
        remember(new, day: day, isWhole: new === batch)
        keep(new, day: day, endPosition: batch.endPosition)
        packer?.batchCame(bytes: batch.lines.count)
    }

    /// In a replay, what the partition of that day has already is passed over, and so is a day that was dropped.
    private func withoutPacked(_ batch: CommittedBatch, _ day: Int64) -> CommittedBatch {
        let (known, isDropped) = state.withLock { state in
            (batch.firstPosition < state.packedEnd ? state.days[day]?.tenants : nil, state.droppedDays.contains(day))
        }
        if known == nil, !isDropped { return batch }
        let left = isDropped ? [] : batch.events.filter { $0.seq > known?[$0.tenant]?.lastSeq ?? 0 }
        if left.count == batch.events.count { return batch }
        return CommittedBatch(firstPosition: batch.firstPosition, received: batch.received, lines: batch.lines, events: left)
    }

    private func keep(_ batch: CommittedBatch, day: Int64, endPosition: UInt64) {
        var fresh = FreshBatch(batch: batch, endPosition: endPosition, day: day, minTime: .max, maxTime: .min, startBytes: 0)
        var bytes = 0
        for event in batch.events {
            fresh.minTime = min(fresh.minTime, event.time)
            fresh.maxTime = max(fresh.maxTime, event.time)
            bytes += Int(event.length)
        }
        state.withLock { state in
            state.endPosition = max(state.endPosition, endPosition)
            fresh.startBytes = state.committedBytes
            state.committedBytes += batch.lines.count
            if batch.events.isEmpty { return }
            if state.droppedFrom != nil || (state.failure != nil && state.windowBytes >= configuration.windowBytes) {
                // Packing fails and memory is used up. The journal keeps these events, because the applied position
                // stays before them; `catchUp` or the next start delivers them again.
                if state.droppedFrom == nil { state.droppedFrom = batch.firstPosition }
                return
            }
            state.fresh.append(fresh)
            state.addToWindow(day: day, events: batch.events.count, bytes: bytes)
        }
    }

    /// On the packer's thread: reads what was dropped from the journal, as far as there is room. Whether it got on.
    func catchUp() -> Bool {
        var hasMoved = false
        while true {
            let (position, journal) = state.withLock { state -> (UInt64?, Journal?) in
                let hasRoom = state.failure == nil && state.windowBytes < configuration.windowBytes / 4 * 3
                return (hasRoom ? state.droppedFrom : nil, state.journal)
            }
            guard let position, let journal else { return hasMoved }
            guard let batches = try? journal.read(from: position, limit: Self.catchUpEvents), !batches.isEmpty else { return hasMoved }
            for batch in batches where !takeAgain(batch) { return hasMoved }
            hasMoved = true
        }
    }

    /// Their identities were remembered when they came first.
    /// `false` when the journal is about to tell the batch itself.
    private func takeAgain(_ batch: CommittedBatch) -> Bool {
        let day = Timestamp(milliseconds: batch.received).dayNumber
        let new = withoutPacked(batch, day)
        var fresh = FreshBatch(batch: new, endPosition: batch.endPosition, day: day, minTime: .max, maxTime: .min, startBytes: 0)
        var bytes = 0
        for event in new.events {
            fresh.minTime = min(fresh.minTime, event.time)
            fresh.maxTime = max(fresh.maxTime, event.time)
            bytes += Int(event.length)
        }
        return state.withLock { state in
            if batch.firstPosition >= state.endPosition {
                // What lay before is no longer in the journal.
                state.droppedFrom = nil
                return false
            }
            fresh.startBytes = state.committedBytes
            if !new.events.isEmpty { state.fresh.append(fresh) }
            state.addToWindow(day: day, events: new.events.count, bytes: bytes)
            // The writer commits under this lock too, so nothing comes between the last one read and the next one told.
            state.droppedFrom = batch.endPosition < state.endPosition ? batch.endPosition : nil
            return true
        }
    }

    /// Read from the journal at once.
    private static let catchUpEvents = 2048

    /// Waits, at most a quarter of a second, while the window is full and packing works, or what was dropped is read
    /// again: slower than that it would never come to an end.
    public func waitForRoom() {
        for _ in 0..<5 {
            guard !hasRoom, let packer else { return }
            packer.hurry()
            packer.room.wait(milliseconds: 50)
        }
    }

    public var hasRoom: Bool {
        state.withLock { state in
            state.failure != nil || (state.windowBytes < configuration.windowBytes && (state.droppedFrom == nil || state.journal == nil))
        }
    }

    public var statistics: StoreStatistics {
        var statistics = StoreStatistics()
        var older: (any OlderDays)?
        let partitions = state.withLock { state -> [Partition] in
            statistics.partitions = state.days.count
            for day in state.days.values {
                for tenant in day.tenants.values {
                    statistics.events += tenant.events
                    statistics.blocks += tenant.blocks
                }
            }
            statistics.windowBytes = state.windowBytes
            statistics.windowEvents = state.windowEvents
            statistics.lagEvents = Int(state.endPosition - min(state.endPosition, state.appliedPosition))
            statistics.packs = state.packs
            statistics.damagedBlocks = state.damagedBlocks.count
            statistics.damage = state.damage.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            older = state.older
            return state.days.values.map(\.partition)
        }
        statistics.damage += older?.damage ?? []
        statistics.merges = merger.merges
        statistics.mergeError = merger.lastError
        statistics.unmergedRuns = merger.unmergedRuns
        compactor?.report(into: &statistics)
        statistics.waitingLookups = waitingLookups
        identities.withLock { memory in
            statistics.identityFilterBytes = memory.filter.byteCount
            statistics.identityFiltersDropped = memory.filter.dropped
        }
        for partition in partitions {
            statistics.memberBytes += partition.memberBytes
            statistics.indexBytes += partition.indexBytes
            statistics.runs += partition.runCount
        }
        return statistics
    }
}
