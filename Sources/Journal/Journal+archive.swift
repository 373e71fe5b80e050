import EventModel

/// What the archive asks of the journal besides following it.
extension Journal {
    /// Closes a received-day (days since 1970): what is committed from now on is received at its midnight at the earliest,
    /// whatever the clock says. Groups under way are committed when it returns. For as long as the journal is open; hand
    /// ``JournalFloor/received`` to the next opening.
    public func closeDay(_ day: Int64) {
        // The writer holds this lock over a whole group, so none that began before is still on its way.
        state.receivedFloor.withLock { $0 = max($0, (day + 1) * 86_400_000) }
    }

    /// The first position of the oldest segment from which on all segments together have at most `bytes`; the active
    /// segment counts and is always among them.
    public func position(keeping bytes: Int) -> UInt64 { state.catalogue.position(keeping: bytes) }

    /// Bytes of the segments that hold `position` or what came after it.
    public func bytes(from position: UInt64) -> Int { state.catalogue.bytes(from: position) }
}

extension SegmentCatalogue {
    func position(keeping bytes: Int) -> UInt64 {
        let all = all
        guard var first = all.last?.firstPosition else { return 0 }
        var sum = 0
        for segment in all.reversed() {
            sum += segment.committedBytes
            if sum > bytes { break }
            first = segment.firstPosition
        }
        return first
    }

    func bytes(from position: UInt64) -> Int {
        let all = all
        let first = max(0, (all.firstIndex { $0.firstPosition > position } ?? all.count) - 1)
        return all.dropFirst(first).reduce(0) { $0 + $1.committedBytes }
    }
}
