import Foundation
import SystemPackage

/// The files that bore one name, oldest first; the first is being read, the last has the name or had it last.
///
/// A file that took the name over is opened as soon as it is seen, not when the older one is done: however often the
/// name passes on meanwhile, and whatever becomes of the files' names, the open descriptors are read one after the
/// other. What was rotated while nobody looked is found again in the folder by inode, and by age what came after it.
struct TailedFiles {
    final class Member {
        let file: TailedFile
        /// As of the last look, so that one turn decides on one size.
        var size: Int
        /// When it grew last, or lost its name, as far as was seen.
        var changed: ContinuousClock.Instant

        init(_ file: consuming TailedFile, _ now: ContinuousClock.Instant) throws {
            self.file = file
            size = try self.file.size()
            changed = now
        }
    }

    private let path: String
    private(set) var members: [Member] = []
    /// Siblings that the last opening left out although they are newer, because they are compressed.
    private(set) var unreadable: [String] = []

    /// Rotated files that wait; a name that passes on more often within one quiet time is no log.
    private static let mostWaiting = 64

    init(path: String) { self.path = path }

    var first: Member? { members.first }

    /// Opens what bears the name. With the record of an earlier run: first the file it was made for, wherever that is now,
    /// and all that took its name over since.
    mutating func open(after record: TailOffset?, at now: ContinuousClock.Instant) throws {
        var current: Member?
        if let file = try TailedFile.open(path) { current = try Member(file, now) }
        guard let record, current?.file.isSame(as: record) != true else {
            members = current.map { [$0] } ?? []
            return
        }
        members = try rotated(since: record, except: current, now)
        if let current { members.append(current) }
    }

    private mutating func rotated(since record: TailOffset, except current: Member?, _ now: ContinuousClock.Instant) throws -> [Member] {
        let folder = FilePath(path).removingLastComponent()
        let name = FilePath(path).lastComponent?.string ?? ""
        var recorded: Member?
        var others: [(name: String, member: Member)] = []
        for sibling in ((try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []).sorted()
        where sibling.hasPrefix(name) && sibling != name {
            guard let file = try? TailedFile.open(folder.appending(sibling).string), let member = try? Member(file, now) else { continue }
            if member.file.matches(record) { recorded = member } else { others.append((sibling, member)) }
        }
        let born = record.born ?? recorded?.file.born ?? .infinity
        let newer = others.filter { other in
            let file = other.member
            return file.file.born > born
                && !(current.map { $0.file.inode == file.file.inode && $0.file.device == file.file.device } ?? false)
                && !(recorded?.file.isCopy(of: file.file) ?? false) && Self.isRotation(other.name.dropFirst(name.count))
        }
        unreadable = newer.map(\.name).filter(Self.isCompressed)
        let taken = newer.filter { !Self.isCompressed($0.name) }.map(\.member).sorted { $0.file.born < $1.file.born }
        return (recorded.map { [$0] } ?? []) + taken
    }

    /// `.1`, `-20261120`, `.2026-11-20.gz`, `.old`: what rotation appends. `app.errors` beside `app` is another log.
    private static func isRotation(_ suffix: Substring) -> Bool {
        guard let separator = suffix.first, ".-_".contains(separator) else { return false }
        let rest = suffix.dropFirst()
        return rest.first?.isNumber == true || rest.hasPrefix("old")
    }

    private static func isCompressed(_ name: String) -> Bool {
        [".gz", ".xz", ".bz2", ".zst", ".lz4"].contains { name.hasSuffix($0) }
    }

    /// Notices growth, and a file that took the name over.
    mutating func look(at now: ContinuousClock.Instant) throws {
        for member in members {
            let size = try member.file.size()
            if size != member.size { (member.size, member.changed) = (size, now) }
        }
        guard members.count < Self.mostWaiting, members.last?.file.isStill(at: path) != true,
            let found = try TailedFile.open(path),
            !members.contains(where: { $0.file.inode == found.inode && $0.file.device == found.device })
        else { return }
        // The quiet time runs from here: whoever still has the old file open was not told to let it go before now.
        members.last?.changed = now
        members.append(try Member(found, now))
    }

    /// Whether the first file lost its name to another and did not grow for `quiet` since.
    func isFirstDone(after quiet: Duration, at now: ContinuousClock.Instant) -> Bool {
        members.count > 1 && now - members[0].changed >= quiet
    }

    mutating func leaveFirst() { members.removeFirst() }
}
