import EventStore

/// A day of a tenant that is not sealed yet.
package struct OpenArchiveDay: Sendable, Equatable {
    package var tenant: String
    /// Days since 1970-01-01.
    package var day: Int64
    /// Received so far.
    package var events: Int
}

/// What lies in the archive, for those who list and download.
extension Archive {
    /// What the store has of days that are not sealed, by day and tenant's number; of an event it counts from the moment at
    /// which it was accepted.
    package func openDays(tenant: String? = nil, in days: ClosedRange<Int64>) throws -> [OpenArchiveDay] {
        let counts = store.eventCounts(after: catalogue.sealedDay ?? .min).filter { days.contains($0.key) }
        var open: [OpenArchiveDay] = []
        for (day, tenants) in counts.sorted(by: { $0.key < $1.key }) {
            for (number, events) in tenants.sorted(by: { $0.key < $1.key }) {
                let name = store.name(of: number)
                if tenant == nil || tenant == name { open.append(OpenArchiveDay(tenant: name, day: day, events: events)) }
            }
        }
        return open
    }

    /// One of ``ArchiveFolder/events``, ``ArchiveFolder/manifest`` and ``ArchiveFolder/checkpoint`` of a day; `nil` when it
    /// is not there. Throws when it is there and cannot be opened.
    package func file(_ name: String, of tenant: String, day: Int64) throws -> (any ByteSource)? {
        let path = folder.folder(of: tenant, day: day) + "/" + name
        if folder.exists(path) { return try LocalFile(path: path) }
        return name == ArchiveFolder.events ? try uploads?.source(tenant: tenant, day: day) : nil
    }

    /// The newest signed note of a tenant: of the open day where it has one, else of the last sealed one. `nil` for a tenant
    /// that has none.
    package func newestCheckpoint(of tenant: String) throws -> [UInt8]? {
        let last = try folder.days(of: tenant).last
        let open = try OpenCheckpoints(folder: folder, key: key).newest(tenant: tenant)
        if let open, last.map({ open.name.prefix(10) > ArchiveFolder.name(day: $0) }) ?? true { return open.note }
        return try last.flatMap { try folder.read(folder.folder(of: tenant, day: $0) + "/" + ArchiveFolder.checkpoint) }
    }
}
