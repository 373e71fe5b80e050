import CDeflate
import CLinux
import EventModel
import EventStore
import Foundation

/// Takes a person's traces out of one sealed day. The signed tree stays as it is: the record says for each changed line
/// which hash it had and which it has now, so that whoever holds an old checkpoint can still verify every other line.
///
/// In this order, so that a stop leaves the old day or the new one, whole, and doing it again ends the same:
///
/// 1. in `.day=D.erasing`: file, manifest and checkpoint, each synced, then the folder
/// 2. the record, which names the new file's lines; synced
/// 3. both folders swap their names in one step (`RENAME_EXCHANGE`); the tenant's folder is synced
/// 4. the catalogue's row; then the old folder, which has the other name now, is deleted
struct DayErasure {
    /// What was done to one day.
    struct Result: Sendable, Equatable {
        var events: Int
        var day: ArchivedDay
    }

    enum Step: CaseIterable, Sendable { case begun, written, recorded, swapped, catalogued }

    let folder: ArchiveFolder
    let catalogue: Catalogue
    let key: SigningKey
    /// Of members that are changed.
    let level: Int
    /// Common to all days of one erasure; names no person.
    let erasure: String
    let reason: String
    let now: Timestamp
    var probe: @Sendable (Step) throws -> Void = { _ in }

    static let suffix = ".erasing"

    static func recordName(_ erasure: String, day: Int64) -> String { "erasure-\(erasure)-\(ArchiveFolder.name(day: day))" }

    private func unfinished(_ day: ArchivedDay) -> String {
        folder.folder(of: day.tenantName) + "/.day=" + ArchiveFolder.name(day: day.day) + Self.suffix
    }

    /// `nil` when the day holds nothing of the person. The whole file is written to learn that, so only days with traces
    /// should come here.
    func run(_ day: ArchivedDay, _ eraser: inout PersonEraser) throws -> Result? {
        let place = folder.folder(of: day.tenantName, day: day.day)
        let unfinished = unfinished(day)
        if folder.exists(unfinished) { try folder.remove(folder: unfinished) }
        let source = try LocalFile(path: place + "/" + ArchiveFolder.events)
        guard let bytes = try folder.read(place + "/" + ArchiveFolder.manifest) else {
            throw ArchiveFileError(place + "/" + ArchiveFolder.manifest, "open", ENOENT)
        }
        var manifest = try Manifest(json: bytes)
        guard mkdir(unfinished, 0o700) == 0 else { throw ArchiveFileError(unfinished, "mkdir") }
        var isDone = false
        defer { if !isDone { try? folder.remove(folder: unfinished) } }
        try probe(.begun)
        var rewrite = Rewrite(before: manifest.tree.before, level: level)
        let afterSeq = (manifest.contents?.firstSeq ?? 1) - 1
        let contents = try rewrite.run(day, after: afterSeq, from: source, to: unfinished + "/" + ArchiveFolder.events, &eraser)
        guard !rewrite.changes.isEmpty else { return nil }
        guard contents.events == day.events, contents.lastSeq == day.lastSeq else {
            throw ErasureError.damaged(path: source.name, reason: "it has \(contents.events) readable events of \(day.events)")
        }
        let name = Self.recordName(erasure, day: day.day)
        manifest.contents = Manifest.Contents(contents)
        manifest.erasures.append(name)
        let encoded = manifest.encoded()
        let digest = Digest(of: encoded)
        try folder.write(encoded, to: unfinished + "/" + ArchiveFolder.manifest)
        let checkpoint = Checkpoint.sealed(
            origin: key.name, tenant: day.tenantName, day: day.day, size: manifest.tree.size, root: manifest.tree.root, manifest: digest)
        try folder.write(try key.sign(checkpoint.text).encoded(), to: unfinished + "/" + ArchiveFolder.checkpoint)
        try folder.sync(folder: unfinished)
        try probe(.written)
        let record = ErasureRecord(
            tenant: day.tenantName, day: day.day, erasure: erasure, reason: reason, at: now.milliseconds, changes: rewrite.changes,
            rootBefore: manifest.tree.root, rootAfter: rewrite.tree.root, manifestBefore: day.manifest)
        let records = folder.folder(of: day.tenantName) + "/" + SignedRecord.folderName
        try folder.make(records)
        try folder.replace(records + "/" + name, with: try SignedRecord.signed(record, by: key).encoded())
        try probe(.recorded)
        guard clinux_exchange(unfinished, place) == 0 else { throw ArchiveFileError(place, "renameat2") }
        // What has the unfinished name now is the old day.
        try folder.sync(folder: folder.folder(of: day.tenantName))
        try probe(.swapped)
        var row = ArchivedDay(manifest, digest: digest, tenant: day.tenant)
        row.isRemote = day.isRemote
        try catalogue.replace(row)
        try probe(.catalogued)
        try folder.remove(folder: unfinished)
        isDone = true
        return Result(events: rewrite.changes.count, day: row)
    }

    /// Visits lines without their newlines until `visit` says no; whether it never did.
    static func forEachLine(_ lines: UnsafeRawBufferPointer, _ visit: (UnsafeRawBufferPointer) throws -> Bool) rethrows -> Bool {
        var start = 0
        while start < lines.count {
            let end = lines[start...].firstIndex(of: UInt8(ascii: "\n")) ?? lines.count
            guard try visit(UnsafeRawBufferPointer(rebasing: lines[start..<end])) else { return false }
            start = end + 1
        }
        return true
    }

    /// Writes the new file: members without a trace are copied byte for byte.
    private struct Rewrite {
        private(set) var changes: [ErasureRecord.Change] = []
        /// Of the lines as they are now.
        private(set) var tree: CompactRange
        private let level: Int

        init(before: CompactRange, level: Int) {
            tree = before
            self.level = level
        }

        /// `afterSeq`: the tenant's last seq before the day.
        mutating func run(
            _ day: ArchivedDay, after afterSeq: UInt64, from source: LocalFile, to path: String, _ eraser: inout PersonEraser
        ) throws -> ArchiveContents {
            var writer = try ArchiveWriter(
                path: path, tenant: day.tenant, tenantName: day.tenantName, day: day.day, afterSeq: afterSeq)
            let deflater = Deflater(level: level)
            var walker = ArchiveWalker(source)
            while let step = try walker.next() {
                guard case .lines(let lines) = step.part else {
                    if case .damage(let reason) = step.part { throw ErasureError.damaged(path: source.name, reason: reason) }
                    continue
                }
                if let changed = erased(lines, &eraser) {
                    let member = [UInt8](unsafeUninitializedCapacity: deflater.largestMember(of: changed.count)) { target, count in
                        count = changed.withUnsafeBytes { deflater.member(of: $0, into: UnsafeMutableRawBufferPointer(target)) }
                    }
                    try add(member, changed, to: &writer)
                } else {
                    try add(try source.read(step.offset..<step.offset + step.length), lines, to: &writer)
                }
            }
            return try writer.finish()
        }

        private mutating func add(_ member: [UInt8], _ lines: [UInt8], to writer: inout ArchiveWriter) throws {
            var tree = tree
            try member.withUnsafeBytes { member in
                try lines.withUnsafeBytes { lines in
                    try writer.add(member: member, lines: lines) { tree.append($0) }
                }
            }
            self.tree = tree
        }

        /// The member's lines as they shall be; `nil` when none changes.
        private mutating func erased(_ lines: [UInt8], _ eraser: inout PersonEraser) -> [UInt8]? {
            var result: [UInt8] = []
            var found: [ErasureRecord.Change] = []
            _ = lines.withUnsafeBytes { lines in
                DayErasure.forEachLine(lines) { line in
                    if let replacement = eraser.replacement(for: line), let head = CanonicalLine(line) {
                        found.append(
                            ErasureRecord.Change(seq: head.seq, before: MerkleHash.leaf(line), after: MerkleHash.leaf(replacement)))
                        result += replacement
                    } else {
                        result += line
                    }
                    result.append(UInt8(ascii: "\n"))
                    return true
                }
            }
            changes += found
            return found.isEmpty ? nil : result
        }
    }
}

/// Why an erasure cannot go on; the day that it names was not changed.
package enum ErasureError: Error, CustomStringConvertible, Equatable {
    /// The file would lose what cannot be read.
    case damaged(path: String, reason: String)
    /// Store and archive are done; the journal still has the lines as they came, for a store that has not passed them.
    case journalHeld(position: UInt64)
    /// The reason names the person by what was learned of them.
    case reasonNamesPerson
    /// A legal hold covers days with traces.
    case held(days: Int, firstDay: Int64, hold: LegalHold)

    package var description: String {
        switch self {
        case .journalHeld(let position):
            "store and archive are done, but the journal still holds events from position \(position) on, for a store that has not passed "
                + "them; see /health/ready, and erase again"
        case .reasonNamesPerson: "the reason names the person, and it would be kept in signed records; nothing was erased"
        case .held(let days, let first, let hold):
            "legal hold \(hold.id) (\(hold.reason), owner \(hold.owner)) covers \(days) days with traces of the person, the first "
                + "\(ArchiveFolder.name(day: first)); nothing was erased"
        case .damaged(let path, let reason):
            "\(path) is damaged (\(reason)), so what it holds of the person cannot be found; put a good copy back and erase again"
        }
    }
}
