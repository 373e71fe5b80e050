import EventModel
import Foundation

extension UploadQueue {
    /// Removes the events files of days before `day` that are stored remotely, by `archive.local_days`. Manifests and
    /// checkpoints stay: they are small, and the tree and the catalogue need them.
    ///
    /// A file goes only after the service has just confirmed size, content hash and ETag of all three objects of its day
    /// as they were when they were compared, and while nothing of the day waits. Blocks; call it on a thread of its own.
    /// A day that the service does not confirm keeps its file and is said in the log.
    ///
    /// - Returns: the days whose file was removed.
    package func removeLocalCopies(olderThan day: Int64) throws -> [(tenant: String, day: Int64)] {
        var removed: [(tenant: String, day: Int64)] = []
        for (tenant, day) in try database.keptHere(before: day, name: Self.eventsName) {
            do throws(ObjectStorageError) {
                guard try confirm(tenant: tenant, day: day) else { continue }
            } catch {
                if error.isOfService { throw error }
                log.error(
                    "a local copy is kept, because the stored one is not what it was",
                    metadata: ["tenant": "\(tenant)", "day": "\(Timestamp(milliseconds: day * 86_400_000).day)", "reason": "\(error)"])
                continue
            }
            if try removeEvents(tenant: tenant, day: day) { removed.append((tenant, day)) }
        }
        return removed
    }

    /// Whether all three objects of the day are stored, by asking now. False when the day waits or was never confirmed;
    /// throws when the service says something else than it did after the upload.
    package func confirm(tenant: String, day: Int64) throws(ObjectStorageError) -> Bool {
        let folder = Self.folderName(tenant: tenant, day: day)
        do {
            guard try isUploaded(tenant: tenant, day: day) else { return false }
            for name in Self.dayNames {
                guard let known = try database.object(path: folder + "/" + name) else { return false }
                let stored = try storage.head(known.path)
                guard stored?.bytes == known.bytes, stored?.meantSHA256 == known.sha256, stored?.etag == known.etag else {
                    throw ObjectStorageError.differs(key: storage.key(known.path), reason: "it is not what was stored there")
                }
            }
            return true
        } catch let error as ObjectStorageError {
            throw error
        } catch {
            throw .local(path: self.folder + "/uploads.sqlite", reason: "\(error)")
        }
    }

    /// False when what lies here is not what is stored: an erasure has just written it anew, and the queue will hear of it.
    private func removeEvents(tenant: String, day: Int64) throws -> Bool {
        let place = Self.folderName(tenant: tenant, day: day)
        func failure() -> ObjectStorageError { .local(path: folder + "/" + place, reason: String(cString: strerror(errno))) }
        // An erasure swaps the whole folder for another one. Held open, this one stays the one that was compared.
        let descriptor = open(folder + "/" + place, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        let manifest = openat(descriptor, Manifest.fileName, O_RDONLY | O_CLOEXEC)
        guard manifest >= 0 else { throw failure() }
        let bytes = try FileHandle(fileDescriptor: manifest, closeOnDealloc: true).readToEnd() ?? Data()
        guard try database.object(path: place + "/" + Manifest.fileName)?.sha256 == Digest(of: [UInt8](bytes)) else { return false }
        // Said first: a crash in between leaves a file too many, and not a day that nobody knows where to find.
        try database.setRemovedHere(true, path: place + "/" + Self.eventsName)
        guard unlinkat(descriptor, Self.eventsName, 0) == 0 || errno == ENOENT else { throw failure() }
        return true
    }

    /// The stored events of a day, for lookups; `nil` when they are not known to be stored. Blocks for one request.
    package func source(tenant: String, day: Int64) throws -> ObjectSource? {
        guard let known = try database.object(path: Self.folderName(tenant: tenant, day: day) + "/" + Self.eventsName) else { return nil }
        let source = try ObjectSource(storage, known.path)
        guard source.count == known.bytes, source.etag == known.etag else {
            throw ObjectStorageError.differs(key: source.name, reason: "it is not what was stored there")
        }
        return source
    }

    /// Brings a removed events file back, such as for an erasure: fetched beside its place, compared with the hash of
    /// what was uploaded, synced, then renamed. Blocks.
    package func restoreLocalCopy(tenant: String, day: Int64) throws {
        let path = Self.folderName(tenant: tenant, day: day) + "/" + Self.eventsName
        let target = folder + "/" + path
        if FileManager.default.fileExists(atPath: target) { return try database.setRemovedHere(false, path: path) }
        guard let known = try database.object(path: path) else {
            throw ObjectStorageError.differs(key: storage.key(path), reason: "it was never stored")
        }
        try storage.download(path, to: target, bytes: known.bytes, sha256: known.sha256, etag: known.etag)
        try database.setRemovedHere(false, path: path)
    }
}

extension ObjectStorage {
    /// Fetches an object of known content into a file that is there whole or not at all.
    package func download(_ name: String, to path: String, bytes: Int, sha256: Digest, etag: String) throws(ObjectStorageError) {
        let temporary = path + ".fetching"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        func failure() -> ObjectStorageError { .local(path: temporary, reason: String(cString: strerror(errno))) }
        guard descriptor >= 0 else { throw failure() }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        let found = try hash(name, bytes: bytes, etag: etag) { piece throws(ObjectStorageError) in
            var sent = 0
            while sent < piece.count {
                let count = piece.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress! + sent, piece.count - sent) }
                guard count > 0 || errno == EINTR else { throw failure() }
                sent += max(count, 0)
            }
        }
        guard found == sha256 else {
            throw .differs(key: key(name), reason: "what is stored has sha256 \(found.hex) and not \(sha256.hex)")
        }
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw failure() }
        let folder = open(String(path[..<path.lastIndex(of: "/")!]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure() }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure() }
    }
}
