import Glibc
import SystemPackage

/// The file system as the journal sees it. A protocol so that tests can hand in a disk that is full, fails to sync,
/// writes short or loses what was not synced.
public protocol JournalFiles: Sendable {
    func createFolder(_ path: FilePath) throws(FileFault)
    func names(in folder: FilePath) throws(FileFault) -> [String]
    /// With `creating`, an existing file of that name is emptied.
    func open(_ path: FilePath, creating: Bool) throws(FileFault) -> any JournalFile
    func remove(_ path: FilePath) throws(FileFault)
    func rename(_ path: FilePath, to target: FilePath) throws(FileFault)
    /// A second name for the same bytes.
    func link(_ path: FilePath, to target: FilePath) throws(FileFault)
    /// Makes names durable: without it a new file may be gone after a power cut (fsync(2), "Notes").
    func syncFolder(_ path: FilePath) throws(FileFault)
    func freeBytes(in folder: FilePath) throws(FileFault) -> Int
}

/// An open file; closed when the last reference goes.
public protocol JournalFile: AnyObject, Sendable {
    func size() throws(FileFault) -> Int
    /// Reads at most `target.count` bytes; 0 at the end of the file.
    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileFault) -> Int
    /// Writes `first` and then `second`; may write less than both, as pwritev(2) may.
    func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, at offset: Int) throws(FileFault) -> Int
    /// Writes whole blocks of ``LastBlocks/blockBytes`` past the page cache; `offset` and the memory lie at such blocks. False
    /// when the file system has no such writes or it wrote less: then everything is to be written in the other way. After any
    /// other refusal than that of a full disk nobody knows what the blocks hold.
    func writeBlocks(_ blocks: UnsafeRawBufferPointer, at offset: Int) throws(FileFault) -> Bool
    /// What is synced need not stay in the page cache.
    func leaveCache()
    func truncate(to size: Int) throws(FileFault)
    /// fdatasync(2): the data, and what is needed to read it back.
    func sync() throws(FileFault)
}

/// A system call's refusal.
public struct FileFault: Error, Sendable, Equatable {
    public var operation: String
    public var errno: Int32
    /// Bytes that were synced before may be lost with it.
    public var endangersCommitted = false

    public init(operation: String, errno: Int32) {
        self.operation = operation
        self.errno = errno
    }

    public var isDiskFull: Bool { errno == ENOSPC || errno == EDQUOT }

    public static func text(_ errno: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            strerror_r(errno, buffer.baseAddress!, buffer.count) == 0 ? String(cString: buffer.baseAddress!) : "errno \(errno)"
        }
    }
}

extension JournalFile {
    /// Writes everything, however short the single writes are.
    func writeAll(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, at offset: Int) throws(FileFault) {
        var written = 0
        while written < first.count + second.count {
            let skipped = max(0, written - first.count)
            let head = UnsafeRawBufferPointer(rebasing: first[min(written, first.count)...])
            let tail = UnsafeRawBufferPointer(rebasing: second[skipped...])
            let count = try write(head, tail, at: offset + written)
            // A regular file that takes nothing and says nothing has no room.
            guard count > 0 else { throw FileFault(operation: "write", errno: ENOSPC) }
            written += count
        }
    }

    func writeAll(_ bytes: [UInt8], at offset: Int = 0) throws(FileFault) {
        try bytes.withTypedBytes { (bytes) throws(FileFault) in
            try writeAll(bytes, UnsafeRawBufferPointer(start: nil, count: 0), at: offset)
        }
    }

    /// Fills `target` from `offset` on; the number of bytes is less only at the end of the file.
    func readAll(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileFault) -> Int {
        var filled = 0
        while filled < target.count {
            let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: target[filled...]), at: offset + filled)
            if count == 0 { break }
            filled += count
        }
        return filled
    }
}
