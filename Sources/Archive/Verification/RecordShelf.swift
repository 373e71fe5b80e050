import EventModel

/// The signed records of a tenant, read and checked.
struct RecordShelf {
    /// Prunes by day.
    private(set) var prunes: [Int64: (name: String, file: PruneRecord.File, record: PruneRecord)] = [:]
    /// Erasures by name.
    private(set) var erasures: [String: ErasureRecord] = [:]
    private(set) var findings: [Finding] = []
    private let folder: String

    /// Reads `folder`; `tenant`: `nil` for records that concern all. Records whose signature does not hold are findings and count for nothing.
    init(folder: String, tenant: String?, keys: inout TrustedKeys) throws {
        self.folder = folder
        var records: [(path: String, record: SignedRecord)] = []
        var names: [String] = []
        do { names = try VerificationInput.names(folder) } catch { findings.append(error.finding(tenant: tenant)) }
        for name in names where !name.hasPrefix(".") {
            let path = folder + "/" + name
            do {
                records.append((path, try SignedRecord(try VerificationInput.bytes(path) ?? [])))
            } catch let error as VerificationIOError {
                findings.append(error.finding(tenant: tenant))
            } catch let error as NoteError {
                findings.append(Finding(.recordForged, tenant: tenant, path: path, "This is no valid record: \(error)."))
            }
        }
        for taken in keys.follow(records) {
            let signer = "\(taken.signer.name)+\(VerifierKey.text(id: taken.signer.id))"
            findings.append(
                Finding(
                    .keyChanged, .info, tenant: tenant, path: taken.path,
                    "\(signer) names \(taken.record.key.name)+\(VerifierKey.text(id: taken.record.key.id)) as its successor, "
                        + "on \(Timestamp(milliseconds: taken.record.at))."))
        }
        for (path, record) in records { try take(record, path: path, tenant: tenant, keys: keys) }
    }

    private mutating func take(_ record: SignedRecord, path: String, tenant: String?, keys: TrustedKeys) throws {
        do {
            try record.note.verify(keys.keys)
            if let prune = try record.content(PruneRecord.self) {
                guard prune.tenant == tenant else { throw NoteError.malformed("it belongs to tenant \(prune.tenant)") }
                for file in prune.files { prunes[file.day] = (VerificationInput.name(path), file, prune) }
            } else if let erasure = try record.content(ErasureRecord.self) {
                guard erasure.tenant == tenant else { throw NoteError.malformed("it belongs to tenant \(erasure.tenant)") }
                erasures[VerificationInput.name(path)] = erasure
            }
        } catch let error as NoteError {
            findings.append(
                Finding(.recordForged, tenant: tenant, path: path, "The \(record.type) record does not count: \(error)."))
        } catch let error as DocumentError {
            findings.append(
                Finding(.recordForged, tenant: tenant, path: path, "The \(record.type) record cannot be read: \(error)."))
        }
    }
}
