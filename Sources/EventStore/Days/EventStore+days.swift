import EventModel

extension EventStore {
    /// Days for which duplicates are recognised, and partitions therefore kept.
    package var identityWindowDays: Int64 { configuration.identityWindow.components.seconds / 86_400 }

    /// The days that have packed events, ascending; what is only in the window is not counted.
    package var heldDays: [StoredDay] {
        state.withLock { $0.days.map { StoredDay(day: $0.key, $0.value.tenants) } }.filter { !$0.tenants.isEmpty }.sorted {
            $0.day < $1.day
        }
    }

    /// Events of a received-day, those in the window included, by tenant's number. From one moment.
    package func eventCounts(after day: Int64) -> [Int64: [UInt32: Int]] {
        let snapshot = snapshot(tenants: nil, times: Timestamp.earliest..<Timestamp.latest + 1)
        var counts: [Int64: [UInt32: Int]] = [:]
        for held in snapshot.days where held.partition.day > day {
            for (tenant, summary) in held.tenants { counts[held.partition.day, default: [:]][tenant, default: 0] += summary.events }
        }
        for block in snapshot.blocks where block.day > day && block.count > 0 {
            counts[block.day, default: [:]][block.tenant, default: 0] += block.count
        }
        for entry in snapshot.fresh where entry.day > day {
            for event in entry.batch.events { counts[entry.day, default: [:]][event.tenant, default: 0] += 1 }
        }
        return counts
    }

    /// The name of a tenant's number; empty where it is not known.
    package func name(of tenant: UInt32) -> String { tenantName(tenant) }

    /// Packs everything received so far, compacts the day, and opens it; `nil` when nothing was received that day. Blocks
    /// the caller. The caller sees to it that nothing is received for that day any more.
    package func openDay(_ day: Int64) throws -> StoredDayReader? {
        try packWaiting(of: day)
        guard state.withLock({ $0.days[day] != nil }) else { return nil }
        // Members that could not be joined are read as well.
        do { try settle(day: day) } catch { logger.warning("\(Partition.name(day: day)) is read without being compacted: \(error)") }
        guard let known = state.withLock({ $0.days[day] }) else { return nil }
        let stored = StoredDay(day: day, known.tenants)
        if stored.tenants.isEmpty { return nil }
        return StoredDayReader(
            day: stored, directory: try directory(known.directory, of: known.partition), level: configuration.compactionLevel)
    }

    /// Packs what waits of a day. Throws when events are missing that found no room while packing failed.
    func packWaiting(of day: Int64) throws {
        if state.withLock({ $0.windowDays[day] != nil }) { try packAll() }
        while let dropped = state.withLock({ $0.droppedFrom }) {
            try packAll()
            if state.withLock({ $0.droppedFrom == dropped }) {
                throw StoreError.failed(reason: failure ?? "events from position \(dropped) on are not packed yet")
            }
        }
    }

    /// Removes a day for good: it is out of all answers at once, its files are unlinked, and what the journal may deliver
    /// of it again is passed over. Lookups under way finish on what they hold. `today` is the day the caller's clock
    /// shows; without it the newest day with events counts. Refused (``StoreError/refused(reason:)``) for a day within the
    /// identity window and for one that still gets events. A day that is not held is no error.
    package func drop(day: Int64, today: Int64? = nil) throws { try drop(day: day, today: today) { _ in } }

    /// Replaces lines of a day (all tenants, or those named). `change` gets each line without its newline, some of them
    /// twice, and gives the line to stand in its place, or `nil`; `seq`, `id`, `received`, `time`, `tenant`, `kind`, `action` and `outcome` must
    /// stay (``StoreError/refused(reason:)``). Packs first; everything that was received before the call is rewritten. All
    /// other lines stay as they are. Durable when it returns, undone as a whole when it throws; afterwards neither files
    /// nor memory of the store hold the replaced lines or their terms. Blocks the caller. Returns what was replaced.
    package func rewrite(
        day: Int64, tenants: Set<UInt32>? = nil, _ change: (_ tenant: UInt32, _ line: UnsafeRawBufferPointer) throws -> [UInt8]?
    ) throws -> [RewrittenLine] {
        try withoutActuallyEscaping(change) { try rewrite(day: day, tenants: tenants, LineChange(change: $0)) { _ in } }
    }
}
