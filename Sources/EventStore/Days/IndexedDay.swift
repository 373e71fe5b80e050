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
    /// Lets go of what it holds open, where there may be thousands.
    mutating func release()
    /// Opens it once more; `nil` when it is no longer there, or cannot be read any more.
    mutating func reopen(_ scanned: inout Scanned) -> BlockDirectory?
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

    /// A partition is open for all lookups alike.
    func release() {}
    func reopen(_ scanned: inout Scanned) -> BlockDirectory? { try? open(&scanned) }
}
