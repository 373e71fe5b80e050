import EventModel
import Foundation
import Synchronization
import SystemPackage

/// Rejected input, raw and with its reason, in segments of NDJSON under `deadletter/`.
///
/// A letter is synced before the answer that names it is sent. Letters that were replayed are marked by a line
/// `{"done":["…"]}` behind them, which is synced too; a segment whose letters are all done is removed. The whole log is
/// bounded: when it is full, letters that do not fit are counted, shown in health until space is freed, and not kept.
///
/// An actor on a queue of its own, because it syncs files.
public actor DeadLetterLog {
    public struct Statistics: Sendable, Equatable {
        public var letters = 0
        public var bytes = 0
        public var written: UInt64 = 0
        /// Not kept because the log was full or could not be written.
        public var dropped: UInt64 = 0
        /// Why letters are not kept: the log is full, or the last write failed.
        public var failure: String?
        /// What was found at the opening that is no letter; it is kept.
        public var damage: String?
    }

    private struct Segment {
        var number: Int
        var bytes: Int
        /// Letters that are not done.
        var open: Set<UInt64>
        /// Tenants of the keys that letters came with, where the key was for one tenant.
        var keyTenants: [UInt64: String] = [:]
        /// Holds lines that are no letters, so it is set aside and not removed.
        var isDamaged = false

        /// Those that are not done, of one key's tenant or of all.
        func letters(of keyTenant: String?) -> Set<UInt64> {
            guard let keyTenant else { return open }
            return open.filter { keyTenants[$0] == keyTenant }
        }
    }

    private let queue = BlockingQueue(label: "daybook.deadletters")
    public nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

    let folder: FilePath
    private let capacityBytes: Int
    private let now: @Sendable () -> Timestamp
    private var segments: [Segment] = []
    private var active: FileDescriptor?
    /// A letter did not fit since space was freed last.
    private var isFull = false
    private var lastID: UInt64 = 0
    /// The highest number that something in the folder bears, be it a segment or not.
    private var lastNumber = 0
    private nonisolated let shared = Mutex(Statistics())

    /// A segment is also the unit that is read to list letters.
    static let segmentBytes = 4 << 20

    public nonisolated var statistics: Statistics { shared.withLock { $0 } }

    /// Opens the log; `capacityBytes` bounds all its segments together.
    public init(folder: FilePath, capacityBytes: Int, now: @escaping @Sendable () -> Timestamp) throws {
        self.folder = folder
        self.capacityBytes = capacityBytes
        self.now = now
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        var damage: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted() {
            guard name.hasSuffix(".ndjson"), let number = Int(name.dropLast(7)) else { continue }
            lastNumber = max(lastNumber, number)
            guard let file = try? DeadLetterSegment.read(folder.appending(name)) else {
                damage.append("\(name) is no file that can be read")
                continue
            }
            if file.foreignLines > 0 { damage.append("\(name) holds \(file.foreignLines) lines that are no letters") }
            segments.append(
                Segment(
                    number: number, bytes: file.bytes, open: Set(file.letters.map(\.id)).subtracting(file.done),
                    keyTenants: Self.keyTenants(file.letters), isDamaged: file.foreignLines > 0))
            lastID = max(lastID, file.letters.map(\.id).max() ?? 0)
        }
        // A letter may be marked as done in a later segment than its own.
        let done = try segments.reduce(into: Set<UInt64>()) {
            try $0.formUnion(DeadLetterSegment.read(folder.appending(Self.name($1.number))).done)
        }
        for index in segments.indices { segments[index].open.subtract(done) }
        let letters = segments.reduce(0) { $0 + $1.open.count }
        let bytes = segments.reduce(0) { $0 + $1.bytes }
        let found = damage.isEmpty ? nil : "in \(folder): " + damage.joined(separator: ", ")
        shared.withLock { ($0.letters, $0.bytes, $0.damage) = (letters, bytes, found) }
    }

    /// Keeps `letters`; when this returns they are synced, or counted as dropped.
    public func append(_ letters: [DeadLetter]) {
        var bytes: [UInt8] = []
        var kept: [DeadLetter] = []
        let room = capacityBytes - segments.reduce(0) { $0 + $1.bytes }
        for letter in letters {
            var letter = letter
            letter.id = nextID()
            let line = letter.line
            guard bytes.count + line.count + 1 <= room else { continue }
            bytes += line
            bytes.append(UInt8(ascii: "\n"))
            kept.append(letter)
        }
        if kept.count < letters.count { isFull = true }
        drop(letters.count - kept.count)
        guard !kept.isEmpty else { return }
        do {
            try write(bytes, opening: kept)
            let (count, fullness) = (kept.count, fullness)
            shared.withLock {
                $0.letters += count
                $0.written += UInt64(count)
                $0.failure = fullness
            }
        } catch {
            drop(kept.count, "the dead-letter log cannot be written: \(error)")
        }
    }

    /// What is said while the log is full, also when a small letter still fitted.
    private var fullness: String? {
        guard isFull else { return nil }
        return "the dead-letter log is full (\(capacityBytes) bytes); replay or raise deadletter.max_bytes"
    }

    /// Letters that are not done, oldest first, after `id`.
    ///
    /// - Parameter keyTenant: only those that came with a key of this tenant; `nil` for all.
    public func letters(after id: UInt64, limit: Int, keyTenant: String? = nil) throws -> [DeadLetter] {
        var found: [DeadLetter] = []
        for segment in segments where segment.letters(of: keyTenant).contains(where: { $0 > id }) {
            let file = try DeadLetterSegment.read(folder.appending(Self.name(segment.number)))
            let wanted = segment.letters(of: keyTenant)
            for letter in file.letters where letter.id > id && wanted.contains(letter.id) {
                found.append(letter)
                if found.count == limit { return found }
            }
        }
        return found
    }

    /// How many letters are not done, of all or of those that came with a key of this tenant.
    public func count(keyTenant: String?) -> Int { segments.reduce(0) { $0 + $1.letters(of: keyTenant).count } }

    private static func keyTenants(_ letters: [DeadLetter]) -> [UInt64: String] {
        letters.reduce(into: [:]) { tenants, letter in if let tenant = letter.keyTenant { tenants[letter.id] = tenant } }
    }

    /// Marks letters as done, durably, and removes segments that hold nothing else.
    public func finish(_ ids: [UInt64]) throws {
        guard !ids.isEmpty else { return }
        var json = JSONBytes()
        json.object { json in
            json.key("done")
            json.array { json in for id in ids { json.string(String(id)) } }
        }
        try write(json.bytes + [UInt8(ascii: "\n")], opening: [])
        for index in segments.indices { segments[index].open.subtract(ids) }
        removeEmptySegments()
        let letters = segments.reduce(0) { $0 + $1.open.count }
        shared.withLock { $0.letters = letters }
    }

    /// Removed only from the oldest on: a later segment may hold the marks for letters of an earlier one. The active one
    /// goes too when it is the last; the next letter begins another.
    private func removeEmptySegments() {
        while let first = segments.first, first.open.isEmpty {
            if segments.count == 1 { close() }
            do { try discard(first) } catch { break }
            segments.removeFirst()
            isFull = false
        }
        let (bytes, fullness) = (segments.reduce(0) { $0 + $1.bytes }, fullness)
        shared.withLock { ($0.bytes, $0.failure) = (bytes, fullness) }
    }

    /// What is no letter may be one that was garbled: only a person may throw it away.
    private func discard(_ segment: Segment) throws {
        let path = folder.appending(Self.name(segment.number)).string
        if segment.isDamaged {
            try FileManager.default.moveItem(atPath: path, toPath: path + ".damaged")
        } else {
            try FileManager.default.removeItem(atPath: path)
        }
    }

    private func nextID() -> UInt64 {
        // Microseconds since 1970, so that ids stay unique even when the folder was emptied.
        lastID = max(lastID + 1, UInt64(max(0, now().milliseconds)) * 1000)
        return lastID
    }

    private func drop(_ count: Int, _ reason: String? = nil) {
        guard count > 0 else { return }
        let reason = reason ?? fullness
        shared.withLock {
            $0.dropped += UInt64(count)
            $0.failure = reason
        }
    }

    private func write(_ bytes: [UInt8], opening letters: [DeadLetter]) throws {
        if active == nil || segments.isEmpty || segments.last!.bytes >= Self.segmentBytes { try beginSegment() }
        let index = segments.count - 1
        do {
            try active!.writeAll(bytes)
            try DeadLetterSegment.sync(active!)
        } catch {
            // What the file holds now is unknown; the next letters go into a fresh one.
            try? active!.close()
            active = nil
            throw error
        }
        segments[index].bytes += bytes.count
        segments[index].open.formUnion(letters.map(\.id))
        segments[index].keyTenants.merge(Self.keyTenants(letters)) { $1 }
        let total = segments.reduce(0) { $0 + $1.bytes }
        shared.withLock { $0.bytes = total }
    }

    private func beginSegment() throws {
        try active?.close()
        active = nil
        let number = max(segments.last?.number ?? 0, lastNumber) + 1
        lastNumber = number
        active = try FileDescriptor.open(
            folder.appending(Self.name(number)), .writeOnly, options: [.create, .append, .exclusiveCreate, .closeOnExec],
            permissions: [.ownerReadWrite])
        try DeadLetterSegment.syncFolder(folder)
        segments.append(Segment(number: number, bytes: 0, open: []))
    }

    public func close() {
        try? active?.close()
        active = nil
    }

    /// The segments were written anew: the next letter begins another, and what they weigh is counted again.
    func closeActiveSegment() {
        close()
        for index in segments.indices {
            let path = folder.appending(Self.name(segments[index].number)).string
            if let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int { segments[index].bytes = size }
        }
        let total = segments.reduce(0) { $0 + $1.bytes }
        shared.withLock { $0.bytes = total }
    }

    private static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".ndjson"
    }
}
