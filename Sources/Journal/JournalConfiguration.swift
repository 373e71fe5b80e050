import EventModel
import SystemPackage

/// Where the journal lies and how much it takes on at a time. Every queue has a limit, and every limit its reason.
public struct JournalConfiguration: Sendable {
    public var folder: FilePath

    /// Freeing works by whole segments, so a segment is also the unit in which disk space comes back; 64 MiB is read
    /// and verified in well under a second when the server starts.
    public var segmentBytes = 64 << 20

    /// What may wait for the writer before callers are told `queueFull`. Twice the largest request body (64 MiB),
    /// so that one bulk load does not lock out everybody else.
    public var maxQueuedBytes = 128 << 20
    public var maxQueuedEvents = 500_000

    /// One group is one frame and one sync. Larger groups no longer raise throughput (the sync is below a tenth of
    /// the group's time by then) but make every caller of the group wait for the slowest.
    public var maxGroupEvents = 16_384
    public var maxGroupBytes = 8 << 20

    /// Told to callers as `Retry-After`.
    public var queueRetrySeconds = 1
    public var diskRetrySeconds = 10

    /// Below this much free space the journal answers `diskFull` on its own, so that the other stores on the same
    /// disk can still write what they must. 0: only the file system's own answer counts.
    public var minimumFreeBytes = 0

    /// Syncs that take longer are not waited for on a caller's thread (``Journal/appendHere(_:)``).
    public var quickSync = Duration.milliseconds(1)

    /// Drawn once for a data folder; part of every event's id.
    public var node: UInt16

    public var now: @Sendable () -> Timestamp
    /// Tests put a full or failing disk here.
    public var files: any JournalFiles

    public init(
        folder: FilePath, node: UInt16 = 0, now: @escaping @Sendable () -> Timestamp = { Timestamp.wallClock() },
        files: any JournalFiles = DiskFiles()
    ) {
        self.folder = folder
        self.node = node & 0xFFF
        self.now = now
        self.files = files
    }
}
