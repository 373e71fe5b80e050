import Glibc

/// What a crash leaves of the frame that was being written, behind the last good one.
///
/// A group is often written over zeros (see ``ActiveSegment``), and the disk takes its sectors in any order: a power cut
/// may leave the head and the end and nothing in between. What was not written is still zero. A whole frame has no sector
/// of zeros: each entry of its table holds a `seq` and a length that are not 0, and names and lines hold no zeros at all.
enum UnfinishedFrame {
    /// The least that a disk writes as a whole.
    private static let sectorBytes = 512

    /// How much of an unfinished frame `bytes` begin with. Where the head cannot be read, all up to the last byte that is
    /// not zero.
    static func length(in bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count >= FrameHeader.length else { return bytes.count }
        if let header = FrameHeader(bytes) { return min(header.frameLength, bytes.count) }
        return bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    }

    /// Whether part of the frame in `range` never reached the disk. `bytes` begin where the file does, as sectors do. The
    /// frame's head can be read, so its first sector is there; of its last only some bytes may be its own, but a frame ends
    /// in a newline.
    static func lacksSectors(_ bytes: UnsafeRawBufferPointer, in range: Range<Int>) -> Bool {
        if bytes[range.upperBound - 1] == 0 { return true }
        var at = (range.lowerBound + sectorBytes - 1) / sectorBytes * sectorBytes
        while at + sectorBytes <= range.upperBound {
            let sector = bytes.baseAddress! + at
            if bytes[at] == 0, memcmp(sector, sector + 1, sectorBytes - 1) == 0 { return true }
            at += sectorBytes
        }
        return false
    }
}
