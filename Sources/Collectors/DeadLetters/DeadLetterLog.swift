import EventModel
import Foundation
import Synchronization
import SystemPackage

/// Rejected input, raw and with its reason, in segments of NDJSON under `deadletter/`.
///
/// A letter is synced before the answer that names it is sent. Letters that were replayed are marked by a line
/// `{"done":["…"]}` behind them, which is synced too; a segment whose letters are all done is removed. The whole log is
/// bounded: when it is full, further letters are counted, shown in health, and not kept.
///
/// An actor on a queue of its own, because it syncs files.
public actor DeadLetterLog {
    public struct Statistics: Sendable, Equatable {
        public var letters = 0
        public var bytes = 0
        public var written: UInt64 = 0
        /// Not kept because the log was full or could not be written.
        public var dropped: UInt64 = 0
        /// Why the last write failed.
        public var failure: String?
    }

    private struct Segment {
        var number: Int
        var bytes: Int
        /// Letters that are not done.
        var open: Set<UInt64>
    }

    private let queue = BlockingQueue(label: "daybook.deadletters")
    public nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

    private let folder: FilePath
    private let capacityBytes: Int
    private let now: @Sendable () -> Timestamp
    private var segments: [Segment] = []
    private var active: FileDescriptor?
    private var lastID: UInt64 = 0
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
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted() {
            guard name.hasSuffix(".ndjson"), let number = Int(name.dropLast(7)) else { continue }
            let file = try DeadLetterSegment.read(folder.appending(name))
            segments.append(Segment(number: number, bytes: file.bytes, open: Set(file.letters.map(\.id)).subtracting(file.done)))
            lastID = max(lastID, file.letters.map(\.id).max() ?? 0)
        }
        // A letter may be marked as done in a later segment than its own.
        let done = try segments.reduce(into: Set<UInt64>()) {
            try $0.formUnion(DeadLetterSegment.read(folder.appending(Self.name($1.number))).done)
        }
        for index in segments.indices { segments[index].open.subtract(done) }
        let letters = segments.reduce(0) { $0 + $1.open.count }
        let bytes = segments.reduce(0) { $0 + $1.bytes }
        shared.withLock { ($0.letters, $0.bytes) = (letters, bytes) }
    }

    /// Keeps `letters`; when this returns they are synced, or counted as dropped.
    public func append(_ letters: [DeadLetter]) {
        var bytes: [UInt8] = []
        var ids: [UInt64] = []
        for letter in letters {
            var letter = letter
            letter.id = nextID()
            bytes += letter.line
            bytes.append(UInt8(ascii: "\n"))
            ids.append(letter.id)
        }
        let used = segments.reduce(0) { $0 + $1.bytes }
        guard used + bytes.count <= capacityBytes else {
            return drop(letters.count, "the dead-letter log is full (\(capacityBytes) bytes); replay or raise deadletter.max_bytes")
        }
        do {
            try write(bytes, opening: ids)
            let count = ids.count
            shared.withLock {
                $0.letters += count
                $0.written += UInt64(count)
                $0.failure = nil
            }
        } catch {
            drop(letters.count, "the dead-letter log cannot be written: \(error)")
        }
    }

    /// Letters that are not done, oldest first, after `id`.
    public func letters(after id: UInt64, limit: Int) throws -> [DeadLetter] {
        var found: [DeadLetter] = []
        for segment in segments where segment.open.contains(where: { $0 > id }) {
            let file = try DeadLetterSegment.read(folder.appending(Self.name(segment.number)))
            for letter in file.letters where letter.id > id && segment.open.contains(letter.id) {
                found.append(letter)
                if found.count == limit { return found }
            }
        }
        return found
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

    /// Removed only from the oldest on: a later segment may hold the marks for letters of an earlier one.
    private func removeEmptySegments() {
        while segments.count > 1, let first = segments.first, first.open.isEmpty {
            try? FileManager.default.removeItem(atPath: folder.appending(Self.name(first.number)).string)
            segments.removeFirst()
        }
        let bytes = segments.reduce(0) { $0 + $1.bytes }
        shared.withLock { $0.bytes = bytes }
    }

    private func nextID() -> UInt64 {
        // Microseconds since 1970, so that ids stay unique even when the folder was emptied.
        lastID = max(lastID + 1, UInt64(max(0, now().milliseconds)) * 1000)
        return lastID
    }

    private func drop(_ count: Int, _ reason: String) {
        shared.withLock {
            $0.dropped += UInt64(count)
            $0.failure = reason
        }
    }

    private func write(_ bytes: [UInt8], opening ids: [UInt64]) throws {
        if active == nil || segments.last!.bytes >= Self.segmentBytes { try beginSegment() }
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
        segments[index].open.formUnion(ids)
        let total = segments.reduce(0) { $0 + $1.bytes }
        shared.withLock { $0.bytes = total }
    }

    private func beginSegment() throws {
        try active?.close()
        active = nil
        let number = (segments.last?.number ?? 0) + 1
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

    private static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".ndjson"
    }
}
