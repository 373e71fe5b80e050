import Glibc
import Journal
import Synchronization
import SystemPackage

/// The real disk with a switch for each way it can fail, and a memory of what was synced, so that a power cut can be
/// played.
final class FaultyFiles: JournalFiles {
    struct Faults: Sendable {
        /// Bytes that may still be written; then ENOSPC.
        var room: Int?
        /// Most bytes one write takes.
        var shortest: Int?
        var writeErrno: Int32?
        var hasDirectWrites = true
        var syncErrno: Int32?
        /// The power goes at the next sync, before it has done anything.
        var losesPower = false
        /// Called in every sync, before it happens.
        var onSync: (@Sendable () -> Void)?
    }

    let faults = Mutex(Faults())
    /// Content at the last sync, by path.
    private let synced = Mutex<[String: [UInt8]]>([:])
    let syncs = Atomic<Int>(0)
    /// Nothing reaches the disk any more.
    private let isDark = Atomic<Bool>(false)
    private let disk = DiskFiles()

    func set(_ change: (inout Faults) -> Void) { faults.withLock { change(&$0) } }

    /// What a power cut leaves: of what was written over since the last sync each sector is the old or the new one, of what
    /// was added some is there, with holes, and what was cut off may be back. `choose(n)` draws from 0 to n.
    func cut(_ choose: (Int) -> Int) throws {
        for (path, old) in synced.withLock({ $0 }).sorted(by: { $0.key < $1.key }) where access(path, F_OK) == 0 {
            let new = try TemporaryFolder.bytes(of: FilePath(path))
            guard new != old else { continue }
            let length = new.count < old.count ? (choose(1) == 0 ? old.count : new.count) : old.count + choose(new.count - old.count)
            var left = [UInt8](repeating: 0, count: length)
            for start in stride(from: 0, to: length, by: 512) {
                let sector = start..<min(length, start + 512)
                for index in sector where index < old.count { left[index] = old[index] }
                let isWritten = sector.lowerBound < old.count ? choose(1) == 1 : choose(7) > 0
                for index in sector where isWritten && index < new.count { left[index] = new[index] }
            }
            try TemporaryFolder.write(left, to: FilePath(path))
        }
    }

    fileprivate func needsPower(_ operation: String) throws(FileFault) {
        if isDark.load(ordering: .acquiring) { throw FileFault(operation: operation, errno: EIO) }
    }

    fileprivate func losePower() { isDark.store(true, ordering: .releasing) }

    fileprivate func note(_ content: [UInt8], at path: String) { synced.withLock { $0[path] = content } }

    func createFolder(_ path: FilePath) throws(FileFault) { try disk.createFolder(path) }
    func names(in folder: FilePath) throws(FileFault) -> [String] { try disk.names(in: folder) }
    func open(_ path: FilePath, creating: Bool) throws(FileFault) -> any JournalFile {
        if creating {
            try needsPower("open")
            note([], at: path.string)
        }
        return FaultyFile(try disk.open(path, creating: creating), path.string, self)
    }
    func remove(_ path: FilePath) throws(FileFault) {
        try needsPower("unlink")
        try disk.remove(path)
        synced.withLock { $0[path.string] = nil }
    }
    func rename(_ path: FilePath, to target: FilePath) throws(FileFault) {
        try disk.rename(path, to: target)
        synced.withLock { $0[target.string] = $0.removeValue(forKey: path.string) }
    }
    func link(_ path: FilePath, to target: FilePath) throws(FileFault) {
        try disk.link(path, to: target)
        synced.withLock { $0[target.string] = $0[path.string] }
    }
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
        try owner.needsPower("write")
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

    func writeBlocks(_ blocks: UnsafeRawBufferPointer, at offset: Int) throws(FileFault) -> Bool {
        try owner.needsPower("write")
        let faults = owner.faults.withLock { $0 }
        if let errno = faults.writeErrno { throw FileFault(operation: "write", errno: errno) }
        // As on a file system that never writes in place.
        if let room = faults.room, room < blocks.count { throw FileFault(operation: "write", errno: ENOSPC) }
        if !faults.hasDirectWrites { return false }
        if let shortest = faults.shortest, shortest < blocks.count {
            let part = UnsafeRawBufferPointer(rebasing: blocks[..<shortest])
            _ = try file.write(part, UnsafeRawBufferPointer(start: nil, count: 0), at: offset)
            return false
        }
        return try file.writeBlocks(blocks, at: offset)
    }

    func leaveCache() { file.leaveCache() }

    func truncate(to size: Int) throws(FileFault) {
        try owner.needsPower("ftruncate")
        try file.truncate(to: size)
    }

    func sync() throws(FileFault) {
        let faults = owner.faults.withLock { $0 }
        faults.onSync?()
        owner.syncs.add(1, ordering: .relaxed)
        if faults.losesPower { owner.losePower() }
        try owner.needsPower("fdatasync")
        if let errno = faults.syncErrno { throw FileFault(operation: "fdatasync", errno: errno) }
        try file.sync()
        let size = try file.size()
        var content = [UInt8](repeating: 0, count: size)
        do {
            _ = try content.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        } catch { throw error as! FileFault }
        owner.note(content, at: path)
    }
}
