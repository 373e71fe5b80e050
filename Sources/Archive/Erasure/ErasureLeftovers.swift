import EventModel
import Glibc

/// What an erasure that was killed left beside a tenant's days: a folder that never got its name or lost it, records of
/// changes that were never made, and a row of the catalogue that is one step behind. Removed before anything is sealed.
struct ErasureLeftovers {
    let archive: Archive

    private var folder: ArchiveFolder { archive.folder }

    func remove() throws {
        for tenant in try folder.tenants() { try remove(of: tenant) }
    }

    func remove(of tenant: String) throws {
        for name in try folder.names(in: folder.folder(of: tenant)) where name.hasPrefix(".day=") && name.hasSuffix(DayErasure.suffix) {
            guard let day = ArchiveFolder.day(name.dropFirst(5).dropLast(DayErasure.suffix.count)) else { continue }
            // Before the folder goes: it is what tells that the row may be behind.
            try catchUp(tenant, day)
            try folder.remove(folder: folder.folder(of: tenant) + "/" + name)
        }
        let records = folder.folder(of: tenant) + "/" + SignedRecord.folderName
        for name in try folder.names(in: records) {
            let isUnused = name.hasPrefix("erasure-") && !name.hasSuffix(".new") ? try isUnused(name, tenant) : false
            guard isUnused || name.hasSuffix(".new") else { continue }
            guard unlink(records + "/" + name) == 0 || errno == ENOENT else { throw ArchiveFileError(records + "/" + name, "unlink") }
        }
    }

    /// Whether the day that the record is of does not name it: the erasure ended before the day had its new files.
    private func isUnused(_ record: String, _ tenant: String) throws -> Bool {
        guard let day = ArchiveFolder.day(record.suffix(10)), let manifest = try manifest(tenant, day)?.manifest else { return false }
        return !manifest.erasures.contains(record)
    }

    private func catchUp(_ tenant: String, _ day: Int64) throws {
        guard let (manifest, digest) = try manifest(tenant, day),
            let number = try archive.catalogue.chains().first(where: { $0.name == tenant })?.number,
            let row = try archive.catalogue.day(day, tenant: number), row.manifest != digest
        else { return }
        var current = ArchivedDay(manifest, digest: digest, tenant: number)
        current.isRemote = row.isRemote
        try archive.catalogue.replace(current)
        archive.changed(tenant: number, day: day)
        for record in manifest.erasures { try archive.mirrorErasure(tenant: tenant, day: day, record: record) }
    }

    private func manifest(_ tenant: String, _ day: Int64) throws -> (manifest: Manifest, digest: Digest)? {
        guard let bytes = try folder.read(folder.folder(of: tenant, day: day) + "/" + ArchiveFolder.manifest) else { return nil }
        return (try Manifest(json: bytes), Digest(of: bytes))
    }
}
