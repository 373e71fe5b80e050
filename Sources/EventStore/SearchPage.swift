import EventModel

/// What a lookup found.
public struct SearchPage: Sendable {
    /// Canonical lines without their newline, in the order asked for.
    public var lines: [ArraySlice<UInt8>] = []
    /// Asks for what follows; `nil` when nothing does.
    public var nextCursor: String?
    public var scanned = Scanned()

    public init() {}
}

/// What an answer cost; part of every answer, so that a slow question explains itself.
public struct Scanned: Sendable, Equatable {
    /// Partitions whose time range could hold an answer.
    public var partitions = 0
    /// B-tree seeks in term runs.
    public var termSeeks = 0
    /// Blocks left after tenant, time and terms.
    public var blocks = 0
    public var blocksInflated = 0
    /// Blocks that could not be read, and archived files; their events are missing from the answer.
    public var damagedBlocks = 0
    /// Inflated bytes looked at.
    public var bytes = 0
    /// Events compared, the fresh ones included.
    public var events = 0
    /// Archived files that were opened or asked.
    public var archives = 0
    /// Bytes read from them, as they lie there.
    public var archiveBytes = 0

    public init() {}

    mutating func add(_ other: Scanned) {
        partitions += other.partitions
        termSeeks += other.termSeeks
        blocks += other.blocks
        blocksInflated += other.blocksInflated
        damagedBlocks += other.damagedBlocks
        bytes += other.bytes
        events += other.events
        archives += other.archives
        archiveBytes += other.archiveBytes
    }
}

/// One event of a stream that is resumed.
public struct ReplayedEvent: Sendable {
    public var position: UInt64
    /// Canonical line without its newline.
    public var line: [UInt8]
}

public enum SearchError: Error, Sendable, Equatable {
    /// As many lookups wait as may; ask again later.
    case busy(waiting: Int)
    /// The cursor is not one of ours, or belongs to the other order.
    case badCursor(String)
    case badQuery(reason: String)
    case unreadable(partition: String, reason: String)
    case closed
}
