import EventModel
import SystemPackage

/// The journal's folder: whole segments are read, made, put right and removed here.
struct SegmentFolder: Sendable {
    let path: FilePath
    let files: any JournalFiles
    let now: @Sendable () -> Timestamp

    func path(ofSegment position: UInt64) -> FilePath { path.appending(SegmentName.of(position: position)) }

    /// A new segment with its head on disk and its name durable. Nothing is left behind when that fails.
    func create(_ header: SegmentHeader) throws(FileFault) -> (file: any JournalFile, length: Int) {
        let path = path(ofSegment: header.firstPosition)
        let file = try files.open(path, creating: true)
        let encoded = header.encoded()
        do throws(FileFault) {
            try file.writeAll(encoded)
            try file.sync()
            try files.syncFolder(self.path)
        } catch {
            try? files.remove(path)
            throw error
        }
        return (file, encoded.count)
    }

    /// Takes off a left segment's end the zeros that a crash kept the writer from cutting off (see ``ActiveSegment``), and
    /// returns its length. A frame ends in a newline and the tenant table in a name, so neither loses a byte.
    func cutZeros(behind path: FilePath) throws(FileFault) -> Int {
        let file = try files.open(path, creating: false)
        let size = try file.size()
        var length = size
        let piece = SegmentBytes(count: 64 << 10)
        while length > SegmentHeader.fixedLength {
            let start = max(SegmentHeader.fixedLength, length - piece.buffer.count)
            let filled = try file.readAll(into: UnsafeMutableRawBufferPointer(rebasing: piece.buffer[..<(length - start)]), at: start)
            if let last = piece.buffer[..<filled].lastIndex(where: { $0 != 0 }) {
                length = start + last + 1
                break
            }
            length = start
        }
        if length < size { try file.truncate(to: length) }
        return length
    }

    /// The whole segment. Segments are small enough to lie in memory once at a time.
    func bytes(of path: FilePath) throws(FileFault) -> SegmentBytes {
        let file = try files.open(path, creating: false)
        let bytes = SegmentBytes(count: try file.size())
        bytes.shorten(to: try file.readAll(into: bytes.buffer, at: 0))
        return bytes
    }
}

/// A segment's bytes in memory that is given back at once when the last reference goes.
final class SegmentBytes {
    private let storage: UnsafeMutableRawBufferPointer
    private var count: Int

    init(count: Int) {
        storage = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 64)
        self.count = count
    }

    deinit { storage.deallocate() }

    var buffer: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: storage[..<count]) }
    func shorten(to count: Int) { self.count = count }

    func withBytes<Answer, Fault: Error>(_ body: (UnsafeRawBufferPointer) throws(Fault) -> Answer) throws(Fault) -> Answer {
        try body(UnsafeRawBufferPointer(buffer))
    }
}

extension JournalError {
    init(_ fault: FileFault, _ path: FilePath) {
        self = .io(path: path.string, operation: fault.operation, errno: fault.errno)
    }
}
