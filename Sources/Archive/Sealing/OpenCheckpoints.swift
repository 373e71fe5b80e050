import EventModel
import Glibc

/// Checkpoints of days that were open when they were made: `tenant=T/_hourly/2026-11-20T13`.
struct OpenCheckpoints {
    let folder: ArchiveFolder
    let key: SigningKey

    private func path(_ tenant: String) -> String { folder.folder(of: tenant) + "/" + ArchiveFolder.hourly }

    /// `2026-11-20T13`. `hour`: hours since 1970.
    static func name(hour: Int64) -> String { String(Timestamp(milliseconds: hour * 3_600_000).description.prefix(13)) }

    /// Signs and writes one; durable when it returns. Returns the note.
    func write(tenant: String, hour: Int64, tree: CompactRange) throws -> [UInt8] {
        let checkpoint = Checkpoint.open(origin: key.name, tenant: tenant, hour: hour, size: tree.size, root: tree.root)
        let note = try key.sign(checkpoint.text).encoded()
        try folder.make(folder.folder(of: tenant))
        try folder.make(path(tenant))
        try folder.replace(path(tenant) + "/" + Self.name(hour: hour), with: note)
        return note
    }

    /// Those of one day that this key signed, in no order.
    func given(tenant: String, day: Int64) throws -> [GivenCheckpoints.Given] {
        let prefix = ArchiveFolder.name(day: day) + "T"
        return try folder.names(in: path(tenant)).filter { $0.hasPrefix(prefix) && $0.count == prefix.count + 2 }.compactMap { name in
            guard let bytes = try folder.read(path(tenant) + "/" + name), let note = try? SignedNote(bytes),
                (try? note.verify([key.verifier])) != nil, let checkpoint = try? Checkpoint(note.text), checkpoint.tenant == tenant
            else { return nil }
            return GivenCheckpoints.Given(name: name, size: checkpoint.size, root: checkpoint.root)
        }
    }

    /// The newest one's note.
    func newest(tenant: String) throws -> (name: String, note: [UInt8])? {
        guard let name = try folder.names(in: path(tenant)).filter({ !$0.hasSuffix(".new") }).max(),
            let note = try folder.read(path(tenant) + "/" + name)
        else { return nil }
        return (name, note)
    }

    /// Removes those of days before `day`: their days are sealed, and the seal has held them against the tree.
    func remove(tenant: String, before day: Int64) throws {
        for name in try folder.names(in: path(tenant)) {
            guard let of = ArchiveFolder.day(name.prefix(10)), of < day else { continue }
            let file = path(tenant) + "/" + name
            guard unlink(file) == 0 || errno == ENOENT else { throw ArchiveFileError(file, "unlink") }
        }
    }
}
