import CLinux
import Glibc
import Synchronization
import SystemPackage

/// The real disk. swift-system knows neither fdatasync nor pwritev, so the calls go to the C library.
public struct DiskFiles: JournalFiles {
    public init() {}

    public func createFolder(_ path: FilePath) throws(FileFault) {
        var partial = path.removingLastComponent()
        if !partial.isEmpty, access(partial.string, F_OK) != 0 { try createFolder(partial) }
        partial = path
        guard mkdir(partial.string, 0o700) == 0 || errno == EEXIST else { throw FileFault(operation: "mkdir", errno: errno) }
    }

    public func names(in folder: FilePath) throws(FileFault) -> [String] {
        guard let stream = opendir(folder.string) else { throw FileFault(operation: "opendir", errno: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    public func open(_ path: FilePath, creating: Bool) throws(FileFault) -> any JournalFile {
        let descriptor = Glibc.open(path.string, O_RDWR | O_CLOEXEC | (creating ? O_CREAT | O_TRUNC : 0), 0o600)
        guard descriptor >= 0 else { throw FileFault(operation: "open", errno: errno) }
        return DiskFile(descriptor: descriptor, path: path.string)
    }

    public func remove(_ path: FilePath) throws(FileFault) {
        guard unlink(path.string) == 0 else { throw FileFault(operation: "unlink", errno: errno) }
    }

    public func rename(_ path: FilePath, to target: FilePath) throws(FileFault) {
        guard Glibc.rename(path.string, target.string) == 0 else { throw FileFault(operation: "rename", errno: errno) }
    }

    public func link(_ path: FilePath, to target: FilePath) throws(FileFault) {
        guard Glibc.link(path.string, target.string) == 0 else { throw FileFault(operation: "link", errno: errno) }
    }

    public func syncFolder(_ path: FilePath) throws(FileFault) {
        let descriptor = Glibc.open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFault(operation: "open", errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileFault(operation: "fsync", errno: errno) }
    }

    public func freeBytes(in folder: FilePath) throws(FileFault) -> Int {
        var answer = statvfs()
        guard statvfs(folder.string, &answer) == 0 else { throw FileFault(operation: "statvfs", errno: errno) }
        return Int(answer.f_bavail) * Int(answer.f_frsize)
    }
}

final class DiskFile: JournalFile {
    private let descriptor: Int32
    private let path: String
    /// The same file, opened with O_DIRECT when it was first needed.
    private let direct = Atomic<Int32>(notOpened)

    private static let notOpened: Int32 = -2
    /// The file system or the disk wants them otherwise.
    private static let noDirectWrites: Int32 = -1

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        close(descriptor)
        closeDirect()
    }

    private func closeDirect() {
        let old = direct.exchange(Self.noDirectWrites, ordering: .relaxed)
        if old >= 0 { close(old) }
    }

    func size() throws(FileFault) -> Int {
        var answer = stat()
        guard fstat(descriptor, &answer) == 0 else { throw FileFault(operation: "stat", errno: errno) }
        return Int(answer.st_size)
    }

    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileFault) -> Int {
        while true {
            let count = pread(descriptor, target.baseAddress, target.count, off_t(offset))
            if count >= 0 { return count }
            guard errno == EINTR else { throw FileFault(operation: "read", errno: errno) }
        }
    }

    func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, at offset: Int) throws(FileFault) -> Int {
        while true {
            let count = withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { parts in
                parts[0] = iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count)
                parts[1] = iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
                return pwritev(descriptor, parts.baseAddress!, 2, off_t(offset))
            }
            if count >= 0 { return count }
            guard errno == EINTR else { throw FileFault(operation: "write", errno: errno) }
        }
    }

    func writeBlocks(_ blocks: UnsafeRawBufferPointer, at offset: Int) throws(FileFault) -> Bool {
        var descriptor = direct.load(ordering: .relaxed)
        if descriptor == Self.notOpened {
            descriptor = max(Self.noDirectWrites, Glibc.open(path, O_WRONLY | O_CLOEXEC | clinux_o_direct))
            direct.store(descriptor, ordering: .relaxed)
        }
        guard descriptor >= 0 else { return false }
        while true {
            let count = pwrite(descriptor, blocks.baseAddress, blocks.count, off_t(offset))
            if count >= 0 { return count == blocks.count }
            switch errno {
            case EINTR: continue
            case EINVAL, EOPNOTSUPP:
                closeDirect()
                return false
            default: throw FileFault(operation: "write", errno: errno)
            }
        }
    }

    func leaveCache() { posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }

    func truncate(to size: Int) throws(FileFault) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw FileFault(operation: "ftruncate", errno: errno) }
    }

    func sync() throws(FileFault) {
        guard fdatasync(descriptor) == 0 else { throw FileFault(operation: "fdatasync", errno: errno) }
    }
}
