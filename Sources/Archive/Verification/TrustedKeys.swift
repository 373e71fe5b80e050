/// The keys whose signatures count: those that were given, and those that they name in key records.
struct TrustedKeys {
    private(set) var keys: [VerifierKey]

    init(_ keys: [VerifierKey]) { self.keys = keys }

    /// Takes the keys that `records` name, also where one leads to the next; answers what it took.
    mutating func follow(_ records: [(path: String, record: SignedRecord)]) -> [(path: String, record: KeyRecord, signer: VerifierKey)] {
        var taken: [(path: String, record: KeyRecord, signer: VerifierKey)] = []
        var isNew = true
        while isNew {
            isNew = false
            for (path, record) in records where record.type == KeyRecord.type {
                guard let signer = try? record.note.verify(keys).first, let content = try? record.content(KeyRecord.self),
                    !keys.contains(content.key)
                else { continue }
                keys.append(content.key)
                taken.append((path, content, signer))
                isNew = true
            }
        }
        return taken
    }

    /// What is wrong with the signature of the note in `path`; `nil` when a trusted key signed it.
    func fault(_ note: SignedNote, path: String, what: String, tenant: String?, day: Int64?) -> Finding? {
        do {
            try note.verify(keys)
            return nil
        } catch NoteError.unknownSigners(let signers) where !signers.isEmpty {
            return Finding(
                .otherKey, tenant: tenant, day: day, path: path,
                "\(what) is signed by \(signers.joined(separator: ", ")), which is none of the keys that are trusted here: \(names).")
        } catch {
            return Finding(.checkpointChanged, tenant: tenant, day: day, path: path, "\(what) cannot be trusted: \(error).")
        }
    }

    private var names: String { keys.map { "\($0.name)+\(VerifierKey.text(id: $0.id))" }.joined(separator: ", ") }
}
