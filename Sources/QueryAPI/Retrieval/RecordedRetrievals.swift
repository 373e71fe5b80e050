import Synchronization

/// What was asked for and recorded, by the id that the answer gave. Kept in memory: after a restart one asks, and is recorded,
/// again.
final class RecordedRetrievals: Sendable {
    struct Entry: Sendable {
        var id: String
        var tenant: String
        /// Received-days, days since 1970-01-01.
        var days: ClosedRange<Int64>
    }

    private let entries = Mutex<[Entry]>([])

    /// The newest ones; a retrieval takes hours at most.
    private static let capacity = 1024

    func add(_ entry: Entry) {
        entries.withLock { entries in
            if entries.count == Self.capacity { entries.removeFirst() }
            entries.append(entry)
        }
    }

    subscript(id: some StringProtocol) -> Entry? { entries.withLock { $0.last { $0.id == id } } }
}
