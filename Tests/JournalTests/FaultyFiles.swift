import Glibc
import Journal
import Synchronization
import SystemPackage

/// The real disk with a switch for each way it can fail, and a memory of what was not synced, so that a power cut can
/// be played: `cut` puts every file back to its last sync.
final class FaultyFiles: JournalFiles {
    struct Faults: Sendable {
        /// Bytes that may still be written; then ENOSPC.
        var room: Int?
        /// Most bytes one write takes.
        var shortest: Int?
        var writeErrno: Int32?
        var syncErrno: Int32?
        /// Called in every sync, before it happens.
        var onSync: (@Sendable () -> Void)?
    }

    let faults = Mutex(Faults())
    /// Length at the last sync, by path.
    let synced = Mutex<[String: Int]>([:])
    let syncs = Atomic<Int>(0)
    private let disk = DiskFiles()

    func set(_ change: (inout Faults) -> Void) { faults.withLock { change(&$0) } }

    /// What a power cut leaves, when of the unsynced bytes `keep(count)` reached the disk.
    func cut(_ keep: (Int) -> Int) throws {
        for (path, length) in synced.withLock({ $0 }) where access(path, F_OK) == 0 {
            let file = try disk.open(FilePath(path), creating: false)
            let size = try file.size()
            if size > length { try file.truncate(to: length + keep(size - length)) }
        }
    }

    func createFolder(_ path: FilePath) throws(FileFault) { try disk.createFolder(path) }
    func names(in folder: FilePath) throws(FileFault) -> [String] { try disk.names(in: folder) }
    func open(_ path: FilePath, creating: Bool) throws(FileFault) -> any JournalFile {
        FaultyFile(try disk.open(path, creating: creating), path.string, self)
    }
    func remove(_ path: FilePath) throws(FileFault) { try disk.remove(path) }
    func rename(_ path: FilePath, to target: FilePath) throws(FileFault) { try disk.rename(path, to: target) }
    func link(_ path: FilePath, to target: FilePath) throws(FileFault) { try disk.link(path, to: target) }
    func syncFolder(_ path: FilePath) throws(FileFault) { try disk.syncFolder(path) }
    func freeBytes(in folder: FilePath) throws(FileFault) -> Int { faults.withLock { $0.room } ?? Int.max / 2 }
}

private final class FaultyFile: JournalFile {
    private let file: any JournalFile
    private let path: String
    private let owner: FaultyFiles

    init(_ file: any JournalFile, _ path: String, _ owner: FaultyFiles) {
        self.file = file
        self.path = path
        self.owner = owner
    }

    func size() throws(FileFault) -> Int { try file.size() }
    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileFault) -> Int {
        try file.read(into: target, at: offset)
    }

    func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, at offset: Int) throws(FileFault) -> Int {
        let faults = owner.faults.withLock { $0 }
        if let errno = faults.writeErrno { throw FileFault(operation: "write", errno: errno) }
        let wanted = first.count + second.count
        let allowed = min(wanted, faults.shortest ?? wanted, faults.room ?? wanted)
        if allowed == 0, wanted > 0 { throw FileFault(operation: "write", errno: ENOSPC) }
        let head = UnsafeRawBufferPointer(rebasing: first.prefix(allowed))
        let tail = UnsafeRawBufferPointer(rebasing: second.prefix(allowed - head.count))
        let written = try file.write(head, tail, at: offset)
        if faults.room != nil { owner.set { $0.room! -= written } }
        return written
    }

    func truncate(to size: Int) throws(FileFault) {
        try file.truncate(to: size)
        owner.synced.withLock { $0[path] = min($0[path] ?? 0, size) }
    }

    func sync() throws(FileFault) {
        let faults = owner.faults.withLock { $0 }
        faults.onSync?()
        owner.syncs.add(1, ordering: .relaxed)
        if let errno = faults.syncErrno { throw FileFault(operation: "fdatasync", errno: errno) }
        try file.sync()
        let size = try file.size()
        owner.synced.withLock { $0[path] = size }
    }
}
