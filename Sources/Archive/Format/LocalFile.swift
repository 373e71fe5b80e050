import Glibc

/// A file that is open for reading. It is read on after its name is gone or belongs to another file.
package struct LocalFile: ByteSource {
    package let count: Int
    package let name: String
    private let descriptor: OpenDescriptor

    /// Throws `ArchiveFormatError.io`.
    package init(path: String) throws {
        // Without O_NONBLOCK the opening of a pipe that somebody put there would wait for its writer.
        let number = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw ArchiveFormatError.io(path: path, operation: "open", errno: errno) }
        try self.init(OpenDescriptor(number), name: path)
    }

    init(_ descriptor: OpenDescriptor, name: String) throws {
        self.descriptor = descriptor
        self.name = name
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { throw ArchiveFormatError.io(path: name, operation: "fstat", errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ArchiveFormatError.io(path: name, operation: "reading what is no regular file", errno: EINVAL)
        }
        count = Int(status.st_size)
    }

    package func prepare(_ range: Range<Int>) {
        posix_fadvise(descriptor.number, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_WILLNEED)
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
