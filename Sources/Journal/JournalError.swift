/// Why the journal did not take or could not read events. Nothing of a refused batch is on disk or numbered.
public enum JournalError: Error, Sendable, Equatable {
    /// Too much is waiting for the writer; answer 429.
    case queueFull(events: Int, bytes: Int, retryAfterSeconds: Int)
    /// No room on the disk (or quota, or the configured reserve); answer 503. Writing resumes by itself.
    case diskFull(path: String, retryAfterSeconds: Int)
    /// A sync failed. The kernel may have dropped the pages and a second sync would lie about it ("fsyncgate",
    /// https://wiki.postgresql.org/wiki/Fsync_Errors), so the journal takes nothing more until it is opened again.
    case syncFailed(path: String, errno: Int32)
    case closed
    case tooManyTenants(limit: Int)
    /// One batch cannot be one frame; split it.
    case batchTooLarge(bytes: Int, limit: Int)
    case io(path: String, operation: String, errno: Int32)
    /// A frame that was once good no longer matches its checksum.
    case corrupt(path: String, offset: Int)
    /// Journal and stores give one number to two tenants: the data folder was put together from two installations.
    case tenantMismatch(number: UInt32, journal: String, store: String)
    /// A whole segment of another version of the program.
    case unsupportedVersion(path: String, version: UInt32)
}

extension JournalError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .queueFull(let events, let bytes, let seconds):
            "The journal's queue is full (\(events) events, \(bytes) bytes waiting); try again in \(seconds) s."
        case .diskFull(let path, let seconds):
            "No room on the disk for \(path); free some, writing resumes by itself (retry after \(seconds) s)."
        case .syncFailed(let path, let errno):
            "fdatasync of \(path) failed: \(FileFault.text(errno)). Check the disk and restart; nothing unacknowledged was kept."
        case .closed: "The journal is closed."
        case .tooManyTenants(let limit): "There are \(limit) tenants already; no new one can be numbered."
        case .batchTooLarge(let bytes, let limit): "A batch of \(bytes) bytes is larger than a frame may be (\(limit)); split it."
        case .io(let path, let operation, let errno): "\(operation) of \(path) failed: \(FileFault.text(errno))."
        case .corrupt(let path, let offset): "\(path) is damaged at offset \(offset)."
        case .tenantMismatch(let number, let journal, let store):
            "Tenant number \(number) is \"\(journal)\" in the journal and \"\(store)\" in a store; these folders do not belong together."
        case .unsupportedVersion(let path, let version):
            "\(path) is of version \(version), this program reads \(SegmentHeader.version). Start and stop the program that wrote it once more, which packs everything, then move the journal's folder away."
        }
    }
}
