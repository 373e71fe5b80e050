import EventModel
import Logging
import SystemPackage

/// The batching writer and the log it writes: the only truth at the moment of acknowledgement.
///
/// Callers hand in batches and are suspended; one thread takes everything that waits, numbers it, writes it as one
/// frame, syncs once, tells the followers and resumes the callers. Layouts: ``SegmentHeader``, ``FrameHeader``.
/// Everything else in Daybook follows this log from a position of its own and can be rebuilt from it.
public final class Journal: Sendable {
    /// What was found at opening.
    public let recovery: RecoveryReport
    /// Owned and persisted by the journal; numbers given here are on disk with the first event that uses them.
    public let tenants: TenantDirectory

    private let configuration: JournalConfiguration
    let state: JournalState
    private let queue: AppendQueue
    private let thread: WriterThread
    private let writer: JournalWriter

    /// Opens or creates the folder, recovers, and starts the writer's thread.
    public static func open(
        _ configuration: JournalConfiguration, identities: any IdentityIndex, floor: JournalFloor = JournalFloor(), logger: Logger
    ) throws(JournalError) -> Journal {
        let folder = SegmentFolder(path: configuration.folder, files: configuration.files, now: configuration.now)
        var recovery = try Recovery(configuration, folder: folder, floor: floor, logger: logger)
        let file = try recovery.openActive()
        let directory = TenantDirectory()
        for (number, tenant) in recovery.tenants.enumerated() {
            let given = directory.register(tenant.name)
            guard given == UInt32(number) else {
                throw .tenantMismatch(number: UInt32(number), journal: tenant.name, store: tenant.name)
            }
        }
        return Journal(configuration, identities, recovery, folder, directory, file, logger)
    }

    private init(
        _ configuration: JournalConfiguration, _ identities: any IdentityIndex, _ recovered: Recovery, _ folder: SegmentFolder,
        _ directory: TenantDirectory, _ file: any JournalFile, _ logger: Logger
    ) {
        self.configuration = configuration
        recovery = recovered.report
        tenants = directory
        state = JournalState(
            catalogue: SegmentCatalogue(recovered.segments), tenants: directory, folder: folder, endPosition: recovered.position,
            quarantined: recovered.report.quarantined.count, logger: logger)
        queue = AppendQueue(
            maxEvents: configuration.maxQueuedEvents, maxBytes: configuration.maxQueuedBytes,
            retryAfterSeconds: configuration.queueRetrySeconds)
        let assembler = GroupAssembler(
            tenants: directory, lastSeq: recovered.tenants.map(\.lastSeq), identities: identities, node: configuration.node)
        writer = JournalWriter(
            configuration, state: state, queue: queue, assembler: assembler, file: file, active: recovered.segments.last!,
            position: recovered.position, lastReceived: recovered.lastReceived)
        thread = WriterThread()
        thread.start(writer)
    }

    /// What waits is still written; then the thread ends.
    deinit { queue.close() }

    /// Returns when the batch is on disk and followers know it. Outcomes are in the batch's order. A cancelled caller
    /// still waits: its events may be written already, and it should learn so.
    public func append(_ batch: NormalisedBatch) async throws(JournalError) -> Receipt {
        let answer = await withUnsafeContinuation { (caller: UnsafeContinuation<Result<Receipt, JournalError>, Never>) in
            append(batch) { caller.resume(returning: $0) }
        }
        return try answer.get()
    }

    /// The same for callers that are no tasks, such as event loops. `completion` runs once: on the writer's thread, which
    /// it must not hold up, or right here for a batch that is refused or empty.
    public func append(_ batch: NormalisedBatch, completion: @escaping @Sendable (Result<Receipt, JournalError>) -> Void) {
        guard !batch.isEmpty else { return completion(.success(Receipt(outcomes: [], tenants: []))) }
        let bytes = batch.bodies.count + batch.events.count * (LinePrefix.maxLength + 1 + FrameHeader.eventLength)
        guard bytes < FrameHeader.maxFrameBytes / 2 else {
            return completion(.failure(.batchTooLarge(bytes: bytes, limit: FrameHeader.maxFrameBytes / 2)))
        }
        if let refusal = queue.add(AppendRequest(batch: batch, completion: completion)) { completion(.failure(refusal)) }
    }

    /// Commits a small batch on the calling thread, when nothing else is waiting or being written and the disk is quick;
    /// `nil`, with nothing done, otherwise. It saves waking two threads, which takes as long as half a sync, and keeps
    /// the caller for the length of one: for callers that have nothing else to do meanwhile.
    public func appendHere(_ batch: NormalisedBatch) -> Result<Receipt, JournalError>? {
        let bytes = batch.bodies.count + batch.events.count * (LinePrefix.maxLength + 1 + FrameHeader.eventLength)
        guard !batch.isEmpty, bytes <= ActiveSegment.smallGroupBytes, queue.isIdle else { return nil }
        return writer.commitHere(batch, bytes: bytes)
    }

    /// Goes on in a new segment, so that all that was written so far can be freed. Returns when it has begun; what the
    /// followers have passed is freed already then.
    public func beginSegment() async throws(JournalError) {
        let answer = await withUnsafeContinuation { (caller: UnsafeContinuation<Result<Receipt, JournalError>, Never>) in
            let request = AppendRequest(batch: NormalisedBatch(), completion: { caller.resume(returning: $0) }, beginsSegment: true)
            if let refusal = queue.add(request) { caller.resume(returning: .failure(refusal)) }
        }
        _ = try answer.get()
    }

    /// Adds a follower. Everything from its `appliedPosition` on is delivered first, on the caller's thread, then live.
    /// Attach all followers before the first append: segments are freed by the positions of those that are attached.
    public func attach(_ follower: any JournalFollower) throws(JournalError) {
        let end = state.delivery.withLock { delivery in
            delivery.attached.append(JournalState.Attached(follower: follower, isLive: false))
            return delivery.endPosition
        }
        follower.attached(to: self)
        var cursor = JournalCursor(state, from: follower.deliveryPosition)
        do throws(JournalError) {
            try deliver(to: follower, from: &cursor, below: end)
            // What was committed meanwhile; a few rounds, so that the lock is held for little.
            for _ in 0..<4 { try deliver(to: follower, from: &cursor, below: state.endPosition) }
            try goLive(follower, &cursor)
        } catch {
            state.delivery.withLock { $0.attached.removeAll { $0.follower === follower } }
            throw error
        }
    }

    private func deliver(to follower: any JournalFollower, from cursor: inout JournalCursor, below end: UInt64) throws(JournalError) {
        while let batch = try cursor.next(below: end) {
            follower.waitForRoom()
            follower.committed(batch)
        }
    }

    /// With the lock held the writer publishes nothing, so the rest is short and the switch is exact.
    private func goLive(_ follower: any JournalFollower, _ cursor: inout JournalCursor) throws(JournalError) {
        try state.delivery.withLock { (delivery) throws(JournalError) in
            try deliver(to: follower, from: &cursor, below: delivery.endPosition)
            let index = delivery.attached.firstIndex { $0.follower === follower }!
            delivery.attached[index].isLive = true
        }
    }

    /// Committed events from `position` on, or from the oldest kept, at most `limit`.
    public func read(from position: UInt64, limit: Int) throws(JournalError) -> [CommittedBatch] {
        let end = endPosition
        var cursor = JournalCursor(state, from: position)
        var batches: [CommittedBatch] = []
        var left = limit
        while left > 0, let batch = try cursor.next(below: end, limit: left) {
            left -= batch.events.count
            batches.append(batch)
        }
        return batches
    }

    public var oldestPosition: UInt64 { state.catalogue.oldestPosition }
    /// The position the next event will have.
    public var endPosition: UInt64 { state.endPosition }

    /// Removes segments that every attached follower has durably applied; the active one stays. The writer does so
    /// itself whenever it begins a segment.
    public func freeSegments() { state.freePassedSegments() }

    public var health: JournalHealth { state.health.withLock { $0 } }

    public var statistics: JournalStatistics {
        var statistics = state.statistics.withLock { $0 }
        (statistics.queuedEvents, statistics.queuedBytes) = queue.depth
        (statistics.segments, statistics.segmentBytes) = state.catalogue.totals
        statistics.oldestPosition = oldestPosition
        statistics.endPosition = endPosition
        return statistics
    }

    /// Takes nothing more, commits what is queued, and returns when the writer has ended.
    public func close() async {
        queue.close()
        await thread.join()
    }
}
