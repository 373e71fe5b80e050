import EventModel
import EventStore

/// A signed record as it is listed for those who fetch it.
package struct ArchivedRecord: Sendable, Equatable {
    /// Where it lies below the archive's folder, such as `tenant=acme/_records/prune-2026-01-01_2026-01-31`.
    package var path: String
    package var bytes: Int
    /// SHA-256 of the file.
    package var digest: Digest
}

/// What packs for support need beyond the files of sealed days.
extension Archive {
    /// As ``openDays(tenant:in:)``, with everything that was accepted so far.
    package func openDays(ofPacked tenant: String, in days: ClosedRange<Int64>) throws -> [OpenArchiveDay] {
        try store.packAll()
        return try openDays(tenant: tenant, in: days)
    }

    /// The lines of a day that is not sealed, those with a `seq` above `after`; `nil` when the tenant has none. Packs the
    /// store first.
    package func openLines(of tenant: String, day: Int64, after: UInt64) throws -> OpenDayLines? {
        guard let reader = try store.openDay(asItLies: day), let found = reader.day.tenants.first(where: { $0.name == tenant }) else {
            return nil
        }
        return OpenDayLines(reader, tenant: found.number, after: after)
    }

    /// Records of the tenant, and those that concern all tenants, by path.
    package func records(of tenant: String) throws -> [ArchivedRecord] {
        var records: [ArchivedRecord] = []
        for folderName in [SignedRecord.folderName, "tenant=\(tenant)/\(SignedRecord.folderName)"] {
            for name in try folder.names(in: folder.path + "/" + folderName) where !name.hasPrefix(".") && !name.hasSuffix(".new") {
                let path = folderName + "/" + name
                guard let bytes = try folder.read(folder.path + "/" + path) else { continue }
                records.append(ArchivedRecord(path: path, bytes: bytes.count, digest: Digest(of: bytes)))
            }
        }
        return records.sorted { $0.path < $1.path }
    }

    /// One of ``records(of:)``; `nil` when there is none at `path`.
    package func record(at path: String, of tenant: String) throws -> (any ByteSource)? {
        let folderName = "tenant=\(tenant)/\(SignedRecord.folderName)"
        guard let slash = path.lastIndex(of: "/"), [SignedRecord.folderName, folderName].contains(String(path[..<slash])) else {
            return nil
        }
        let name = path[path.index(after: slash)...]
        guard !name.isEmpty, !name.hasPrefix("."), folder.exists(folder.path + "/" + path) else { return nil }
        return try LocalFile(path: folder.path + "/" + path)
    }

    /// What proves events of one sealed day; kept for the requests that follow, since it reads the day first. Throws
    /// ``ProvingError`` when the day cannot be proven at all.
    package func prover(of tenant: String, day: Int64) throws -> DayProver {
        let path = folder.folder(of: tenant, day: day)
        let name = ArchiveFolder.name(day: day)
        guard folder.exists(path) else { throw ProvingError("\(name) of \(tenant) is not sealed yet, or its folder is gone.") }
        guard let manifest = try folder.read(path + "/" + ArchiveFolder.manifest) else {
            throw ProvingError("\(name) of \(tenant) lacks its manifest.", isDamage: true)
        }
        let key = DayProvers.Key(
            tenant: tenant, day: day, manifest: Digest(of: manifest), path: path + "/" + ArchiveFolder.events)
        return try provers.prover(key) {
            do { return try DayProver(folder: path, events: file(ArchiveFolder.events, of: tenant, day: day)) } catch let error
                as ArchiveFormatError
            { throw ProvingError("The events of \(name) cannot be read: \(error)", isDamage: true) }
        }
    }
}
