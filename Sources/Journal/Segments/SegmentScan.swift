import Glibc

/// What a walk over a segment's bytes finds: good frames, damage between them, and what lies behind the last.
///
/// Telling a torn tail from damage: a group is one frame and one write, so whatever a crash leaves half written lies
/// behind the last good frame. Bad bytes *before* a good frame were acknowledged once and are damage. Whether a frame at
/// the very end is torn or damaged is for ``UnfinishedFrame`` to say.
struct SegmentScan {
    struct Damage: Equatable {
        var bytes: Range<Int>
        var lostPositions: Range<UInt64>
    }

    var frames = 0
    var events = 0
    /// Where each stretch of good frames lies.
    var good: [Range<Int>] = []
    var damage: [Damage] = []
    /// End of the last good frame, or of the header where there is none.
    var end: Int
    var endPosition: UInt64
    /// Of an unfinished frame behind `end`; zeros that were written ahead of it do not count.
    var tornBytes = 0

    /// Walks from `start`, where a frame or the end of the log is expected, and shows every good frame to `visit`.
    init(_ bytes: UnsafeRawBufferPointer, from start: Int, position: UInt64, visit: (FrameView, Int) -> Void) {
        end = start
        endPosition = position
        var at = start
        while at < bytes.count {
            if let frame = frame(in: bytes, at: at) {
                take(frame, at: at)
                visit(frame, at)
                at = end
            } else if Self.isZero(bytes, from: at) {
                break
            } else if let next = nextFrame(in: bytes, after: at) {
                damage.append(Damage(bytes: at..<next.offset, lostPositions: endPosition..<next.position))
                at = next.offset
            } else {
                tornBytes = UnfinishedFrame.length(in: UnsafeRawBufferPointer(rebasing: bytes[at...]))
                break
            }
        }
    }

    private mutating func take(_ frame: FrameView, at offset: Int) {
        frames += 1
        events += frame.header.events
        if let last = good.last, last.upperBound == offset {
            good[good.count - 1] = last.lowerBound..<offset + frame.bytes.count
        } else {
            good.append(offset..<offset + frame.bytes.count)
        }
        end = offset + frame.bytes.count
        endPosition = frame.header.endPosition
    }

    /// Positions may jump forward (damage before, a store that knew more) but never back.
    private func frame(in bytes: UnsafeRawBufferPointer, at offset: Int) -> FrameView? {
        guard let frame = FrameView(UnsafeRawBufferPointer(rebasing: bytes[offset...])), frame.header.firstPosition >= endPosition
        else { return nil }
        return frame
    }

    private func nextFrame(in bytes: UnsafeRawBufferPointer, after offset: Int) -> (offset: Int, position: UInt64)? {
        var at = offset + 1
        while at < bytes.count, let found = memchr(bytes.baseAddress! + at, 0xFF, bytes.count - at) {
            at = UnsafeRawPointer(found) - bytes.baseAddress!
            if let frame = frame(in: bytes, at: at) { return (at, frame.header.firstPosition) }
            at += 1
        }
        return nil
    }

    private static func isZero(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        bytes[start] == 0 && memcmp(bytes.baseAddress! + start, bytes.baseAddress! + start + 1, bytes.count - start - 1) == 0
    }
}
