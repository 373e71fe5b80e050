import Crypto
import Foundation
import Synchronization

/// A file that is to be stored: opened once, read by offset, so that what is hashed and what is sent are the same file
/// even when another is put in its place meanwhile.
final class LocalObject: Sendable {
    let path: String
    let count: Int
    let descriptor: Int32

    private static let pieceBytes = 1 << 20

    init(path: String) throws(ObjectStorageError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .local(path: path, reason: String(cString: strerror(errno))) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .local(path: path, reason: "it is not a file that can be read")
        }
        count = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Bytes put into `buffer` from `offset`; 0 at the end of the file, negative on errors.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        while true {
            let count = pread(descriptor, buffer.baseAddress!, buffer.count, off_t(offset))
            if count >= 0 || errno != EINTR { return count }
        }
    }

    /// Hashes a range in pieces; `also` sees each piece too.
    func hash(_ range: Range<Int>, also: (UnsafeRawBufferPointer) -> Void = { _ in }) throws(ObjectStorageError) -> Digest {
        var hasher = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(Self.pieceBytes, max(1, range.count)), alignment: 16)
        defer { buffer.deallocate() }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = min(buffer.count, range.upperBound - offset)
            let count = read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: offset)
            guard count > 0 else {
                throw .local(path: path, reason: count == 0 ? "it became shorter" : String(cString: strerror(errno)))
            }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hasher.update(bufferPointer: piece)
            also(piece)
            offset += count
        }
        return Digest(hasher.finalize())
    }
}
