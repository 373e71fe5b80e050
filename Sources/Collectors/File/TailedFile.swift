import EventModel
import SystemPackage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One open file under a name that may come to mean another file.
struct TailedFile: ~Copyable {
    let descriptor: FileDescriptor
    let device: UInt64
    let inode: UInt64
    /// When it was made, in seconds since 1970; `nil` where the file system does not know.
    private let birth: Double?
    /// When it was written last, as of opening it.
    private let modified: Double

    /// Tells which of two files took a name over from the other, whatever is still written to the older one.
    var born: Double { birth ?? modified }

    /// `nil` when there is no file of that name (yet).
    static func open(_ path: String) throws -> TailedFile? {
        do {
            // Without waiting: a pipe of that name would block until somebody writes to it.
            let descriptor = try FileDescriptor.open(FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking])
            return try TailedFile(descriptor: descriptor)
        } catch Errno.noSuchFileOrDirectory {
            return nil
        }
    }

    private init(descriptor: FileDescriptor) throws {
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0 else {
            let error = Errno(rawValue: errno)
            try? descriptor.close()
            throw error
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            try? descriptor.close()
            throw Errno.invalidArgument
        }
        self.descriptor = descriptor
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        birth = FileBirth.of(descriptor)
        modified = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
    }

    deinit { try? descriptor.close() }

    func size() throws -> Int {
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
        return Int(status.st_size)
    }

    func read(at offset: Int, upTo count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = try descriptor.read(
                    fromAbsoluteOffset: Int64(offset + filled),
                    into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...]))
                if got == 0 { return }
                filled += got
            }
        }
    }

    func fingerprint(bytes count: Int) throws -> (hash: UInt64, bytes: Int) {
        let head = try read(at: 0, upTo: count)
        return (head.withUnsafeBytes { Hash64.hash($0) }, head.count)
    }

    /// Whether the name leads to this file now.
    func isStill(at path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
    }

    /// Whether `offset` was recorded for this very file.
    func matches(_ offset: TailOffset) -> Bool {
        guard isSame(as: offset), let size = try? size(), size >= offset.offset,
            let print = try? fingerprint(bytes: offset.fingerprintBytes)
        else { return false }
        return print.bytes == offset.fingerprintBytes && print.hash == offset.fingerprint
    }

    /// Whether `offset` was recorded for this inode, whatever became of its content. A new file can get the number of one
    /// that was removed, so its birth is compared, too.
    func isSame(as offset: TailOffset) -> Bool {
        offset.device == device && offset.inode == inode && (offset.born == nil || birth == nil || offset.born == birth)
    }

    /// Whether both hold the same beginning, as a copy does.
    func isCopy(of other: borrowing TailedFile) -> Bool {
        guard let mine = try? size(), let others = try? other.size() else { return false }
        let count = min(mine, others, 64 << 10)
        return count > 0 && (try? read(at: 0, upTo: count)) == (try? other.read(at: 0, upTo: count))
    }
}
