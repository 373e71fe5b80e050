import EventModel
import Logging
import SystemPackage

/// The batching writer. It alone numbers events and touches the active segment.
///
/// It has a thread of its own, which may wait for the disk. A caller that is alone may commit its batch itself, on its own
/// thread (``commitHere(_:bytes:)``): there is nobody whose events would gather meanwhile.
///
/// The wait is adaptive by construction: while one group is being synced the next one gathers in the queue, so with
/// one caller a group is one batch and with a hundred it is whatever a hundred send during a sync. A timer would only
/// add latency to the first and nothing to the second.
///
/// Failures. Nothing of a group that could not be written and synced whole is acknowledged, and its numbers are given
/// again. A full disk: what was half written is cut off, and the next append tries anew. A failed sync: the kernel
/// may have marked the pages clean, so the next sync would succeed and mean nothing; the journal stays closed to
/// appends until it is opened again.
///
/// Sendable: everything that changes is touched with `state.receivedFloor` locked, by whoever commits.
final class JournalWriter: @unchecked Sendable {
    private let configuration: JournalConfiguration
    private let state: JournalState
    private let queue: AppendQueue
    private let assembler: GroupAssembler
    private let logger: Logger

    private var active: ActiveSegment
    private var position: UInt64
    private var lastReceived: Int64
    /// How many of the directory's tenants are on disk.
    private var namedTenants: Int
    private var isEmptySegment: Bool
    /// Set for good when a sync failed.
    private var failure: JournalError?
    private var bytesSinceSpaceCheck = Int.max
    /// What a sync takes at present: a mean in which each one counts an eighth.
    private var meanSync = Duration.seconds(60)

    /// The reserve is looked at about as often as it can matter.
    private static let spaceCheckBytes = 16 << 20

    init(
        _ configuration: JournalConfiguration, state: JournalState, queue: AppendQueue, assembler: GroupAssembler, file: any JournalFile,
        active: SegmentCatalogue.Segment, position: UInt64, lastReceived: Int64
    ) {
        self.configuration = configuration
        self.state = state
        self.queue = queue
        self.assembler = assembler
        self.active = ActiveSegment(
            file, path: active.path, committedBytes: active.committedBytes, limit: configuration.segmentBytes)
        self.logger = state.logger
        self.position = position
        self.lastReceived = lastReceived
        namedTenants = state.tenants.count
        isEmptySegment = active.firstPosition == position
    }

    /// The thread's whole life.
    func run() {
        var group: [AppendRequest] = []
        while queue.waitForRequests() {
            for follower in state.liveFollowers { follower.waitForRoom() }
            queue.take(maxEvents: configuration.maxGroupEvents, maxBytes: configuration.maxGroupBytes, into: &group)
            let answers = state.receivedFloor.withLock { commit(group, notBefore: $0) }
            for (request, answer) in zip(group, answers) { request.completion(answer) }
            group.removeAll(keepingCapacity: true)
        }
        state.receivedFloor.withLock { _ in
            failure = failure ?? .closed
            active.leave()
        }
    }

    /// Commits a batch on the calling thread. `nil`, with nothing done: somebody else is committing, or it might take
    /// longer than writing a few bytes and syncing them.
    func commitHere(_ batch: NormalisedBatch, bytes: Int) -> Result<Receipt, JournalError>? {
        let names = batch.tenants.count * (MemoryLayout<UInt16>.size + Limits.tenantBytes)
        let answer = state.receivedFloor.withLockIfAvailable { floor -> Result<Receipt, JournalError>? in
            guard failure == nil, meanSync < configuration.quickSync else { return nil }
            guard active.committedBytes + FrameHeader.length + bytes + names <= configuration.segmentBytes else { return nil }
            guard state.liveFollowers.allSatisfy(\.hasRoom) else { return nil }
            return commit([AppendRequest(batch: batch, completion: { _ in })], notBefore: floor)[0]
        }
        return answer ?? nil
    }

    private func commit(_ requests: [AppendRequest], notBefore floor: Int64) -> [Result<Receipt, JournalError>] {
        if let failure { return requests.map { _ in .failure(failure) } }
        if !isEmptySegment, requests.contains(where: \.beginsSegment) {
            do throws(JournalError) { try beginSegment() } catch { return requests.map { _ in .failure(error) } }
        }
        let received = Timestamp(milliseconds: max(lastReceived, floor, configuration.now().milliseconds))
        let group = assembler.assemble(requests, position: position, received: received, namedTenants: namedTenants)
        guard let batch = group.batch else {
            count(group)
            return group.answers
        }
        do throws(JournalError) {
            let size = assembler.head.count + batch.lines.count
            try checkRoom(size)
            if !isEmptySegment, active.committedBytes + size > configuration.segmentBytes { try beginSegment() }
            let latency = try write(batch)
            publish(batch, group, bytes: size, latency)
            return group.answers
        } catch {
            assembler.rollBack()
            return requests.map { _ in .failure(error) }
        }
    }

    private func checkRoom(_ bytes: Int) throws(JournalError) {
        guard configuration.minimumFreeBytes > 0 else { return }
        bytesSinceSpaceCheck = bytesSinceSpaceCheck > Self.spaceCheckBytes ? Int.max : bytesSinceSpaceCheck + bytes
        guard bytesSinceSpaceCheck > Self.spaceCheckBytes else { return }
        guard let free = try? configuration.files.freeBytes(in: configuration.folder) else { return }
        guard free >= configuration.minimumFreeBytes + bytes else {
            let reason = "\(configuration.folder): \(free) bytes free, \(configuration.minimumFreeBytes) are kept in reserve"
            state.health.withLock { $0 = .full(reason: reason) }
            throw .diskFull(path: configuration.folder.string, retryAfterSeconds: configuration.diskRetrySeconds)
        }
        bytesSinceSpaceCheck = 0
    }

    /// The old segment was synced with its last group; the new one exists durably before anything goes into it.
    private func beginSegment() throws(JournalError) {
        let names = state.tenants.names
        // The group being written has numbers already that are not on disk yet; the snapshot says what was before it.
        let lastSeq = assembler.committedLastSeq
        let tenants = names[..<namedTenants].enumerated().map { TenantState(name: $1, lastSeq: lastSeq[$0]) }
        let header = SegmentHeader(
            node: configuration.node, firstPosition: position, created: configuration.now().milliseconds, lastReceived: lastReceived,
            tenants: tenants)
        let path = state.folder.path(ofSegment: position)
        do throws(FileFault) {
            let (fresh, length) = try state.folder.create(header)
            active.leave()
            active = ActiveSegment(fresh, path: path, committedBytes: length, limit: configuration.segmentBytes)
            isEmptySegment = true
            state.catalogue.append(SegmentCatalogue.Segment(firstPosition: position, path: path, committedBytes: length))
        } catch { throw refuse(error, path) }
        state.freePassedSegments()
    }

    private func write(_ batch: CommittedBatch) throws(JournalError) -> Duration {
        do throws(FileFault) {
            try batch.lines.withTypedBytes { (lines) throws(FileFault) in try active.write(assembler.head, lines) }
        } catch {
            state.statistics.withLock { $0.writeFailures += 1 }
            if error.endangersCommitted { throw close(error) }
            active.cut()
            throw refuse(error, active.path)
        }
        let clock = ContinuousClock()
        let start = clock.now
        do throws(FileFault) {
            try active.sync()
        } catch {
            state.statistics.withLock { $0.syncFailures += 1 }
            throw close(error)
        }
        let latency = clock.now - start
        meanSync += (latency - meanSync) / 8
        return latency
    }

    /// What the disk has of the last group, or of the block it shares with those before, is not known any more.
    private func close(_ fault: FileFault) -> JournalError {
        // Unacknowledged bytes must not come back as committed after a restart.
        active.cut()
        let failure = JournalError.syncFailed(path: active.path.string, errno: fault.errno)
        self.failure = failure
        state.health.withLock { $0 = .failed(reason: "\(failure)", errno: fault.errno) }
        logger.critical("the journal takes no more events until it is opened again", metadata: ["reason": "\(failure)"])
        return failure
    }

    /// Health and the answer for a write that the system refused.
    private func refuse(_ fault: FileFault, _ path: FilePath) -> JournalError {
        if fault.isDiskFull {
            state.health.withLock { $0 = .full(reason: "\(path): \(FileFault.text(fault.errno))") }
            return .diskFull(path: path.string, retryAfterSeconds: configuration.diskRetrySeconds)
        }
        let error = JournalError(fault, path)
        state.health.withLock { $0 = .failed(reason: "\(error)", errno: fault.errno) }
        logger.error("writing the journal failed", metadata: ["reason": "\(error)"])
        return error
    }

    /// The group is on disk: moves on, tells followers and counts.
    private func publish(_ batch: CommittedBatch, _ group: GroupAssembler.Group, bytes: Int, _ latency: Duration) {
        let start = active.committedBytes
        active.extend(by: bytes)
        position = batch.endPosition
        lastReceived = batch.received
        namedTenants = group.namedTenants
        isEmptySegment = false
        state.delivery.withLock { delivery in
            state.catalogue.extend(position: batch.firstPosition, offset: start, end: active.committedBytes)
            delivery.endPosition = batch.endPosition
            state.published.store(batch.endPosition, ordering: .releasing)
            for attached in delivery.attached where attached.isLive { attached.follower.committed(batch) }
        }
        state.health.withLock { if $0 != .good { $0 = .good } }
        state.statistics.withLock {
            $0.commits += 1
            $0.events += UInt64(batch.events.count)
            $0.bytes += UInt64(bytes)
            $0.largestGroupEvents = max($0.largestGroupEvents, batch.events.count)
            $0.syncLatency.record(latency)
        }
        count(group)
    }

    private func count(_ group: GroupAssembler.Group) {
        guard group.duplicates + group.conflicts > 0 else { return }
        state.statistics.withLock {
            $0.duplicates += UInt64(group.duplicates)
            $0.conflicts += UInt64(group.conflicts)
        }
    }
}
