import Foundation
import SystemPackage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How far a followed file is in the journal; written only after the journal has acknowledged.
struct TailOffset: Codable, Equatable, Sendable {
    var device: UInt64
    var inode: UInt64
    /// Bytes that are acknowledged.
    var offset: Int
    /// Line number of the byte at `offset`, from 1, for answers and dead letters.
    var line: Int
    /// Hash of the file's first ``fingerprintBytes`` bytes, so that another file which got the same inode number (as
    /// happens at once on ext4) is not taken for this one.
    var fingerprint: UInt64
    var fingerprintBytes: Int
    /// Drawn when the file was first seen. With `offset` it is the idempotency key of a slice, so that a stop between
    /// acknowledgement and this record doubles nothing.
    var identity: String
    /// ``TailedFile/born``; `nil` in records of before it was kept.
    var born: Double?

    static let fingerprintLimit = 256

    /// `nil` when there is no record, or none that can be read: the file then counts as new.
    static func load(_ path: FilePath) -> TailOffset? {
        (try? Data(contentsOf: URL(fileURLWithPath: path.string))).flatMap { try? JSONDecoder().decode(TailOffset.self, from: $0) }
    }

    /// Temporary file, sync, rename, sync of the folder: the record is the old one or the new one, never half of one.
    func save(_ path: FilePath) throws {
        let temporary = FilePath(path.string + ".new")
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let file = try FileDescriptor.open(
            temporary, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        do {
            try file.writeAll([UInt8](try encoder.encode(self)))
            try DeadLetterSegment.sync(file)
        } catch {
            try? file.close()
            throw error
        }
        try file.close()
        guard rename(temporary.string, path.string) == 0 else { throw Errno(rawValue: errno) }
        try DeadLetterSegment.syncFolder(path.removingLastComponent())
    }
}
