import Glibc

/// The gzip members of one piece of a day, one after another: a flat file that `zcat` reads as it is.
///
/// They are not kept in SQLite, which would write each twice (log, then page) and lose the rest of each last page.
/// Order of writing: members, `fdatasync`, then the transaction that refers to them; what lies behind the last
/// referenced byte at opening was never referred to and is cut off. A lookup that still holds the file reads on after
/// its name is gone.
final class MembersFile: MemberSource {
    let path: String
    private let descriptor: Int32

    /// `creates`: a file of this name may be there already only as the rest of an attempt that failed.
    init(path: String, creates: Bool = false) throws {
        self.path = path
        descriptor = Glibc.open(path, creates ? O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC : O_RDWR | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw StoreError.io(path: path, operation: "open", errno: errno) }
    }

    deinit { Glibc.close(descriptor) }

    func length() throws -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw StoreError.io(path: path, operation: "fstat", errno: errno) }
        return Int(status.st_size)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let written = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if written < 0 {
                if errno == EINTR { continue }
                throw StoreError.io(path: path, operation: "pwrite", errno: errno)
            }
            done += written
        }
    }

    func sync() throws {
        guard fdatasync(descriptor) == 0 else { throw StoreError.io(path: path, operation: "fdatasync", errno: errno) }
    }

    func truncate(to length: Int) throws {
        guard ftruncate(descriptor, off_t(length)) == 0, fdatasync(descriptor) == 0 else {
            throw StoreError.io(path: path, operation: "ftruncate", errno: errno)
        }
    }

    /// Fills `target`; `false` when the file is too short or cannot be read.
    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
        var done = 0
        while done < target.count {
            let count = pread(descriptor, target.baseAddress! + done, target.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return false }
            done += count
        }
        return true
    }
}

/// Syncs a folder, so that a new file's name survives a power cut.
func syncFolder(_ path: String) throws {
    let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreError.io(path: path, operation: "open", errno: errno) }
    defer { Glibc.close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StoreError.io(path: path, operation: "fsync", errno: errno) }
}

public enum StoreError: Error, Sendable, Equatable {
    case io(path: String, operation: String, errno: Int32)
    /// The partition is not one this version can read.
    case unreadable(path: String, reason: String)
    /// The store failed before and takes nothing any more; see the health page.
    case failed(reason: String)
    /// Bytes of a members file that are not what was written.
    case damaged(path: String, offset: Int, reason: String)
    /// What was asked for would break a promise of the store; nothing was changed.
    case refused(reason: String)
}
