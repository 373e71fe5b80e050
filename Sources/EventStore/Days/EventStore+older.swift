import Journal

extension EventStore {
    /// Where lookups go on for days that the store does not hold. Called before the journal delivers anything.
    ///
    /// A store that lost files has less of a day than was sealed, and what the journal delivers again may be less, too.
    /// Such a day keeps what it has, because duplicates are recognised by it, and lookups ask `older`.
    package func use(older: any OlderDays) {
        let days = state.withLock { state -> [(day: Int64, events: Int)] in
            state.older = older
            return state.days.map { ($0.key, $0.value.tenants.values.reduce(0) { $0 + $1.events }) }
        }
        for (day, events) in days { yieldDay(day, ifFewerThan: older.events(day: day), events) }
    }

    /// Forgets all inflated members: whoever changes an archived file calls it, so that none of its old lines stay in memory.
    package func forgetInflated() { inflated.removeAll() }

    /// A day that comes to be while `older` has it already is one whose files were lost.
    func compareWithOlder(_ day: Int64) {
        let older = state.withLock { state -> (any OlderDays)? in
            guard let older = state.older, !state.compared.contains(day) else { return nil }
            return state.days[day] == nil && state.windowDays[day] == nil ? older : nil
        }
        if let older { yieldDay(day, ifFewerThan: older.events(day: day), 0) }
    }

    private func yieldDay(_ day: Int64, ifFewerThan sealed: Int?, _ events: Int) {
        let yields = events < sealed ?? 0
        state.withLock { state in
            state.compared.insert(day)
            if yields { state.yielded.insert(day) }
        }
        if yields {
            logger.error(
                "the store holds \(events) events of \(Partition.name(day: day)) and the archive \(sealed ?? 0); the archive answers for that day"
            )
        }
    }

    /// The lines of a block; what was read of an archived file is counted.
    func lines(
        of number: UInt32, in directory: BlockDirectory, day: Int64, upTo extent: InflatedBlocks.Extent,
        _ inflater: borrowing Inflater, _ scanned: inout Scanned
    ) -> ArraySlice<UInt8>? {
        let before = scanned.blocksInflated
        let lines = inflated.lines(of: number, in: directory, day: day, upTo: extent, inflater, scanned: &scanned)
        let location = directory[number].location
        if location.isArchived, scanned.blocksInflated > before { scanned.archiveBytes += Int(location.length) }
        return lines
    }
}
