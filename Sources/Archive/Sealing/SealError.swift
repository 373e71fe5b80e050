/// Why a tenant's day is not sealed. Says what to do where somebody can do something.
package enum SealError: Error, CustomStringConvertible, Equatable {
    /// What was read back is not what was written.
    case readBack(path: String)
    /// A day folder is there that is none of this chain.
    case foreignFolder(path: String, reason: String)
    /// The store holds other lines than those that an hourly checkpoint was made of.
    case inconsistent(checkpoint: String, reason: String)
    /// The store says more or other events than its members have.
    case incomplete(expected: Int, found: Int)
    /// A day before it is not sealed for this tenant.
    case waits(forDay: String)
    /// The day is not over.
    case notOver(day: String)
    /// The partition was set aside as unreadable, and nothing of the day came back from the journal.
    case lost(day: String, reason: String)
    /// The archive is being closed.
    case stopped
    case noRoom(path: String, freeBytes: Int)

    package var description: String {
        switch self {
        case .readBack(let path): "\(path): what the disk gives back is not what was written"
        case .foreignFolder(let path, let reason):
            "\(path) is there already and \(reason); look at it, and move it away to seal the day anew"
        case .inconsistent(let checkpoint, let reason):
            "the store does not hold what the checkpoint \(checkpoint) was made of: \(reason). Its events were changed after they were taken in"
        case .incomplete(let expected, let found): "the store should have \(expected) events and its members have \(found)"
        case .waits(let day): "\(day) has to be sealed first"
        case .notOver(let day): "\(day) is not over (UTC): it can still get events"
        case .lost(let day, let reason): "the store's partition of \(day) could not be read (\(reason)); put a good copy of it back"
        case .stopped: "the server is stopping"
        case .noRoom(let path, let free): "there is no room in \(path): \(free) bytes are free"
        }
    }
}
