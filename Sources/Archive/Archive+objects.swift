/// What object storage has of the archive.
extension Archive {
    /// Begins to bring what is sealed to object storage, where one is set.
    func startUploads() throws {
        guard let uploads else { return }
        try catalogue.indexUnstored()
        let remote = RemoteDays(
            queue: uploads, catalogue: catalogue, folder: folder, localDays: configuration.objects?.localDays, now: configuration.now,
            logger: logger
        ) { [weak self] in self?.changed(tenant: $0, day: $1) }
        remoteSlot.withLock { $0 = remote }
        remote.start()
    }

    /// Days were sealed.
    func lookForUploads() { remoteSlot.withLock { $0 }?.look() }

    /// The events of a day: the file that lies here, else the stored object. Throws where neither can be had; blocks for a
    /// request where it is the object.
    static func events(of tenant: String, day: Int64, folder: ArchiveFolder, uploads: UploadQueue?) throws -> any ByteSource {
        let path = path(of: tenant, day: day, folder: folder)
        if !folder.exists(path), let object = try uploads?.source(tenant: tenant, day: day) { return object }
        return try LocalFile(path: path)
    }

    static func path(of tenant: String, day: Int64, folder: ArchiveFolder) -> String {
        folder.folder(of: tenant, day: day) + "/" + ArchiveFolder.events
    }

    /// Sees to it that a day's events lie here, for being written anew.
    func bringHere(tenant: String, day: Int64) throws {
        guard let uploads, !folder.exists(folder.folder(of: tenant, day: day) + "/" + ArchiveFolder.events) else { return }
        try uploads.restoreLocalCopy(tenant: tenant, day: day)
    }

    /// What object storage holds of a day is replaced, or its events are removed there; queued durably.
    func mirrorErasure(tenant: String, day: Int64, record: String) throws {
        guard let uploads else { return }
        try uploads.enqueueReplacement(tenant: tenant, day: day)
        try mirror(record: record, tenant: tenant)
    }

    func mirrorPruning(tenant: String, day: Int64) throws { try uploads?.enqueueDeletion(tenant: tenant, day: day) }

    /// `record`: its name in the tenant's folder of records.
    func mirror(record: String, tenant: String) throws {
        try uploads?.enqueue(tenant: tenant, path: "tenant=\(tenant)/\(SignedRecord.folderName)/\(record)", replaces: true)
    }

    /// What somebody should look at, in sentences.
    package var uploadWarnings: [String] {
        guard let uploads else { return [] }
        var warnings = [remoteSlot.withLock { $0 }?.failure].compactMap(\.self)
        do {
            let status = try uploads.status()
            if status.failed > 0 || status.reason != nil {
                warnings.append("\(status.waiting) uploads wait (\(status.reason ?? "unknown reason")); they are tried again by themselves")
            }
        } catch { warnings.append("the upload queue cannot be read: \(error)") }
        return warnings
    }
}
