import Synchronization
import SystemPackage

/// The segments there are, oldest first; the last is the one being written. Shared by the writer, which adds, and
/// by readers and freeing.
final class SegmentCatalogue: Sendable {
    struct Segment {
        var firstPosition: UInt64
        var path: FilePath
        /// Readable up to here; behind it may stand a group that is not synced yet.
        var committedBytes: Int
        /// Some frames' positions and offsets, ascending, so that reading from a position does not start at the head.
        var marks: [Mark] = []
    }

    struct Mark {
        var position: UInt64
        var offset: Int
    }

    /// A quarter of a megabyte is read in less time than a seek is worth, and makes 256 marks of a segment.
    static let markSpacing = 256 << 10

    private let segments: Mutex<[Segment]>

    init(_ segments: [Segment]) { self.segments = Mutex(segments) }

    var all: [Segment] { segments.withLock { $0 } }
    var oldestPosition: UInt64 { segments.withLock { $0.first?.firstPosition ?? 0 } }
    var totals: (count: Int, bytes: Int) { segments.withLock { all in (all.count, all.reduce(0) { $0 + $1.committedBytes }) } }

    func append(_ segment: Segment) { segments.withLock { $0.append(segment) } }

    /// A frame that begins with `position` was synced at `offset`; the active segment now ends at `end`.
    func extend(position: UInt64, offset: Int, end: Int) {
        segments.withLock { all in
            let last = all.count - 1
            all[last].committedBytes = end
            all[last].note(position: position, offset: offset)
        }
    }

    func replace(_ segment: Segment) {
        segments.withLock { all in
            if let index = all.firstIndex(where: { $0.firstPosition == segment.firstPosition }) { all[index] = segment }
        }
    }

    /// The segment `position` lies in, or the oldest one when it is gone already.
    func segment(containing position: UInt64) -> (segment: Segment, isActive: Bool)? {
        segments.withLock { all in
            guard !all.isEmpty else { return nil }
            let index = max(0, (all.firstIndex { $0.firstPosition > position } ?? all.count) - 1)
            return (all[index], index == all.count - 1)
        }
    }

    func segment(after position: UInt64) -> (segment: Segment, isActive: Bool)? {
        segments.withLock { all in
            guard let index = all.firstIndex(where: { $0.firstPosition > position }) else { return nil }
            return (all[index], index == all.count - 1)
        }
    }

    /// Takes off the list what lies wholly below `position`; the active segment stays.
    func takePassed(_ position: UInt64) -> [Segment] {
        segments.withLock { all in
            var count = 0
            while count + 1 < all.count, all[count + 1].firstPosition <= position { count += 1 }
            let passed = Array(all[..<count])
            all.removeFirst(count)
            return passed
        }
    }
}

extension SegmentCatalogue.Segment {
    mutating func note(position: UInt64, offset: Int) {
        if offset - (marks.last?.offset ?? 0) >= SegmentCatalogue.markSpacing {
            marks.append(SegmentCatalogue.Mark(position: position, offset: offset))
        }
    }

    /// Where to begin to read so as to meet `position`; `nil`: at the first frame.
    func start(for position: UInt64) -> Int? {
        let behind = marks.firstIndex { $0.position > position } ?? marks.count
        return behind == 0 ? nil : marks[behind - 1].offset
    }
}
