import Glibc

/// A file that is open for reading. It is read on after its name is gone or belongs to another file.
package struct LocalFile: ByteSource {
    package let count: Int
    package let name: String
    private let descriptor: Descriptor

    /// Closes once, when the last copy goes.
    private final class Descriptor: Sendable {
        let number: Int32

        init(_ number: Int32) { self.number = number }

        deinit { Glibc.close(number) }
    }

    /// Throws `ArchiveFormatError.io`.
    package init(path: String) throws {
        let number = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw ArchiveFormatError.io(path: path, operation: "open", errno: errno) }
        descriptor = Descriptor(number)
        name = path
        var status = stat()
        guard fstat(number, &status) == 0 else { throw ArchiveFormatError.io(path: path, operation: "fstat", errno: errno) }
        count = Int(status.st_size)
    }

    /// Throws `ArchiveFormatError.io`; its `errno` is 0 when the file has become shorter.
    package func read(_ range: Range<Int>) throws -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { target, filled in
            filled = 0
            while filled < range.count {
                let count = pread(descriptor.number, target.baseAddress! + filled, range.count - filled, off_t(range.lowerBound + filled))
                if count < 0, errno == EINTR { continue }
                if count <= 0 {
                    code = count < 0 ? errno : 0
                    return
                }
                filled += count
            }
        }
        guard bytes.count == range.count else { throw ArchiveFormatError.io(path: name, operation: "pread", errno: code) }
        return bytes
    }
}
