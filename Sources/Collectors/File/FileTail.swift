import EventModel
import Foundation
import Logging
import Pipelines
import Synchronization
import SystemPackage

/// Follows one file through rotation by rename and by truncation, and brings each line to the journal once.
///
/// It looks at the file in turns (see ``turn(at:)``), so that a test drives it with a clock of its own and nothing depends
/// on notifications that network file systems do not send. Only whole lines are taken. A file that was renamed is read on
/// until another has its name and it was quiet for a while, for writers keep it open; then a last line without a newline
/// is taken, too, and the next file begun. Lines of the next file wait as long: files are read one after the other.
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
    private var files: TailedFiles
    private var offset: TailOffset?
    private var isFirstLook = true
    private nonisolated let shared = Mutex(TailStatus())

    public nonisolated var status: TailStatus { shared.withLock { $0 } }

    /// Half a slice of an HTTP body: bounded memory, and few records of the offset.
    private static let readBytes = 256 << 10

    /// `folder` keeps the offsets, one file an entry, named by the hash of its path.
    public init(_ entry: TailEntry, folder: FilePath, ingest: Ingest, logger: Logger) throws {
        self.entry = entry
        self.ingest = ingest
        self.logger = logger
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        let hash = Array(entry.path.utf8).withUnsafeBytes { Hash64.hash($0) }
        record = folder.appending(String(hash, radix: 16) + ".json")
        offset = TailOffset.load(record)
        files = TailedFiles(path: entry.path)
    }

    /// Looks once: opens, reads at most a slice, or moves on to the file that took the name over.
    public func turn(at now: ContinuousClock.Instant = .now) async throws -> Turn {
        try look(at: now)
        guard let first = files.first else { return .idle }
        if first.size < offset!.offset || !first.file.matches(offset!) {
            logger.info("a followed file was cut short; reading it from its start", metadata: ["path": "\(entry.path)"])
            try begin(first, at: 0)
        }
        let isDone = files.isFirstDone(after: entry.quiet, at: now)
        if let bytes = try next(first, isDone: isDone) { return try await take(bytes, first) }
        guard isDone else { return .idle }
        files.leaveFirst()
        try begin(files.first!, at: 0)
        return try await turn(at: now)
    }

    /// Whole lines from the offset on; of a file that is done also what stands behind its last newline.
    private func next(_ file: TailedFiles.Member, isDone: Bool) throws -> [UInt8]? {
        let start = offset!.offset
        let wanted = min(file.size - start, Self.readBytes)
        guard wanted > 0 else { return nil }
        var bytes = try file.file.read(at: start, upTo: wanted)
        if let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) {
            bytes.removeLast(bytes.count - newline - 1)
            return bytes
        }
        let end = try lineEnd(file, from: start + bytes.count) ?? (isDone ? file.size : nil)
        guard let end else { return nil }
        let line = try file.file.read(at: start, upTo: min(end - start, Limits.bodyBytes))
        return line.isEmpty ? nil : line
    }

    /// End of a line longer than one read, its newline included; `nil` while it has none.
    private func lineEnd(_ file: TailedFiles.Member, from start: Int) throws -> Int? {
        var at = start
        while at < file.size {
            let piece = try file.file.read(at: at, upTo: min(Self.readBytes, file.size - at))
            if piece.isEmpty { return nil }
            if let newline = piece.firstIndex(of: UInt8(ascii: "\n")) { return at + newline + 1 }
            at += piece.count
        }
        return nil
    }

    private func take(_ bytes: [UInt8], _ file: TailedFiles.Member) async throws -> Turn {
        let request = request()
        let body = withoutByteOrderMark(bytes)
        if !body.isEmpty {
            let answer = await ingest.take(body, request)
            if let problem = answer.problem {
                // A part that was taken before the refusal is known again by its key when the slice is tried once more.
                guard (400..<500).contains(problem.status), problem.status != 429 else {
                    note(failure: problem.detail)
                    return .refused(problem.detail)
                }
                await keep(body, from: answer.firstLineNotTaken ?? 1, request, problem)
            }
        }
        offset!.offset += bytes.count
        offset!.line += bytes.count { $0 == UInt8(ascii: "\n") }
        if offset!.fingerprintBytes < TailOffset.fingerprintLimit { try takeFingerprint(file) }
        try offset!.save(record)
        note(failure: nil)
        return .took(bytes: bytes.count)
    }

    private func request() -> IngestRequest {
        let takesText = entry.pipeline.flatMap { ingest.pipelines.pipeline(named: $0) }?.takesText ?? false
        var request = IngestRequest(shape: takesText ? .text : .lines, origin: "tail \(entry.path)")
        request.isContinuation = true
        request.pipeline = entry.pipeline
        request.tenant = entry.tenant
        request.idempotencyKey = "tail/\(offset!.identity)/\(offset!.offset)"
        return request
    }

    /// Editors put the mark of UTF-8 at a file's start, and nowhere else does it mean anything.
    private func withoutByteOrderMark(_ bytes: [UInt8]) -> [UInt8] {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        return offset!.offset == 0 && bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
    }

    /// What no second attempt will take goes to the dead-letter log, line by line, and no more stands in the way of what
    /// follows it.
    private func keep(_ body: [UInt8], from firstLine: Int, _ request: IngestRequest, _ problem: Problem) async {
        let redaction = ingest.currentPool.deadLetterRedaction
        var letters: [DeadLetter] = []
        for (index, line) in body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where index + 1 >= firstLine && !line.allSatisfy(BodySplitter.isSpace) {
            letters.append(
                DeadLetter(
                    received: ingest.now(), tenant: entry.tenant, pipeline: entry.pipeline, shape: DeadLetter.Shape(request.shape),
                    idempotencyKey: request.idempotencyKey, origin: request.origin,
                    rejection: Rejection(line: index + 1, field: "", code: .invalidValue, message: problem.detail),
                    raw: redaction.redact(
                        Array(line.prefix(Limits.eventBytes)), pipeline: entry.pipeline, isText: request.shape == .text)))
        }
        await ingest.deadLetters.append(letters)
        logger.error(
            "lines of a followed file cannot be taken and went to the dead-letter log",
            metadata: ["path": "\(entry.path)", "lines": "\(letters.count)", "reason": "\(problem.detail)"])
        let count = letters.count
        shared.withLock { ($0.refusedLines, $0.refusal) = ($0.refusedLines + count, problem.detail) }
    }

    private func look(at now: ContinuousClock.Instant) throws {
        guard files.first == nil else { return try files.look(at: now) }
        try files.open(after: isFirstLook ? offset : nil, at: now)
        for name in files.unreadable {
            logger.warning("a rotated file is compressed already and was not read", metadata: ["path": "\(entry.path)", "file": "\(name)"])
        }
        guard let first = files.first else { return isFirstLook = false }
        defer { isFirstLook = false }
        if let offset, first.file.matches(offset) { return }
        // Known before: this one replaced it. Never seen, and there at the first look: as configured.
        try begin(first, at: offset == nil && isFirstLook && entry.from == .end ? first.size : 0)
    }

    private func begin(_ file: TailedFiles.Member, at start: Int) throws {
        offset = TailOffset(
            device: file.file.device, inode: file.file.inode, offset: start, line: 1, fingerprint: 0, fingerprintBytes: 0,
            identity: String(UInt64.random(in: .min ... .max), radix: 36), born: file.file.born)
        try takeFingerprint(file)
        // Before the first event is taken: its key must be the same after a stop.
        try offset!.save(record)
    }

    private func takeFingerprint(_ file: TailedFiles.Member) throws {
        let print = try file.file.fingerprint(bytes: TailOffset.fingerprintLimit)
        offset!.fingerprint = print.hash
        offset!.fingerprintBytes = print.bytes
    }

    private func note(failure: String?) { shared.withLock { $0.failure = failure } }

    /// Follows until cancelled. `pause` waits between two looks that found nothing.
    public func follow(pause: @Sendable (Duration) async throws -> Void) async {
        while !Task.isCancelled {
            var wait: Duration?
            do {
                switch try await turn() {
                case .took: break
                case .idle:
                    note(failure: nil)
                    wait = .milliseconds(250)
                case .refused(let reason):
                    logger.warning("the journal takes nothing", metadata: ["path": "\(entry.path)", "reason": "\(reason)"])
                    wait = .seconds(1)
                }
            } catch {
                note(failure: "the file cannot be read: \(error)")
                logger.error("a followed file cannot be read", metadata: ["path": "\(entry.path)", "error": "\(error)"])
                wait = .seconds(5)
            }
            if let wait, (try? await pause(wait)) == nil { return }
        }
    }
}
