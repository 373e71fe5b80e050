import EventModel
import Glibc
import Journal
import Logging
import Synchronization
import SystemPackage
import Testing

/// A folder that goes with the test.
final class TemporaryFolder: Sendable {
    let path: FilePath

    init() {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? P_tmpdir
        var template = Array("\(parent)/journal-test-XXXXXX".utf8CString)
        path = FilePath(String(cString: mkdtemp(&template)))
    }

    deinit {
        for name in names { unlink(path.appending(name).string) }
        rmdir(path.string)
    }

    var names: [String] { ((try? DiskFiles().names(in: path)) ?? []).sorted() }
    var segments: [FilePath] { names.filter { $0.hasSuffix(".journal") }.map { path.appending($0) } }

    static func bytes(of path: FilePath) throws -> [UInt8] {
        let file = try DiskFiles().open(path, creating: false)
        var bytes = [UInt8](repeating: 0, count: try file.size())
        _ = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return bytes
    }

    static func write(_ bytes: [UInt8], to path: FilePath) throws {
        let file = try DiskFiles().open(path, creating: true)
        _ = try bytes.withUnsafeBytes { try file.write($0, UnsafeRawBufferPointer(start: nil, count: 0), at: 0) }
    }
}

/// Knows nothing: duplicates are then found within a group only.
final class NoIdentities: IdentityIndex {
    func look(identity: UInt64, tenant: UInt32, content: UnsafeRawBufferPointer) -> IdentityMatch { .unknown }
}

/// Keeps what it is told, as a store would, and answers for identities from it.
final class RecordingFollower: JournalFollower, IdentityIndex {
    struct State {
        var lines: [String] = []
        var positions: [UInt64] = []
        var known: [UInt64: (seq: UInt64, body: [UInt8])] = [:]
        var applied: UInt64
    }

    let name = "recording"
    let state: Mutex<State>

    init(applied: UInt64 = 0) { state = Mutex(State(applied: applied)) }

    var appliedPosition: UInt64 { state.withLock { $0.applied } }
    var failure: String? { nil }
    var lines: [String] { state.withLock { $0.lines } }
    var positions: [UInt64] { state.withLock { $0.positions } }

    func waitForRoom() {}
    var hasRoom: Bool { true }

    func committed(_ batch: CommittedBatch) {
        state.withLock { state in
            for (index, event) in batch.events.enumerated() {
                let line = batch.lines[Int(event.offset)..<Int(event.offset + event.length)]
                state.lines.append(String(decoding: line, as: UTF8.self))
                state.positions.append(batch.firstPosition + UInt64(index))
                if event.identity != 0 { state.known[event.identity] = (event.seq, Array(line)) }
            }
        }
    }

    func apply(to position: UInt64) { state.withLock { $0.applied = position } }

    func look(identity: UInt64, tenant: UInt32, content: UnsafeRawBufferPointer) -> IdentityMatch {
        state.withLock { state in
            guard let known = state.known[identity] else { return .unknown }
            let isSame = known.body.dropLast().suffix(content.count).elementsEqual(content)
            return isSame ? .duplicate(seq: known.seq) : .conflict(seq: known.seq)
        }
    }
}

extension NormalisedBatch {
    /// Adds an event with a body of the usual beginning.
    mutating func add(_ tenant: String, _ text: String = "x", identity: UInt64 = 0) {
        let body = Array(#""time":"2026-11-20T12:00:00.000Z","tenant":"\#(tenant)","kind":"activity","summary":"\#(text)"}"#.utf8)
        let index = tenantIndex(tenant)
        events.append(
            NormalisedEvent(
                offset: UInt32(bodies.count), length: UInt32(body.count), tenant: index, line: UInt32(events.count + 1), identity: identity,
                time: 1_763_640_000_000))
        bodies += body
    }

    static func of(_ tenant: String, _ texts: String...) -> NormalisedBatch {
        var batch = NormalisedBatch()
        for text in texts { batch.add(tenant, text) }
        return batch
    }
}

extension JournalConfiguration {
    static func test(_ folder: TemporaryFolder, files: any JournalFiles = DiskFiles()) -> JournalConfiguration {
        JournalConfiguration(folder: folder.path, node: 7, now: { Timestamp(milliseconds: 1_763_640_001_234) }, files: files)
    }
}

extension Journal {
    static func open(
        _ configuration: JournalConfiguration, _ identities: any IdentityIndex = NoIdentities(), floor: JournalFloor = JournalFloor()
    ) throws -> Journal {
        try Journal.open(
            configuration, identities: identities, floor: floor, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Every line there is, without newlines.
    var allLines: [String] {
        get throws {
            try read(from: 0, limit: .max).flatMap { batch in
                batch.events.map { String(decoding: batch.lines[Int($0.offset)..<Int($0.offset + $0.length - 1)], as: UTF8.self) }
            }
        }
    }
}
