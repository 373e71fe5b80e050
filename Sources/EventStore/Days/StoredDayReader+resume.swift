/// A day that still gets events, read again and again by somebody who remembers how far he came.
extension EventStore {
    /// The days of ``heldDays`` alone, which is asked often.
    package var heldDayNumbers: [Int64] { state.withLock { $0.days.filter { !$0.value.tenants.isEmpty }.keys.sorted() } }

    /// As ``openDay(_:)``, without compacting: what is packed now is read as it lies.
    package func openDay(asItLies day: Int64) throws -> StoredDayReader? {
        try packAll()
        guard let known = state.withLock({ $0.days[day] }) else { return nil }
        let stored = StoredDay(day: day, known.tenants)
        if stored.tenants.isEmpty { return nil }
        return StoredDayReader(
            day: stored, directory: try directory(known.directory, of: known.partition), level: configuration.compactionLevel)
    }
}

extension StoredDayReader {
    /// As ``members(of:_:)``, from the member on that holds the tenant's event number `events` of the day (counted from 0).
    /// `visit` is also told how many of the day's events come before the member's first.
    package func members(
        of tenant: UInt32, behind events: Int, _ visit: (_ lines: UnsafeRawBufferPointer, _ before: Int) throws -> Void
    ) throws {
        let numbers = directory.numbers[tenant] ?? []
        var at = 0
        var before = 0
        while at < numbers.count {
            let first = directory[numbers[at]].location
            var end = at
            var count = 0
            while end < numbers.count, first.isSameMember(as: directory[numbers[end]].location) {
                count += Int(directory[numbers[end]].count)
                end += 1
            }
            if before + count > events {
                try read(first, tenant)
                try give(numbers[at..<end], of: first) { _, lines in try visit(lines, before) }
            }
            before += count
            at = end
        }
    }
}
