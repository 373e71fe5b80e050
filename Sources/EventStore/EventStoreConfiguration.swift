/// What the store may spend, each bound with its reason.
public struct EventStoreConfiguration: Sendable {
    /// Folder of the day partitions; made when it is missing.
    public var folder: String
    /// Lines of one block before compression: what the term index points to, and what a lookup scans.
    public var blockBytes = 128 << 10
    /// Compressed bytes after which the packer begins a new members file. A closed one is compacted when there is time.
    public var pieceBytes = 64 << 20
    /// Lines of one gzip member after compaction. Larger ones compress better and cost more to inflate for one event.
    public var memberBytes = 256 << 10
    /// libdeflate's level for compacted members. Of canonical lines of 692 bytes in members of 256 KiB level 6 leaves
    /// 87 bytes for 4.1 µs an event, level 7 85 for 5.9; the packer's level 1 in members of 128 KiB 111 for 1.7.
    public var compactionLevel = 7
    /// The packer must have had next to nothing to do for this long before a compaction of a day that goes on begins.
    /// Besides blocks' rows of some dozen bytes it needs memory for two members and a compressed one.
    public var compactionIdle: Duration = .seconds(3)
    /// Uncompacted bytes of a day that goes on below which a compaction is not worth its file.
    public var smallestCompactionBytes = 1 << 20
    /// Files are not compacted together beyond this: so much is needed on the disk while it is done.
    public var largestPieceBytes = 512 << 20
    /// Lines kept in memory until they are packed. Full means back-pressure on the writer. 64 MiB is no faster.
    public var windowBytes = 40 << 20
    /// A partial block is packed once this many bytes were committed behind its first event, so that journal segments
    /// can be freed although one tenant is quiet.
    public var lagBytes = 128 << 20
    /// A partial block is packed at this age even when nothing presses.
    public var partialAge: Duration = .seconds(300)
    /// How long the same identity is recognised.
    public var identityWindow: Duration = .seconds(7 * 86_400)
    /// Memory for the filters of identities; past it the oldest filter goes first and statistics say so.
    public var identityFilterBytes = 96 << 20
    /// Inflated blocks kept for the next lookup.
    public var inflatedBytes = 16 << 20
    /// Partitions held open at once.
    public var openPartitions = 48
    /// Threads that run lookups; more would only take cores from the intake.
    public var lookupThreads = 2
    /// Lookups waiting for a thread before ``SearchError/busy(waiting:)``.
    public var waitingLookups = 256
    /// A page of a lookup ends with the event that brings it to this many bytes, however many events were asked for: a
    /// thousand of the largest would be a quarter of a gigabyte.
    public var pageBytes = 4 << 20
    /// Bytes one lookup may inflate and scan before it answers with what it has and a cursor.
    public var scanBytes = 512 << 20
    /// Time after which it does the same: archives may lie far away. A lookup has one of two threads meanwhile.
    public var scanTime: Duration = .seconds(5)
    /// Runs of one level that make one run of the next.
    public var mergeFanIn = 8

    public init(folder: String) { self.folder = folder }
}
