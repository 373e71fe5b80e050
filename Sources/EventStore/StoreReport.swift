/// What opening the store found.
public struct StoreReport: Sendable, Equatable {
    public struct Unreadable: Sendable, Equatable {
        /// The partition's day, such as `2026-11-20`.
        public var day: String
        /// Where its files lie now.
        public var movedTo: [String]
        public var reason: String
    }

    /// A day whose index was made again from its members.
    public struct Rebuilt: Sendable, Equatable {
        public var day = ""
        /// Where the old index lies now; empty when there was none.
        public var movedTo: [String] = []
        public var reason = ""
        public var blocks = 0
        public var events = 0
        /// Bytes of the members files that are no member. Their events are gone unless the journal still holds them.
        public var damagedBytes = 0
        /// Events that the old index promised and the members no longer hold; `nil` when it could not be asked.
        public var missingEvents: Int?
    }

    public var partitions = 0
    public var events = 0
    public var blocks = 0
    /// Made again at this start; what their members do not hold the journal delivers, if it still can.
    public var rebuilt: [Rebuilt] = []
    /// Bytes of members files that no block refers to, left by a stop between writing and committing: cut off, or whole
    /// files that were deleted.
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
    /// Why the last merge failed; `nil` after one that did not.
    public var mergeError: String?
    /// Runs that merging will still join once there is time; at least 1 while a day has space to give back.
    public var unmergedRuns = 0
    /// Of members files that a compaction will still rewrite once there is time.
    public var uncompactedBytes = 0
    /// Of members files that were compacted.
    public var compactedBytes = 0
    public var compactions = 0
    public var compactionsFailed = 0
    /// Why the last compaction failed; `nil` after one that did not.
    public var compactionError: String?
    /// Something is left to compact, and the packer has too much to do.
    public var compactionWaits = false
    public var compactionRuns = false
    public var identityFilterBytes = 0
    /// Filters of identities dropped before their time because memory was short.
    public var identityFiltersDropped = 0
    public var damagedBlocks = 0
    /// Files that were found damaged since the start, each with what is wrong; a damaged index is made again at the next.
    public var damage: [String] = []
    public var waitingLookups = 0
}
