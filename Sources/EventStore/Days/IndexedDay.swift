/// One received-day that a lookup looks into, whoever holds it. What it gives are blocks, and which of them may hold an
/// answer; everything else about a lookup is the same for the store and for archives.
protocol IndexedDay {
    /// Days since 1970-01-01.
    var day: Int64 { get }
    /// `nil` when it cannot be read, and the answer goes on without it.
    mutating func open(_ scanned: inout Scanned) throws(SearchError) -> BlockDirectory?
    /// Numbers of the blocks that a plan leaves; `nil` when that cannot be read, and the answer goes on without them.
    mutating func candidates(_ plan: TermPlan, _ scanned: inout Scanned) throws(SearchError) -> [UInt32]?
    func noteDamagedBlock(_ number: UInt32)
}

/// A partition of the store. One that cannot be read ends the lookup.
struct HeldDay: IndexedDay {
    let store: EventStore
    let partition: Partition
    let directory: BlockDirectory?

    var day: Int64 { partition.day }

    func open(_ scanned: inout Scanned) throws(SearchError) -> BlockDirectory? { try store.directory(directory, of: partition) }

    func candidates(_ plan: TermPlan, _ scanned: inout Scanned) throws(SearchError) -> [UInt32]? {
        try store.candidates(plan, partition, seeks: &scanned.termSeeks)
    }

    func noteDamagedBlock(_ number: UInt32) { store.noteDamagedBlock(partition, number) }
}

/// A file of one tenant. There may be thousands, here or far away, so one that cannot be read is named, and the others
/// answer on.
struct ArchivedDay: IndexedDay {
    let older: any OlderDays
    let file: OlderDay
    private var index: (any OlderDayIndex)?

    var day: Int64 { file.day }

    init(_ file: OlderDay, _ older: any OlderDays) {
        self.file = file
        self.older = older
    }

    mutating func open(_ scanned: inout Scanned) -> BlockDirectory? { opened(&scanned)?.blocks.directory }

    mutating func opened(_ scanned: inout Scanned) -> (any OlderDayIndex)? {
        if let index { return index }
        scanned.archives += 1
        do {
            index = try older.open(file, bytesRead: &scanned.archiveBytes)
            return index
        } catch {
            note(error, &scanned)
            return nil
        }
    }

    mutating func candidates(_ plan: TermPlan, _ scanned: inout Scanned) -> [UInt32]? {
        guard let index = opened(&scanned) else { return nil }
        do {
            return try plan.blocks { range in
                scanned.termSeeks += 1
                return try index.candidates(range, bytesRead: &scanned.archiveBytes)
            }
        } catch {
            note(error, &scanned)
            return nil
        }
    }

    func note(_ error: any Error, _ scanned: inout Scanned) {
        scanned.damagedBlocks += 1
        older.noteDamage(file, reason: "\(error)")
    }

    func noteDamagedBlock(_ number: UInt32) { older.noteDamage(file, reason: "block \(number) cannot be read") }
}
