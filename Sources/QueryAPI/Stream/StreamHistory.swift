import Collectors
import Dispatch
import EventModel
import EventStore
import Journal

/// Brings a stream that lies behind the live ring forward: from the journal while it still has the segments, before
/// that from the store.
struct StreamHistory: Sendable {
    let journal: Journal
    let store: EventStore

    /// Events a step: a few hundred kilobytes of text between two looks at the client.
    private static let stepEvents = 1000

    func read(into reader: inout StreamReader) async throws {
        let oldest = journal.oldestPosition
        guard reader.position >= oldest else { return try await readStore(into: &reader, upTo: oldest) }
        let position = reader.position
        for batch in try await onBlockingThread({ try journal.read(from: position, limit: Self.stepEvents) }) { reader.take(batch) }
    }

    private func readStore(into reader: inout StreamReader, upTo oldest: UInt64) async throws {
        let events: [ReplayedEvent]
        // The store counts from the last position seen; nothing was seen before the first.
        let last = reader.position == 0 ? nil : reader.position - 1
        do throws(SearchError) {
            events = try await store.replay(after: last, tenant: nil, limit: Self.stepEvents)
        } catch { throw Problem(error) }
        // Days that left the store are missing in front of what it has, or altogether.
        for event in events {
            reader.noteGap(upTo: event.position)
            reader.take(event)
        }
        guard events.count < Self.stepEvents else { return }
        // The journal's oldest segment goes on.
        reader.noteGap(upTo: oldest)
        reader.skip(to: oldest)
    }

    /// Segment files are read off the threads that tasks share.
    private func onBlockingThread<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Swift.Result { try work() }) }
        }
    }
}
