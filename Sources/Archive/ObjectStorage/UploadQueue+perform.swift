extension UploadQueue {
    /// Does what the operation says and returns what is stored then; `nil` after a deletion. Blocks.
    func perform(_ operation: UploadOperation) throws -> (StoredObject, ObjectStorage.Evidence)? {
        switch operation.kind {
        case .delete:
            try storage.delete(operation.path)
            try storage.deleteVersions(of: operation.path, keepingLatest: false)
            guard try storage.head(operation.path) == nil else {
                throw ObjectStorageError.differs(key: operation.path, reason: "it is still there after it was deleted")
            }
            return nil
        case .upload: return try store(operation, replaces: false)
        case .replace:
            let stored = try store(operation, replaces: true)
            // A bucket that keeps versions would keep what was erased.
            try storage.deleteVersions(of: operation.path, keepingLatest: true)
            return stored
        }
    }

    private func store(_ operation: UploadOperation, replaces: Bool) throws -> (StoredObject, ObjectStorage.Evidence) {
        guard let sha256 = operation.sha256 else { preconditionFailure("an upload without a hash") }
        guard let found = try storage.head(operation.path) else { return try send(operation, sha256, .isNew) }
        if found.bytes == operation.bytes, found.meantSHA256 == sha256 {
            // It arrived before a crash, or its answer was lost. What it says of itself is not believed.
            if let stored = try compareAgain(operation, sha256) { return stored }
        } else if !replaces {
            throw ObjectStorageError.differs(
                key: storage.key(operation.path),
                reason: "another object of \(found.bytes) bytes is stored there already; it is left as it is")
        }
        return try send(operation, sha256, .isStill(etag: found.etag))
    }

    /// `nil` when what is stored is damaged.
    private func compareAgain(_ operation: UploadOperation, _ sha256: Digest) throws -> (StoredObject, ObjectStorage.Evidence)? {
        do {
            return try storage.compare(operation.path, bytes: operation.bytes, sha256: sha256)
        } catch ObjectStorageError.differs(_, let reason) {
            log.error("a stored object is damaged and is sent again", metadata: ["path": "\(operation.path)", "reason": "\(reason)"])
            return nil
        }
    }

    private func send(
        _ operation: UploadOperation, _ sha256: Digest, _ condition: WriteCondition
    ) throws -> (StoredObject, ObjectStorage.Evidence) {
        do {
            let trace = try storage.upload(operation.path, file: folder + "/" + operation.path, sha256: sha256, condition: condition) {
                try database.setUpload($0, of: operation)
            }
            return try storage.compare(operation.path, bytes: operation.bytes, sha256: sha256, trace: trace)
        } catch let refusal as ObjectStorageError where refusal.isRefused(412) {
            // A write whose answer was lost meets its own object when it is repeated.
            guard let found = try storage.head(operation.path), found.bytes == operation.bytes, found.meantSHA256 == sha256,
                let stored = try compareAgain(operation, sha256)
            else { throw refusal }
            return stored
        }
    }
}
