/// What opening the store found.
public struct StoreReport: Sendable, Equatable {
    public struct Unreadable: Sendable, Equatable {
        /// The partition's day, such as `2026-11-20`.
        public var day: String
        /// Where its files lie now.
        public var movedTo: [String]
        public var reason: String
    }

    public var partitions = 0
    public var events = 0
    public var blocks = 0
    /// Bytes behind the last block of members files, left by a stop between writing and committing, cut off.
    public var membersBytesCut = 0
    /// Moved aside; what the journal still holds of these days is stored again.
    public var unreadable: [Unreadable] = []
}

/// Counters for metrics and health; sums over all partitions.
public struct StoreStatistics: Sendable, Equatable {
    public var partitions = 0
    public var events = 0
    public var blocks = 0
    public var runs = 0
    public var memberBytes = 0
    /// Bytes of the SQLite files, their write-ahead logs included.
    public var indexBytes = 0
    public var windowEvents = 0
    public var windowBytes = 0
    /// Committed and not yet durably packed, counted from the applied position.
    public var lagEvents = 0
    public var packs = 0
    public var merges = 0
    public var identityFilterBytes = 0
    /// Filters of identities dropped before their time because memory was short.
    public var identityFiltersDropped = 0
    public var damagedBlocks = 0
    public var waitingLookups = 0
}
