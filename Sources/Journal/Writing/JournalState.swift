import EventModel
import Logging
import Synchronization
import SystemPackage

/// What the writer's thread and everybody else share; each part is a short lock.
final class JournalState: Sendable {
    /// Followers, and the position up to which they have been told. One lock for both, so that a follower goes live
    /// between two groups: nothing is missed and nothing comes twice.
    struct Delivery {
        var attached: [Attached] = []
        var endPosition: UInt64
    }

    struct Attached {
        let follower: any JournalFollower
        /// False while it still catches up; its position already holds segments back.
        var isLive: Bool
    }

    let catalogue: SegmentCatalogue
    let tenants: TenantDirectory
    let folder: SegmentFolder
    let logger: Logger
    let delivery: Mutex<Delivery>
    /// The same position for those who only ask, also out of `committed`.
    let published: Atomic<UInt64>
    let health = Mutex(JournalHealth.good)
    let statistics: Mutex<JournalStatistics>
    /// Nothing is received before it, milliseconds since 1970. The writer holds the lock while it commits a group.
    let receivedFloor = Mutex(Int64.min)
    private let repairing = Mutex(())

    init(
        catalogue: SegmentCatalogue, tenants: TenantDirectory, folder: SegmentFolder, endPosition: UInt64, quarantined: Int, logger: Logger
    ) {
        self.catalogue = catalogue
        self.tenants = tenants
        self.folder = folder
        self.logger = logger
        published = Atomic(endPosition)
        delivery = Mutex(Delivery(endPosition: endPosition))
        var statistics = JournalStatistics()
        statistics.quarantinedSegments = quarantined
        self.statistics = Mutex(statistics)
    }

    var endPosition: UInt64 { published.load(ordering: .acquiring) }
    var liveFollowers: [any JournalFollower] { delivery.withLock { $0.attached.filter(\.isLive).map(\.follower) } }

    func freePassedSegments() {
        let applied = delivery.withLock { $0.attached.map(\.follower.appliedPosition).min() }
        guard let applied else { return }
        let passed = catalogue.takePassed(applied)
        guard !passed.isEmpty else { return }
        do throws(FileFault) {
            // Oldest first, so that a crash in between leaves no hole.
            for segment in passed { try folder.files.remove(segment.path) }
            try folder.files.syncFolder(folder.path)
        } catch {
            logger.error("freeing journal segments failed", metadata: ["operation": "\(error.operation)", "errno": "\(error.errno)"])
        }
    }

    /// A reader met a bad frame in a segment that is no longer written. Afterwards the good frames can be read.
    func repair(_ segment: SegmentCatalogue.Segment) throws(JournalError) {
        let outcome = repairing.withLock { _ -> Result<Void, JournalError> in
            do throws(JournalError) { return .success(try repairAlone(segment)) } catch { return .failure(error) }
        }
        try outcome.get()
    }

    private func repairAlone(_ segment: SegmentCatalogue.Segment) throws(JournalError) {
        var segment = segment
        let content: SegmentBytes
        do throws(FileFault) { content = try folder.bytes(of: segment.path) } catch { throw JournalError(error, segment.path) }
        let header = content.withBytes { SegmentHeader($0) }
        let start = header == nil ? 0 : content.withBytes { SegmentHeader.length($0) }!
        let scan = content.withBytes { SegmentScan($0, from: start, position: segment.firstPosition) { _, _ in } }
        // Somebody else was quicker.
        if header != nil, scan.damage.isEmpty, scan.tornBytes == 0 { return }
        let names = tenants.names.map { TenantState(name: $0, lastSeq: 0) }
        let head =
            header
            ?? SegmentHeader(
                node: 0, firstPosition: segment.firstPosition, created: folder.now().milliseconds, lastReceived: 0, tenants: names)
        let quarantined = try folder.repair(&segment, content, scan, head: head, hasHead: header != nil)
        catalogue.replace(segment)
        statistics.withLock { $0.quarantinedSegments += 1 }
        logger.critical(
            "a journal segment is damaged; its bytes are kept, its good frames go on",
            metadata: ["file": "\(quarantined.file)", "kept_as": "\(quarantined.keptAs)", "lost_positions": "\(quarantined.lostPositions)"])
    }
}
