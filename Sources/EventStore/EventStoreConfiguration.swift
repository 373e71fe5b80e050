/// What the store may spend, each bound with its reason.
public struct EventStoreConfiguration: Sendable {
    /// Folder of the day partitions; made when it is missing.
    public var folder: String
    /// Lines of one block before compression. Larger blocks compress better and cost a lookup more: an actor's events
    /// over a month lie in as many blocks as there are events, so the time to inflate one block is the price of it.
    public var blockBytes = 64 << 10
    /// libdeflate's level for blocks while there is time. Of canonical lines of 719 bytes in blocks of 64 KiB level 1 left
    /// 120 bytes for 2.2 µs an event, level 4 109 for 3.8, level 6 101 for 5.1, level 7 99 for 6.7.
    public var compressionLevel = 6
    /// The level while events come faster than that: 20 bytes more an event, and 3 µs less.
    public var pressedCompressionLevel = 1
    /// Lines kept in memory until they are packed. Full means back-pressure on the writer.
    public var windowBytes = 64 << 20
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
    /// Bytes one lookup may inflate and scan before it answers with what it has and a cursor.
    public var scanBytes = 512 << 20
    /// Runs of one level that make one run of the next.
    public var mergeFanIn = 8

    public init(folder: String) { self.folder = folder }
}
