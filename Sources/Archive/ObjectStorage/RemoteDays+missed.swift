import EventModel

/// What was done to archived days and never reached the queue, because the process ended in between.
///
/// An erasure or a pruning is whole on this disk before the queue hears of it. Without this a stop between the two would leave
/// in object storage, for ever, what was to go; so whatever differs is looked for at the start, and hourly.
extension RemoteDays {
    func queueMissed() throws {
        let stored = try queue.database.storedDays()
        for tenant in try catalogue.chains() {
            var after: (day: Int64, tenant: UInt32)?
            var isLast = false
            while !isLast {
                if stops { return }
                let days = try catalogue.days(tenant: tenant.name, in: tenant.firstDay...tenant.lastDay, after: after, limit: Self.page)
                for day in days { try queueMissed(day, stored[UploadDatabase.Place(tenant: day.tenantName, day: day.day)]) }
                isLast = days.count < Self.page
                after = days.last.map { ($0.day, $0.tenant) }
            }
            try queueMissedRecords(tenant.name)
        }
    }

    private func queueMissed(_ day: ArchivedDay, _ stored: UploadDatabase.StoredDay?) throws {
        if let manifest = stored?.manifest, manifest != day.manifest { try queue.enqueueReplacement(tenant: day.tenantName, day: day.day) }
        if day.state == .pruned, stored?.hasEvents == true { try queue.enqueueDeletion(tenant: day.tenantName, day: day.day) }
        guard day.state == .sealed, stored?.hasEvents == true else { return }
        // The file goes before the catalogue hears of it, and comes back for an erasure.
        let isLocal = folder.exists(folder.folder(of: day.tenantName, day: day.day) + "/" + ArchiveFolder.events)
        guard isLocal != day.isLocal else { return }
        try catalogue.setPlace(tenant: day.tenant, day: day.day, state: day.state, isLocal: isLocal, isRemote: day.isRemote)
    }

    private func queueMissedRecords(_ tenant: String) throws {
        let records = folder.folder(of: tenant) + "/" + SignedRecord.folderName
        for name in try folder.names(in: records) where !name.hasSuffix(".new") {
            guard let bytes = try folder.read(records + "/" + name) else { continue }
            let path = "tenant=\(tenant)/\(SignedRecord.folderName)/\(name)"
            if try queue.object(path: path)?.sha256 != Digest(of: bytes) { try queue.enqueue(tenant: tenant, path: path, replaces: true) }
        }
    }
}

extension UploadDatabase {
    struct Place: Hashable {
        var tenant: String
        var day: Int64
    }

    /// What is known to be stored of a day.
    struct StoredDay {
        var manifest: Digest?
        var hasEvents = false
    }

    /// Every day of which something is stored: some 150 bytes a day.
    func storedDays() throws -> [Place: StoredDay] {
        var days: [Place: StoredDay] = [:]
        for object in try dayObjects() {
            var day = days[object.place] ?? StoredDay()
            if object.path.hasSuffix("/" + Manifest.fileName) { day.manifest = object.sha256 }
            if object.path.hasSuffix("/" + ArchiveFolder.events) { day.hasEvents = true }
            days[object.place] = day
        }
        return days
    }
}
