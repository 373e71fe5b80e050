import EventModel
import Foundation

extension UploadQueue {
    package static func folderName(tenant: String, day: Int64) -> String {
        "tenant=\(tenant)/day=\(Timestamp(milliseconds: day * 86_400_000).day)"
    }

    /// Queues a sealed day as it lies in the archive's folder; a quiet day has no events file. Hashes the files, so that
    /// what is stored later is known to be what was sealed. Queueing a day again that is stored or queued changes nothing.
    package func enqueue(tenant: String, day: Int64) throws {
        if try state(tenant: tenant, day: day) != .unknown { return }
        let entries = try Self.dayNames.compactMap { try entry(.upload, tenant: tenant, day: day, name: $0) }
        try add(entries, tenant: tenant, day: day)
    }

    /// Queues what an erasure changed: each file of the day, in the place of what is stored. Older versions are removed
    /// from buckets that keep them.
    package func enqueueReplacement(tenant: String, day: Int64) throws {
        let entries = try Self.dayNames.compactMap { try entry(.replace, tenant: tenant, day: day, name: $0) }
        try add(entries, tenant: tenant, day: day)
    }

    /// Queues the removal of a day's events after pruning; manifest and checkpoint stay, for the tree goes over them.
    package func enqueueDeletion(tenant: String, day: Int64) throws {
        let path = Self.folderName(tenant: tenant, day: day) + "/" + Self.eventsName
        try database.add([.init(kind: .delete, tenant: tenant, day: day, path: path)], now: now())
        signal()
    }

    /// Queues a file that belongs to no day, such as a signed record.
    /// - Parameters:
    ///   - path: below the archive's folder, `tenant=acme/_records/NAME`.
    ///   - replaces: whether another content may be stored under it.
    package func enqueue(tenant: String, path: String, replaces: Bool = false) throws {
        let file = try LocalObject(path: folder + "/" + path)
        let sha256 = try file.hash(0..<file.count)
        if !replaces, let object = try database.object(path: path), object.sha256 == sha256 { return }
        let kind: UploadOperation.Kind = replaces ? .replace : .upload
        try database.add(
            [.init(kind: kind, tenant: tenant, day: nil, path: path, bytes: file.count, sha256: sha256)], now: now())
        signal()
    }

    private func entry(_ kind: UploadOperation.Kind, tenant: String, day: Int64, name: String) throws -> UploadDatabase.Entry? {
        let path = Self.folderName(tenant: tenant, day: day) + "/" + name
        if name == Self.eventsName, !FileManager.default.fileExists(atPath: folder + "/" + path) { return nil }
        let file = try LocalObject(path: folder + "/" + path)
        return .init(kind: kind, tenant: tenant, day: day, path: path, bytes: file.count, sha256: try file.hash(0..<file.count))
    }

    private func add(_ entries: [UploadDatabase.Entry], tenant: String, day: Int64) throws {
        try database.add(entries, now: now())
        signal()
    }

    /// Whether all of the day is stored and was compared, and nothing of it waits.
    package func isUploaded(tenant: String, day: Int64) throws -> Bool { try state(tenant: tenant, day: day) == .done }

    package func state(tenant: String, day: Int64) throws -> UploadState {
        let operations = try database.operations(tenant: tenant, day: day)
        guard let first = operations.first else {
            let checkpoint = Self.folderName(tenant: tenant, day: day) + "/" + Self.dayNames.last!
            return try database.object(path: checkpoint) == nil ? .unknown : .done
        }
        if let current = uploading(), current.tenant == tenant, current.day == day { return .uploading }
        if first.isFailed { return .failed(reason: first.reason ?? "", nextTry: first.nextTry) }
        return .pending(reason: first.reason, nextTry: first.nextTry)
    }

    /// What is known of one stored object; `path` below the archive's folder.
    package func object(path: String) throws -> ConfirmedObject? { try database.object(path: path) }

    package func status() throws -> UploadStatus {
        var status = try database.status()
        status.uploading = uploading()?.path
        status.requests = storage.counts
        return status
    }
}
