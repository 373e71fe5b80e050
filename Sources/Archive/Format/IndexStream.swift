import Glibc

/// What an index is written into while it grows: memory, and a file without a name once it is larger than `memoryBytes`,
/// so that the largest day needs no more memory than that.
struct IndexStream: ~Copyable {
    private(set) var count = 0
    private var waiting: [UInt8] = []
    private var spill: OpenDescriptor?
    private let path: String
    private let memoryBytes: Int

    /// `spillPath`: of the file that it may need, which must not exist and is unlinked as soon as it is there.
    init(spillPath: String, memoryBytes: Int) {
        path = spillPath
        self.memoryBytes = memoryBytes
    }

    mutating func append(_ bytes: [UInt8]) throws {
        waiting += bytes
        count += bytes.count
        if waiting.count >= memoryBytes { try writeOut() }
    }

    private mutating func writeOut() throws {
        let file = try spill ?? unnamedFile()
        spill = file
        try waiting.withUnsafeBytes { try writeAll($0, to: file.number, at: count - waiting.count, path) }
        waiting.removeAll(keepingCapacity: true)
    }

    private func unnamedFile() throws -> OpenDescriptor {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ArchiveFormatError.io(path: path, operation: "open", errno: errno) }
        let file = OpenDescriptor(descriptor)
        guard unlink(path) == 0 else { throw ArchiveFormatError.io(path: path, operation: "unlink", errno: errno) }
        return file
    }

    /// All of it, for reading; nothing is appended any more.
    mutating func source() throws -> any ByteSource {
        guard let spill else { return MemoryBytes(bytes: waiting, name: path) }
        try writeOut()
        return try LocalFile(spill, name: path)
    }
}

/// Bytes at hand.
struct MemoryBytes: ByteSource {
    let bytes: [UInt8]
    let name: String

    var count: Int { bytes.count }

    func read(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }
}

/// Writes all of `bytes` at `offset`. Throws `ArchiveFormatError.io`.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int, _ path: String) throws {
    var done = 0
    while done < bytes.count {
        let written = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { throw ArchiveFormatError.io(path: path, operation: "pwrite", errno: written < 0 ? errno : EIO) }
        done += written
    }
}
