import Foundation

/// Erasures in days that are not sealed yet. Hourly checkpoints may have been given out over the lines as they were, so the
/// tree keeps their hashes; the seal takes them from here and turns what is pending into records of the sealed day.
///
/// `tenant=T/_records/.pending-…` holds a signed record like the final one, without the roots that nobody knows yet.
struct PendingErasures {
    struct Pending: Sendable, Equatable {
        var path: String
        var record: ErasureRecord
    }

    let folder: ArchiveFolder
    let key: SigningKey

    private static let prefix = ".pending-erasure-"
    /// Stands where a root or a manifest is not known yet.
    static let unknown = Digest([UInt8](repeating: 0, count: Digest.count))!

    private func records(of tenant: String) -> String { folder.folder(of: tenant) + "/" + SignedRecord.folderName }

    /// Durable when it returns: before the store lets the lines as they were go.
    func write(_ record: ErasureRecord) throws {
        try folder.make(folder.folder(of: record.tenant))
        try folder.make(records(of: record.tenant))
        let name = "\(Self.prefix)\(record.erasure)-\(ArchiveFolder.name(day: record.day))"
        try folder.replace(records(of: record.tenant) + "/" + name, with: try SignedRecord.signed(record, by: key).encoded())
    }

    /// Of one day, in the order in which they were made.
    func load(tenant: String, day: Int64) throws -> [Pending] {
        let suffix = "-" + ArchiveFolder.name(day: day)
        return try folder.names(in: records(of: tenant)).filter { $0.hasPrefix(Self.prefix) && $0.hasSuffix(suffix) }.compactMap { name in
            let path = records(of: tenant) + "/" + name
            guard let bytes = try folder.read(path) else { return nil }
            let signed = try SignedRecord(bytes)
            try signed.note.verify([key.verifier])
            return try signed.content(ErasureRecord.self).map { Pending(path: path, record: $0) }
        }.sorted { ($0.record.at, $0.path) < ($1.record.at, $1.path) }
    }

    /// Hashes that the tree keeps, by seq.
    static func originals(_ pending: [Pending]) -> [UInt64: Digest] {
        var hashes: [UInt64: Digest] = [:]
        for change in pending.flatMap(\.record.changes) where hashes[change.seq] == nil { hashes[change.seq] = change.before }
        return hashes
    }

    /// Makes them records of the sealed day, durable; returns their names, for the manifest.
    func settle(_ pending: [Pending], signed root: Digest, now: Digest) throws -> [String] {
        try pending.map { pending in
            var record = pending.record
            record.rootBefore = root
            record.rootAfter = now
            record.manifestBefore = Self.unknown
            let name = DayErasure.recordName(record.erasure, day: record.day)
            try folder.replace(records(of: record.tenant) + "/" + name, with: try SignedRecord.signed(record, by: key).encoded())
            return name
        }
    }

    /// After the seal.
    func remove(_ pending: [Pending]) { for pending in pending { unlink(pending.path) } }
}
