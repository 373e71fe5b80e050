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

    /// `nil` when there is no file of that name (yet).
    static func open(_ path: String) throws -> TailedFile? {
        do {
            return try TailedFile(descriptor: FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec))
        } catch Errno.noSuchFileOrDirectory {
            return nil
        }
    }

    private init(descriptor: FileDescriptor) throws {
        self.descriptor = descriptor
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0 else {
            let error = Errno(rawValue: errno)
            try? descriptor.close()
            throw error
        }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
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
        guard offset.device == device, offset.inode == inode, let size = try? size(), size >= offset.offset,
            let print = try? fingerprint(bytes: offset.fingerprintBytes)
        else { return false }
        return print.bytes == offset.fingerprintBytes && print.hash == offset.fingerprint
    }
}
