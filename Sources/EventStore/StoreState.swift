import EventModel
import Journal

/// A batch that the packer has not taken apart yet.
struct FreshBatch: Sendable {
    var batch: CommittedBatch
    var endPosition: UInt64
    var day: Int64
    var minTime: Int64
    var maxTime: Int64
    /// Bytes committed by the journal before it.
    var startBytes: Int
}

/// One partition as lookups see it.
struct DayState: Sendable {
    var partition: Partition
    var tenants: [UInt32: TenantSummary]
    /// `nil` until somebody asks; always there for a day that is being packed.
    var directory: BlockDirectory?
    /// Its directory changes with every pack and must stay.
    var isPacked = false
    /// Tells whether blocks were moved while a directory was being read.
    var compactions = 0
    /// For choosing which directory to let go.
    var lastUse = 0
}

/// Everything that lookups, writer and packer share, behind one lock: an event leaves the window in the same critical
/// section in which its block enters the directory, so every lookup sees it exactly once.
struct StoreState {
    var fresh: [FreshBatch] = []
    var open: [UInt32: OpenBlock] = [:]
    /// Full or forced out, being packed.
    var ready: [OpenBlock] = []
    var days: [Int64: DayState] = [:]

    /// Of fresh, open and ready together.
    var windowBytes = 0
    var windowEvents = 0
    /// The same by day; no entry for none.
    var windowDays: [Int64: Int] = [:]
    var committedBytes = 0
    /// Position behind the last batch that came.
    var endPosition: UInt64 = 0
    var appliedPosition: UInt64 = 0
    /// Events below lie in partitions perhaps; beyond it nothing was ever packed.
    var packedEnd: UInt64 = 0
    /// First position that found no place, while packing failed; the journal keeps it, and the packer reads it from
    /// there once there is room again.
    var droppedFrom: UInt64?
    weak var journal: Journal?
    var dropped = DroppedDays()
    /// The days of `dropped`.
    var droppedDays: Set<Int64> = []
    /// Answers for days that the store does not hold.
    var older: (any OlderDays)?
    /// Days that the store has only a part of, and `older` all; they are kept for their identities, and `older` answers.
    var yielded: Set<Int64> = []
    /// Days of which `older` was asked whether it has them.
    var compared: Set<Int64> = []
    var failure: String?
    var isClosed = false
    /// Ticks with every use of a directory.
    var uses = 0

    var packs = 0
    var merges = 0
    /// Met since the start.
    var damagedBlocks: Set<DamagedBlock> = []
    /// What was found unreadable since the start, by file.
    var damage: [String: String] = [:]

    mutating func addToWindow(day: Int64, events: Int, bytes: Int) {
        windowBytes += bytes
        windowEvents += events
        let left = (windowDays[day] ?? 0) + events
        windowDays[day] = left == 0 ? nil : left
    }

    /// Smallest position that lies only in memory.
    var firstUnpacked: UInt64 {
        var first = endPosition
        if let batch = fresh.first { first = min(first, batch.batch.firstPosition) }
        for block in open.values { first = min(first, block.firstPosition) }
        for block in ready { first = min(first, block.firstPosition) }
        if let droppedFrom { first = min(first, droppedFrom) }
        return first
    }
}

/// A block whose member cannot be read.
struct DamagedBlock: Hashable {
    var day: Int64
    var number: UInt32
}
