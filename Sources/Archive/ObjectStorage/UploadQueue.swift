import CLinux
import EventModel
import EventStore
import Foundation
import Logging
import Synchronization

/// What is still to be stored remotely, kept through restarts, worked off by one thread of its own, one object at a time.
///
/// A day's objects go in the order events, manifest, checkpoint, each compared with what the service then holds before
/// the next begins: a day whose checkpoint is there is whole. Whatever is repeated after a crash or a lost answer first
/// looks at what is stored, so nothing is sent twice that arrived, and nothing of anybody else is overwritten.
///
/// Fault of the service (unreachable, 5xx, wrong credentials): the whole queue pauses, for up to five minutes. Fault of
/// one object (the file changed, another object under its key): only that day waits, for up to an hour. Nothing is ever
/// given up by itself.
package final class UploadQueue: Sendable {
    package let storage: ObjectStorage
    /// The archive's folder, which holds `tenant=…`.
    package let folder: String
    let database: UploadDatabase
    let log: Logger
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64
    private let wake = Wake()
    private let state = Mutex(State())

    private struct State {
        var isRunning = false
        var uploading: (tenant: String, day: Int64?, path: String)?
        /// Attempts in a row that failed because of the service, and until when the queue waits for it.
        var serviceFailures = 0
        var pausedUntil: Int64 = 0
    }

    static let serviceBackoff = Backoff(first: .seconds(1), longest: .seconds(300))
    static let objectBackoff = Backoff(first: .seconds(60), longest: .seconds(3600))

    /// Objects of one day, in the order in which they are stored.
    package static let eventsName = "events.ndjson.gz"
    package static let dayNames = [eventsName, "_manifest.json", "_checkpoint"]

    /// Opens or makes `uploads.sqlite` in `folder`; asks nothing of the service.
    package init(
        folder: String, storage: ObjectStorage, log: Logger,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
    ) throws {
        self.folder = folder
        self.storage = storage
        self.log = log
        self.now = now
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        database = try UploadDatabase(path: folder + "/uploads.sqlite")
        try database.abandonUploads()
    }

    /// The thread that works the queue off. Once only.
    package func start() {
        state.withLock { $0.isRunning = true }
        let thread = Thread { [self] in
            clinux_name_thread("uploads")
            while !storage.interruption.isStopped {
                do {
                    try freeAbandonedParts()
                    while try runNext() {}
                } catch {
                    // The queue's own database; the service's failures are kept in its rows.
                    log.error("the upload queue cannot go on for now", metadata: ["reason": "\(error)"])
                }
                if !storage.interruption.isStopped { wake.wait(milliseconds: pause()) }
            }
            state.withLock { $0.isRunning = false }
            wake.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Ends the transfer under way and waits for the thread; what was not confirmed is tried again after the next start.
    /// Blocks for some hundred milliseconds at most.
    package func stop() {
        storage.interruption.stop()
        wake.signal()
        for _ in 0..<500 where state.withLock({ $0.isRunning }) { usleep(10_000) }
    }

    /// Works off one operation that is due, on the calling thread. False when none is.
    @discardableResult
    package func runNext() throws -> Bool {
        let time = now()
        guard !storage.interruption.isStopped, state.withLock({ $0.pausedUntil <= time }), let operation = try database.next(now: time)
        else { return false }
        state.withLock { $0.uploading = (operation.tenant, operation.day, operation.path) }
        defer { state.withLock { $0.uploading = nil } }
        do {
            let stored = try perform(operation)
            try database.finish(operation, stored: stored, now: now())
            state.withLock { ($0.serviceFailures, $0.pausedUntil) = (0, 0) }
        } catch let error as ObjectStorageError {
            try putOff(operation, error)
        }
        return true
    }

    private func putOff(_ operation: UploadOperation, _ error: ObjectStorageError) throws {
        // Stopping is nobody's failure.
        if error == .stopped { return }
        let spread = Double.random(in: 0...1)
        let until: Int64
        if error.isOfService {
            until = state.withLock { state in
                state.serviceFailures += 1
                let pause = Self.serviceBackoff.delay(afterAttempt: state.serviceFailures, spread: spread)
                state.pausedUntil = now() + Int64(pause.milliseconds)
                return state.pausedUntil
            }
        } else {
            until = now() + Int64(Self.objectBackoff.delay(afterAttempt: operation.attempts + 1, spread: spread).milliseconds)
        }
        try database.putOff(operation, until: until, reason: error.description, isFailed: !error.mayPass)
        log.warning(
            "an object was not stored",
            metadata: ["path": "\(operation.path)", "reason": "\(error)", "attempt": "\(operation.attempts + 1)"])
    }

    private func pause() -> Int {
        let next = (try? database.nextTry()) ?? nil
        guard let next else { return 60_000 }
        let until = max(next, state.withLock { $0.pausedUntil })
        return Int(min(max(until - now(), 10), 60_000))
    }

    private func freeAbandonedParts() throws {
        for (path, upload) in try database.abandoned() where state.withLock({ $0.pausedUntil <= now() }) {
            do { try storage.abort(path, upload: upload) } catch {
                if error == .stopped { return }
                // They cost room and nothing else: uploads go on, and the next round tries again.
                log.warning("an unfinished upload could not be aborted", metadata: ["path": "\(path)", "reason": "\(error)"])
                return
            }
            try database.forgetAbandoned(path: path, upload: upload)
        }
    }

    func signal() { wake.signal() }

    func uploading() -> (tenant: String, day: Int64?, path: String)? { state.withLock { $0.uploading } }

    /// Tries everything that waits again at once, such as after credentials were put right.
    package func retryNow() throws {
        try database.retryAll(now: now())
        state.withLock { $0.pausedUntil = 0 }
        wake.signal()
    }
}

extension ObjectStorageError {
    /// Whether any other object would meet it too.
    var isOfService: Bool {
        switch self {
        case .unreachable, .unexpected, .stopped: true
        case .refused(let refusal): refusal.status != 412 && refusal.status != 409 && refusal.status != 413
        case .differs, .local: false
        }
    }
}
