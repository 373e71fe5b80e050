import SystemPackage

/// Reads a segment's committed frames one after the other with one buffer that grows to the largest frame.
final class SegmentReader {
    private let file: any JournalFile
    let path: FilePath
    private(set) var offset: Int
    private var buffer: UnsafeMutableRawBufferPointer
    /// What of the file lies in `buffer`.
    private var filled = 0..<0

    /// Many small frames come with one read; large ones cost one each anyway.
    private static let readAhead = 1 << 20

    init(_ segment: SegmentCatalogue.Segment, from position: UInt64, files: any JournalFiles) throws(JournalError) {
        path = segment.path
        buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.readAhead, alignment: 64)
        offset = 0
        do throws(FileFault) {
            file = try files.open(segment.path, creating: false)
        } catch {
            buffer.deallocate()
            throw .io(path: segment.path.string, operation: error.operation, errno: error.errno)
        }
        if let start = segment.start(for: position) {
            offset = start
        } else {
            guard let fixed = try load(SegmentHeader.fixedLength, end: segment.committedBytes), let length = SegmentHeader.length(fixed)
            else {
                throw .corrupt(path: segment.path.string, offset: 0)
            }
            offset = length
        }
    }

    deinit { buffer.deallocate() }

    /// The frame at `offset`, valid until the next call; `nil` at `end`, where the committed bytes stop.
    func frame(end: Int) throws(JournalError) -> FrameView? {
        guard offset < end else { return nil }
        guard let head = try load(FrameHeader.length, end: end), let header = FrameHeader(head),
            let whole = try load(header.frameLength, end: end), let frame = FrameView(whole)
        else { throw .corrupt(path: path.string, offset: offset) }
        return frame
    }

    func skip(_ frame: FrameView) { offset += frame.bytes.count }

    /// `count` bytes from `offset` on; `nil` when they would reach beyond `end`.
    private func load(_ count: Int, end: Int) throws(JournalError) -> UnsafeRawBufferPointer? {
        guard offset + count <= end else { return nil }
        if offset < filled.lowerBound || offset + count > filled.upperBound {
            if count > buffer.count {
                buffer.deallocate()
                buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
            }
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, end - offset)])
            do throws(FileFault) {
                filled = offset..<offset + (try file.readAll(into: target, at: offset))
            } catch {
                throw .io(path: path.string, operation: error.operation, errno: error.errno)
            }
            guard filled.count >= count else { return nil }
        }
        let start = offset - filled.lowerBound
        return UnsafeRawBufferPointer(rebasing: buffer[start..<start + count])
    }
}
