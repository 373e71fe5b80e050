import EventModel
import Foundation
import Logging
import SystemPackage

/// Follows one file through rotation by rename and by truncation, and brings each line to the journal once.
///
/// It looks at the file in turns (see ``turn()``), so that a test drives it without a clock and nothing depends on
/// notifications that network file systems do not send. Only whole lines are taken; a last line without a newline is
/// taken when the file was rotated away and will not grow any more.
///
/// The offset is recorded after the journal has acknowledged. A stop in between makes the next start read the same
/// slice from the same offset with the same idempotency key, and the journal knows its events again.
public actor FileTail {
    public enum Turn: Sendable, Equatable {
        /// Took this many bytes; there may be more at once.
        case took(bytes: Int)
        /// Nothing new, or no such file.
        case idle
        /// The journal takes nothing now; try again later.
        case refused(String)
    }

    private let queue = BlockingQueue(label: "daybook.tail")
    public nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

    public nonisolated let entry: TailEntry
    private let ingest: Ingest
    private let record: FilePath
    private let logger: Logger
    private var file: OpenFile?
    private var offset: TailOffset?
    private var isFirstLook = true

    /// Half a slice of an HTTP body: bounded memory, and few records of the offset.
    private static let readBytes = 256 << 10

    private final class OpenFile {
        let file: TailedFile
        init(_ file: consuming TailedFile) { self.file = file }
    }

    /// `folder` keeps the offsets, one file an entry, named by the hash of its path.
    public init(_ entry: TailEntry, folder: FilePath, ingest: Ingest, logger: Logger) throws {
        self.entry = entry
        self.ingest = ingest
        self.logger = logger
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        let hash = Array(entry.path.utf8).withUnsafeBytes { Hash64.hash($0) }
        record = folder.appending(String(hash, radix: 16) + ".json")
        offset = TailOffset.load(record)
    }

    /// Looks once: opens, reads at most a slice, or moves on to the file that took the name over.
    public func turn() async throws -> Turn {
        guard try open(), let file else { return .idle }
        let size = try file.file.size()
        if size < offset!.offset || !file.file.matches(offset!) {
            logger.info("a followed file was cut short; reading it from its start", metadata: ["path": "\(entry.path)"])
            try begin(file, at: 0)
        }
        let start = offset!.offset
        let wanted = min(size - start, Self.readBytes)
        let isRotatedAway = !file.file.isStill(at: entry.path)
        guard wanted > 0 else {
            if isRotatedAway { try leave() }
            return .idle
        }
        var bytes = try file.file.read(at: start, upTo: wanted)
        if let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) {
            bytes.removeLast(bytes.count - newline - 1)
        } else if bytes.count < Self.readBytes, !isRotatedAway {
            return .idle
        } else if bytes.count == Self.readBytes, let end = try lineEnd(file, from: start + bytes.count, size: size) {
            bytes = try file.file.read(at: start, upTo: min(end - start, Limits.bodyBytes))
        } else if !isRotatedAway {
            return .idle
        }
        return try await take(bytes, file)
    }

    /// End of a line longer than one read, its newline included; `nil` while it has none.
    private func lineEnd(_ file: OpenFile, from start: Int, size: Int) throws -> Int? {
        var at = start
        while at < size {
            let piece = try file.file.read(at: at, upTo: Self.readBytes)
            if piece.isEmpty { return nil }
            if let newline = piece.firstIndex(of: UInt8(ascii: "\n")) { return at + newline + 1 }
            at += piece.count
        }
        return nil
    }

    private func take(_ bytes: [UInt8], _ file: OpenFile) async throws -> Turn {
        let takesText = entry.pipeline.flatMap { ingest.pipelines.pipeline(named: $0) }?.takesText ?? false
        var request = IngestRequest(shape: takesText ? .text : .lines, origin: "tail \(entry.path)")
        request.pipeline = entry.pipeline
        request.tenant = entry.tenant
        request.idempotencyKey = "tail/\(offset!.identity)/\(offset!.offset)"
        let answer = await ingest.take(bytes, request)
        // A part that was taken before the refusal is known again by its key when the slice is tried once more.
        if let problem = answer.problem, problem.status == 429 || problem.status == 503 { return .refused(problem.detail) }
        if let problem = answer.problem { throw problem }
        offset!.offset += bytes.count
        offset!.line += bytes.count { $0 == UInt8(ascii: "\n") }
        if offset!.fingerprintBytes < TailOffset.fingerprintLimit { try takeFingerprint(file) }
        try offset!.save(record)
        return .took(bytes: bytes.count)
    }

    /// True when a file is open.
    private func open() throws -> Bool {
        if file != nil { return true }
        defer { isFirstLook = false }
        // Rotated while nobody looked: the rest of the old file is read first, if it is still in the folder.
        if isFirstLook, let offset, let old = try rotatedFile(offset) {
            file = old
            return true
        }
        guard let opened = try TailedFile.open(entry.path) else { return false }
        let found = OpenFile(opened)
        file = found
        if let offset, found.file.matches(offset) { return true }
        // Known before: this one replaced it. Never seen, and there at the first look: as configured.
        try begin(found, at: offset == nil && isFirstLook && entry.from == .end ? try found.file.size() : 0)
        return true
    }

    private func rotatedFile(_ offset: TailOffset) throws -> OpenFile? {
        if let current = try TailedFile.open(entry.path), current.matches(offset) { return nil }
        let folder = FilePath(entry.path).removingLastComponent()
        let name = FilePath(entry.path).lastComponent?.string ?? ""
        for sibling in (try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []
        where sibling.hasPrefix(name) && sibling != name {
            if let candidate = try? TailedFile.open(folder.appending(sibling).string), candidate.matches(offset) {
                return OpenFile(candidate)
            }
        }
        return nil
    }

    /// The next look opens what has the name by then.
    private func leave() throws {
        file = nil
    }

    private func begin(_ file: OpenFile, at start: Int) throws {
        offset = TailOffset(
            device: file.file.device, inode: file.file.inode, offset: start, line: 1, fingerprint: 0, fingerprintBytes: 0,
            identity: String(UInt64.random(in: .min ... .max), radix: 36))
        try takeFingerprint(file)
        // Before the first event is taken: its key must be the same after a stop.
        try offset!.save(record)
    }

    private func takeFingerprint(_ file: OpenFile) throws {
        let print = try file.file.fingerprint(bytes: TailOffset.fingerprintLimit)
        offset!.fingerprint = print.hash
        offset!.fingerprintBytes = print.bytes
    }

    /// Follows until cancelled. `pause` waits between two looks that found nothing.
    public func follow(pause: @Sendable (Duration) async throws -> Void) async {
        while !Task.isCancelled {
            var wait: Duration?
            do {
                switch try await turn() {
                case .took: break
                case .idle: wait = .milliseconds(250)
                case .refused(let reason):
                    logger.warning("the journal takes nothing", metadata: ["path": "\(entry.path)", "reason": "\(reason)"])
                    wait = .seconds(1)
                }
            } catch {
                logger.error("a followed file cannot be read", metadata: ["path": "\(entry.path)", "error": "\(error)"])
                wait = .seconds(5)
            }
            if let wait, (try? await pause(wait)) == nil { return }
        }
    }
}
