import EventModel
import Foundation

/// Deletes events files as plans say. First the signed record, durable; then the catalogue, so that no lookup takes a file that
/// goes for one that is damaged; then the files. A stop in between is finished by ``finish(tenant:)``, and until then `verify` finds
/// a file that a record says is gone, which is no damage.
package struct Pruner: Sendable {
    let folder: ArchiveFolder
    let catalogue: Catalogue
    let key: SigningKey

    package init(folder: ArchiveFolder, catalogue: Catalogue, key: SigningKey) {
        self.folder = folder
        self.catalogue = catalogue
        self.key = key
    }

    /// Deletes the events of `days` (sealed, ascending, not empty). `plan`: as it is recorded, such as `archive 365d`.
    /// Returns the record's name and the bytes of the files that went.
    package func prune(tenant: TenantChain, days: [Int64], plan: String, now: Timestamp) throws -> (record: String, bytes: Int) {
        let record = try record(tenant, days, plan, now)
        try folder.make(records(of: tenant.name))
        let note = try SignedRecord.signed(record, by: key)
        try folder.replace(records(of: tenant.name) + "/" + Self.name(record), with: note.encoded())
        return (Self.name(record), try delete(record, tenant))
    }

    /// Does what is left of a pruning that was cut off: the files of the tenant's last prune record.
    package func finish(tenant: TenantChain) throws {
        let names = try folder.names(in: records(of: tenant.name)).filter { $0.hasPrefix(Self.prefix) && !$0.hasSuffix(".new") }
        guard let last = names.max(), let bytes = try folder.read(records(of: tenant.name) + "/" + last) else { return }
        let record = try SignedRecord(bytes)
        try record.note.verify([key.verifier])
        guard let content: PruneRecord = try record.content(), content.tenant == tenant.name else { return }
        _ = try delete(content, tenant)
    }

    private static let prefix = "prune-"

    private static func name(_ record: PruneRecord) -> String {
        "\(prefix)\(ArchiveFolder.name(day: record.firstDay))_\(ArchiveFolder.name(day: record.lastDay))"
    }

    private func records(of tenant: String) -> String { folder.folder(of: tenant) + "/" + SignedRecord.folderName }

    private func record(_ tenant: TenantChain, _ days: [Int64], _ plan: String, _ now: Timestamp) throws -> PruneRecord {
        var record = PruneRecord(tenant: tenant.name, firstSeq: .max, lastSeq: 0, files: [], plan: plan, at: now.milliseconds)
        for day in days {
            let path = folder.folder(of: tenant.name, day: day) + "/" + ArchiveFolder.manifest
            guard let bytes = try folder.read(path) else { throw ArchiveFileError(path, "open", ENOENT) }
            guard let contents = try Manifest(json: bytes).contents else { continue }
            record.firstSeq = min(record.firstSeq, contents.firstSeq)
            record.lastSeq = max(record.lastSeq, contents.lastSeq)
            record.files.append(PruneRecord.File(day: day, bytes: contents.file.bytes, digest: contents.file.digest))
        }
        return record
    }

    private func delete(_ record: PruneRecord, _ tenant: TenantChain) throws -> Int {
        var bytes = 0
        for file in record.files {
            guard let row = try catalogue.day(file.day, tenant: tenant.number), row.state == .sealed || row.state == .pruned else {
                continue
            }
            if row.state == .sealed {
                try catalogue.setPlace(tenant: tenant.number, day: file.day, state: .pruned, isLocal: false, isRemote: false)
                bytes += file.bytes
            }
            let day = folder.folder(of: tenant.name, day: file.day)
            let path = day + "/" + ArchiveFolder.events
            guard unlink(path) == 0 || errno == ENOENT else { throw ArchiveFileError(path, "unlink") }
            try folder.sync(folder: day)
        }
        return bytes
    }
}
