import Crypto
import EventModel

/// The files of one tenant's day, as far as they can be read and believed, without its events.
struct DayFolder {
    static let eventsName = "events.ndjson.gz"
    static let checkpointName = "_checkpoint"

    let path: String
    let tenant: String
    /// Days since 1970.
    let day: Int64
    private(set) var findings: [Finding] = []
    /// The checkpoint when a trusted key signed it.
    private(set) var checkpoint: Checkpoint?
    private(set) var signer: String?
    /// The manifest as it is in the folder, without its blocks; `nil` when it cannot be read.
    private(set) var manifest: Manifest?
    /// SHA-256 of the manifest's file.
    private(set) var manifestDigest: Digest?
    /// Whether the checkpoint beside it signs the manifest; the chain may vouch for it as well.
    private(set) var isManifestSigned = false
    private(set) var hasEvents = false

    /// `tenant`: of the folder's name, `nil` when the folder's name does not tell; `day` likewise.
    init(path: String, tenant: String?, day: Int64?, keys: TrustedKeys) {
        self.path = path
        var refused: [String: VerificationIOError] = [:]
        let checkpointBytes = Self.small(path + "/" + Self.checkpointName, &refused)
        let manifestBytes = Self.small(path + "/" + Manifest.fileName, &refused)
        let read = Self.read(manifestBytes)
        let claimed = checkpointBytes.flatMap { try? SignedNote($0) }.flatMap { try? Checkpoint($0.text) }
        self.tenant = tenant ?? claimed?.tenant ?? read.manifest?.tenant ?? "?"
        self.day = day ?? claimed?.day ?? read.manifest?.day ?? 0
        manifest = read.manifest
        manifestDigest = manifestBytes.map { Digest(of: $0) }
        findings += refused.values.sorted { $0.path < $1.path }.map { $0.finding(tenant: self.tenant, day: self.day) }
        if refused[path + "/" + Self.checkpointName] == nil { take(checkpointBytes, keys: keys) }
        if refused[path + "/" + Manifest.fileName] == nil { judgeManifest(isThere: manifestBytes != nil, fault: read.fault) }
        manifest?.contents?.blocks = []
        let allowed: Set = [Self.eventsName, Self.checkpointName, Manifest.fileName]
        var names: [String] = []
        do { names = try VerificationInput.names(path) } catch {
            findings.append(error.finding(tenant: self.tenant, day: self.day))
        }
        hasEvents = names.contains(Self.eventsName)
        for name in names where !allowed.contains(name) {
            add(
                .fileExtra, .critical, path + "/" + name,
                "It is none of the files of a sealed day; readers of the folder may take it for events.")
        }
    }

    /// The whole manifest once more, blocks included; `nil` when it cannot be read or is another by now.
    func wholeManifest() throws -> Manifest? {
        guard let bytes = try VerificationInput.bytes(path + "/" + Manifest.fileName), Digest(of: bytes) == manifestDigest else {
            return nil
        }
        return try? Manifest(json: bytes)
    }

    /// The tenant that checkpoint or manifest in a day's folder name, whoever wrote them; `nil` when neither can be read.
    static func claimedTenant(_ path: String) -> String? {
        let note = (try? VerificationInput.bytes(path + "/" + checkpointName)).flatMap { try? SignedNote($0) }
        if let tenant = note.flatMap({ try? Checkpoint($0.text) })?.tenant { return tenant }
        return read(try? VerificationInput.bytes(path + "/" + Manifest.fileName)).manifest?.tenant
    }

    /// `nil` when there is no such file, or none that can be read.
    private static func small(_ path: String, _ refused: inout [String: VerificationIOError]) -> [UInt8]? {
        do { return try VerificationInput.bytes(path) } catch {
            refused[path] = error
            return nil
        }
    }

    private static func read(_ bytes: [UInt8]?) -> (manifest: Manifest?, fault: String?) {
        guard let bytes else { return (nil, nil) }
        do { return (try Manifest(json: bytes), nil) } catch { return (nil, String(describing: error)) }
    }

    private mutating func take(_ bytes: [UInt8]?, keys: TrustedKeys) {
        let path = path + "/" + Self.checkpointName
        guard let bytes else {
            add(.checkpointMissing, .critical, path, "The day has no checkpoint: nothing says what was sealed.")
            return
        }
        do {
            let note = try SignedNote(bytes)
            if let fault = keys.fault(note, path: path, what: "The checkpoint", tenant: tenant, day: day) {
                findings.append(fault)
                return
            }
            let read = try Checkpoint(note.text)
            guard read.tenant == tenant, read.day == day else {
                let whose =
                    "tenant \(read.tenant ?? "?") and \(read.day.map { Timestamp(milliseconds: $0 * 86_400_000).day } ?? "no sealed day")"
                add(.folderMoved, .critical, path, "The checkpoint in this folder is that of \(whose).")
                return
            }
            checkpoint = read
            signer = try note.verify(keys.keys).first.map { "\($0.name)+\(VerifierKey.text(id: $0.id))" }
        } catch {
            add(.checkpointChanged, .critical, path, "The checkpoint cannot be read: \(error).")
        }
    }

    private mutating func judgeManifest(isThere: Bool, fault: String?) {
        let path = path + "/" + Manifest.fileName
        guard isThere else {
            add(.manifestMissing, .critical, path, "The day has no manifest.")
            return
        }
        if let checkpoint, checkpoint.manifest != manifestDigest {
            add(.manifestChanged, .critical, path, "The manifest is not the one that the day's checkpoint signs.")
            return
        }
        isManifestSigned = checkpoint != nil
        if let fault {
            // Only the key's owner can have signed it.
            let kind: Finding.Kind = isManifestSigned ? .manifestWrong : .manifestChanged
            add(kind, .critical, path, "The manifest cannot be read: \(fault).")
        }
        guard let manifest else { return }
        if manifest.tenant != tenant || manifest.day != day {
            let name = Timestamp(milliseconds: manifest.day * 86_400_000).day
            add(.folderMoved, .critical, path, "The manifest in this folder is that of tenant \(manifest.tenant) and \(name).")
            self.manifest = nil
        } else if let checkpoint, checkpoint.size != manifest.tree.size || checkpoint.root != manifest.tree.root {
            add(.manifestWrong, .critical, path, "Manifest and checkpoint are signed together, but tell of different trees.")
        }
    }

    private mutating func add(_ kind: Finding.Kind, _ severity: Finding.Severity, _ path: String, _ text: String) {
        findings.append(Finding(kind, severity, tenant: tenant, day: day, path: path, text))
    }
}
