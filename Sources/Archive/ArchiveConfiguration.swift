import EventModel
import Journal

/// Where archives lie and how they are made, each bound with its reason.
public struct ArchiveConfiguration: Sendable {
    /// Folder of the archive and of the keys; both are made when they are missing.
    public var folder: String
    public var keys: String
    /// Name of the log and of its key in every checkpoint; `nil`: `daybook-` and eight digits drawn with the key.
    public var origin: String?
    /// How long after midnight UTC a day is sealed: late enough that no usual correction of the clock reaches back over it.
    public var sealGrace: Duration = .seconds(900)
    /// Journal segments kept for days that are not sealed yet, so that each event lies on the disk twice. 4 GiB are about
    /// six million events; beyond them the store's own synced copy is the only one until the seal.
    public var journalBytes = 4 << 30
    /// Sealed days leave the store at this age: a month answers most lookups, and the rest come from the archive.
    public var keep: Duration = .seconds(30 * 86_400)
    /// Each checkpoint is copied into this folder, and posted to this address, where they are set.
    public var checkpointFolder: String?
    public var checkpointWebhook: String?
    /// Lines of one gzip member that is joined from smaller ones; as the store's compacted ones.
    public var memberBytes = 256 << 10
    /// libdeflate's level for them (see ``MemberCutter``).
    public var level = 9
    /// Archived days of one tenant that are pruned at once without somebody's word. A server that runs prunes one a day; a
    /// clock that jumped ahead would prune many.
    public var pruneAtOnce = 3
    /// A checkpoint of the open day every hour.
    public var checkpointsHourly = true
    /// Sealing takes only what processor time is left over, except where somebody waits for it.
    public var isGentle = true
    /// Where sealed days are copied to; `nil`: nowhere.
    package var objects: ObjectStorageSettings?
    /// Name and version of the program, for manifests.
    public var software = "daybook"
    public var now: @Sendable () -> Timestamp

    public init(folder: String, keys: String, now: @escaping @Sendable () -> Timestamp = { Timestamp.wallClock() }) {
        self.folder = folder
        self.keys = keys
        self.now = now
    }
}
