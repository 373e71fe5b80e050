import Foundation
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The data folder, held by one server at a time.
///
/// The lock is `flock` on `lock`: the kernel drops it with the process, however that ends, so there is never a stale one
/// to remove. The file's content, the holder's process id, is for people.
final class DataFolder: Sendable {
    let path: String
    /// `nil` once the folder was let go.
    private let lock: Mutex<FileDescriptor?>

    enum Failure: Error, CustomStringConvertible {
        case taken(folder: String, holder: String)
        case unusable(folder: String, reason: String)

        var description: String {
            switch self {
            case .taken(let folder, let holder):
                "The data folder \(folder) is in use by process \(holder). Stop that server, or give this one another folder with --data."
            case .unusable(let folder, let reason): "The data folder \(folder) cannot be used: \(reason)."
            }
        }
    }

    static func open(_ path: String) throws -> DataFolder {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let lock = try FileDescriptor.open(
                FilePath(path + "/lock"), .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
            guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                let holder = (try? String(contentsOfFile: path + "/lock", encoding: .utf8)) ?? ""
                try lock.close()
                throw Failure.taken(
                    folder: path, holder: holder.isEmpty ? "unknown" : holder.trimmingCharacters(in: .whitespacesAndNewlines))
            }
            try lock.resize(to: 0)
            try lock.writeAll(toAbsoluteOffset: 0, "\(getpid())\n".utf8)
            return DataFolder(path: path, lock: lock)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure.unusable(folder: path, reason: "\(error)")
        }
    }

    private init(path: String, lock: FileDescriptor) {
        self.path = path
        self.lock = Mutex(lock)
    }

    deinit { release() }

    /// Lets another server take the folder.
    func release() {
        lock.withLock { lock in
            try? lock?.close()
            lock = nil
        }
    }

    func file(_ name: String) -> String { path + "/" + name }

    /// Content of a small file without the space around it; `nil` when there is none, or nothing in it.
    func text(_ name: String) -> String? {
        let text = (try? String(contentsOfFile: file(name), encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        return text?.isEmpty == false ? text : nil
    }

    /// Writes a small file for its owner's eyes only: temporary file, sync, rename.
    func write(_ name: String, _ text: String) throws {
        let temporary = FilePath(file(name + ".new"))
        let descriptor = try FileDescriptor.open(
            temporary, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        do {
            try descriptor.writeAll(text.utf8)
            guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            try? descriptor.close()
            throw error
        }
        try descriptor.close()
        guard rename(temporary.string, file(name)) == 0 else { throw Errno(rawValue: errno) }
        let folder = try FileDescriptor.open(FilePath(path), .readOnly, options: [.directory, .closeOnExec])
        defer { try? folder.close() }
        guard fsync(folder.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }

    /// The folder's node number, part of every event's id: drawn once, so that two folders' ids differ.
    func node() throws -> UInt16 {
        if let node = text("node").flatMap({ UInt16($0) }) { return node }
        let node = UInt16.random(in: 0..<4096)
        try write("node", "\(node)\n")
        return node
    }
}
