import EventModel

/// Walks the committed frames from a position on, over as many segments as there are, holding one frame in memory.
struct JournalCursor: ~Copyable {
    private let state: JournalState
    private(set) var position: UInt64
    private var reader: SegmentReader?
    private var segment: (segment: SegmentCatalogue.Segment, isActive: Bool)?

    init(_ state: JournalState, from position: UInt64) {
        self.state = state
        self.position = position
    }

    /// The next events below `end`, which must not be beyond what is published; `nil` when there are none.
    mutating func next(below end: UInt64, limit: Int = .max) throws(JournalError) -> CommittedBatch? {
        while position < end {
            guard try open() else { return nil }
            do throws(JournalError) {
                // The active segment may have grown since it was opened.
                let committed = segment!.isActive ? try refreshed() : segment!.segment.committedBytes
                guard let frame = try reader!.frame(end: committed) else {
                    guard try advance() else { return nil }
                    continue
                }
                guard frame.header.firstPosition < end else { return nil }
                guard frame.header.endPosition > position else {
                    reader!.skip(frame)
                    continue
                }
                let batch = frame.batch(from: position, limit: limit)
                position = batch.endPosition
                if position == frame.header.endPosition { reader!.skip(frame) }
                return batch
            } catch {
                try recover(from: error)
            }
        }
        return nil
    }

    private mutating func open() throws(JournalError) -> Bool {
        guard reader == nil else { return true }
        guard let found = state.catalogue.segment(containing: position) else { return false }
        segment = found
        do throws(JournalError) {
            reader = try SegmentReader(found.segment, from: position, files: state.folder.files)
        } catch { try recover(from: error) }
        return reader != nil ? true : try open()
    }

    private mutating func refreshed() throws(JournalError) -> Int {
        let first = segment!.segment.firstPosition
        // Once it is no longer the active one its end is final, but there may be frames left to read.
        if let now = state.catalogue.all.first(where: { $0.firstPosition == first }) { segment!.segment = now }
        return segment!.segment.committedBytes
    }

    /// Moves to the next segment; false when this one is the newest.
    private mutating func advance() throws(JournalError) -> Bool {
        guard let next = state.catalogue.segment(after: segment!.segment.firstPosition) else { return false }
        reader = nil
        segment = next
        position = max(position, next.segment.firstPosition)
        return true
    }

    /// A segment freed meanwhile is passed over; a damaged one is put right and read again. Damage in the active
    /// segment is the caller's to know: its repair is the next opening's.
    private mutating func recover(from error: JournalError) throws(JournalError) {
        let failed = segment!
        reader = nil
        let isListed = state.catalogue.all.contains { $0.firstPosition == failed.segment.firstPosition }
        guard isListed else { return }
        let isActive = state.catalogue.all.last?.firstPosition == failed.segment.firstPosition
        guard case .corrupt = error, !isActive else { throw error }
        try state.repair(failed.segment)
    }
}
