import EventModel
import Journal
import Pipelines

/// One body on its way in: feed it pieces, then ask for the answer.
///
/// While one slice is being committed the next is read and normalised; a third waits until the first is answered. That
/// keeps a request's events in their order, its memory at two slices, and disk and processor busy at the same time.
/// Used by one task at a time.
public final class IngestSession {
    private let ingest: Ingest
    private let request: IngestRequest
    private let pool: NormaliserPool
    private let pipeline: Pipeline?
    private let context: IngestContext
    private var splitter: BodySplitter
    private let inflater: Inflater?
    private let envelope: CloudEventEnvelope?
    /// The body of a CloudEvent in binary mode, which is one event whatever it holds; `nil` in all other shapes.
    private var whole: [UInt8]?
    private var answer = IngestAnswer()
    private var rejectedCodes: [Rejection.Code: UInt64] = [:]
    private var letters: [DeadLetter] = []
    private var letterBytes = 0
    private var packedBytes = 0
    private var bodyBytes = 0
    private var committing: Commit?
    /// First line of the slice that is being filled.
    private var sliceLine = 1
    /// All that is left of the body, split and normalised by ``take(whole:)``.
    private var last: Slice?
    /// What is left of the body is answered; its letters may still wait.
    private var isSettled = false

    /// A slice that the journal is working on, with what is needed once its outcomes are known.
    private struct Commit {
        var task: Task<Result<Receipt, JournalError>, Never>
        var slice: Slice
    }

    /// A slice after normalising.
    fileprivate struct Slice {
        var batch = NormalisedBatch()
        var rejections: [Rejection] = []
        var letters: [DeadLetter] = []
        var firstLine = 1
    }

    /// Dead letters kept in memory before they are written; a body of nothing but bad lines must not pile up.
    private static let pendingLetterBytes = 1 << 20

    init(_ ingest: Ingest, _ request: IngestRequest) throws(Problem) {
        self.ingest = ingest
        self.request = request
        pool = ingest.currentPool
        pipeline = try Self.choose(request, pool.pipelines)
        context = IngestContext(
            received: request.firstReceived ?? ingest.now(), tenant: request.tenant, allowedTenant: request.allowedTenant,
            idempotencyKey: request.idempotencyKey, isReplay: request.replayedLine != nil)
        if let tenant = request.tenant, !TenantName.isValid(tenant) {
            throw .badParameter(
                "tenant=\(tenant.prefix(80)) is not a tenant's name: letters, digits, '-', '_', '.', at most \(Limits.tenantBytes)")
        }
        splitter = BodySplitter(
            framing: Self.framing(request.shape),
            recordsKey: request.shape == .json && request.replayedLine == nil ? pipeline?.recordsKey : nil,
            isContinuation: request.isContinuation)
        inflater = request.isCompressed ? Inflater() : nil
        switch request.shape {
        case .cloudEvent, .cloudEventBatch: envelope = CloudEventEnvelope(binary: nil)
        case .cloudEventBinary(let attributes):
            envelope = CloudEventEnvelope(binary: attributes)
            whole = []
        case .json, .lines, .text: envelope = nil
        }
    }

    private static func choose(_ request: IngestRequest, _ set: PipelineSet) throws(Problem) -> Pipeline? {
        guard let name = request.pipeline else {
            if request.shape == .text {
                throw Problem(415, "unknown-body-type", "lines of text need a pipeline that takes text; name it with ?pipeline=")
            }
            return nil
        }
        guard let pipeline = set.pipeline(named: name) else {
            let known = set.pipelines.map(\.name).joined(separator: ", ")
            throw .badParameter("there is no pipeline \"\(name.prefix(80))\"; there are: \(known)")
        }
        guard pipeline.takesText == (request.shape == .text) else {
            let wanted = pipeline.takesText ? "lines of text: send text/plain" : "JSON: send application/json or application/x-ndjson"
            throw Problem(415, "unknown-body-type", "the pipeline \"\(name)\" takes \(wanted)")
        }
        return pipeline
    }

    private static func framing(_ shape: IngestRequest.Shape) -> Framing {
        switch shape {
        case .json, .cloudEvent, .cloudEventBatch, .cloudEventBinary: .detect
        case .lines: .lines
        case .text: .text
        }
    }

    /// Takes a piece of the body, from its byte `start` on. False: it is no use sending more; ``finish()`` says why.
    public func feed(_ piece: some BodyPiece, from start: Int = 0) async -> Bool {
        guard answer.problem == nil else { return false }
        var at = start
        let count = piece.byteCount
        packedBytes += count - start
        while true {
            do throws(Problem) {
                at += try piece.withBytes(at..<count) { bytes throws(Problem) in try consume(bytes) }
            } catch {
                stop(error)
                return false
            }
            guard splitter.isFull else { return true }
            await commitSlice()
            if answer.problem != nil { return false }
        }
    }

    /// What is left to do for a body after ``take(whole:)``.
    public enum Remainder: Sendable {
        /// Append this to the journal and give its answer to ``settle(_:)``.
        case append(NormalisedBatch)
        /// Feed the body from this byte on, and finish: there is more than may be done without waiting.
        case feed(from: Int)
    }

    /// A whole body at once, for threads that cannot wait. All of it when it is small and good; a task does the rest of
    /// one that is not.
    public func take(whole piece: some BodyPiece) -> Remainder {
        guard inflater == nil else { return .feed(from: 0) }
        let count = piece.byteCount
        do throws(Problem) {
            let at = try piece.withBytes(0..<count) { bytes throws(Problem) in try consume(bytes) }
            guard at == count, splitter.events.count <= Self.eventsWithoutWaiting else { return .feed(from: at) }
            guard try !endBody() else { return .feed(from: count) }
        } catch {
            stop(error)
            return .feed(from: count)
        }
        let slice = normaliseSlice()
        last = slice
        // Refusals are kept on disk before they are answered.
        return slice.batch.isEmpty || !slice.rejections.isEmpty ? .feed(from: count) : .append(slice.batch)
    }

    /// The answer for what ``take(whole:)`` gave out; `nil` when ``finish()`` has to be asked for it, in a task.
    public func settle(_ outcome: Result<Receipt, JournalError>) -> IngestAnswer? {
        guard let slice = last else { return nil }
        last = nil
        switch outcome {
        case .success(let receipt): enter(slice, receipt)
        case .failure(let error): refuse(slice, error)
        }
        isSettled = true
        return letters.isEmpty ? counted() : nil
    }

    /// About half a millisecond of normalising.
    private static let eventsWithoutWaiting = 128

    /// The body broke off before its end, or ended: commits what is left and says what became of everything.
    public func finish() async -> IngestAnswer {
        await finishBody()
        await settle()
        await writeLetters()
        return counted()
    }

    private func counted() -> IngestAnswer {
        answer.rejections.sort { $0.line < $1.line }
        ingest.count(answer, rejected: rejectedCodes, bytes: bodyBytes)
        return answer
    }

    /// The body broke off, or the sender went away: nothing more is taken. The answer says what was, should there be
    /// anybody left to read it.
    @discardableResult
    public func abandon(because reason: String = "the connection was closed before the body's end") async -> IngestAnswer {
        if answer.problem == nil { stop(.badBody(reason)) }
        return await finish()
    }

    private func finishBody() async {
        guard answer.problem == nil, !isSettled else { return }
        if let slice = last {
            last = nil
            await ingest.permits.take()
            return await commit(slice, isLast: true)
        }
        var isMore = true
        while isMore {
            do throws(Problem) { isMore = try endBody() } catch { return stop(error) }
            await commitSlice(isLast: !isMore)
            if answer.problem != nil { return }
        }
    }

    /// True when the slice is full before all is split.
    private func endBody() throws(Problem) -> Bool {
        if packedBytes > 0, let inflater { try inflater.finish() }
        if bodyBytes == 0, whole == nil { throw .badBody("the body is empty") }
        if whole == nil { try splitter.finish() }
        return splitter.isFull
    }

    private func stop(_ problem: Problem) {
        answer.problem = problem
        answer.firstLineNotTaken = sliceLine
    }

    /// Takes bytes until they are used up or a slice is full; returns how many it took.
    private func consume(_ bytes: UnsafeRawBufferPointer) throws(Problem) -> Int {
        guard let inflater else {
            let taken = try take(bytes)
            try countBody(taken)
            return taken
        }
        if packedBytes > Limits.bodyBytes { throw Self.tooLarge }
        inflater.supply(bytes)
        while !splitter.isFull {
            let inflated = try inflater.output()
            if inflated.isEmpty { break }
            let taken = try take(inflated)
            inflater.drop(taken)
            try countBody(taken)
        }
        return bytes.count - inflater.unusedInput
    }

    /// Bytes of the body as they are read: to be split, or kept as one event. Of one that is too long only as much as shows it.
    @inline(__always)
    private func take(_ bytes: UnsafeRawBufferPointer) throws(Problem) -> Int {
        guard whole != nil else { return try splitter.feed(bytes) }
        whole!.append(contentsOf: bytes.prefix(max(0, Limits.eventBytes + 1 - whole!.count)))
        return bytes.count
    }

    private func countBody(_ bytes: Int) throws(Problem) {
        bodyBytes += bytes
        if bodyBytes > Limits.bodyBytes { throw Self.tooLarge }
    }

    private static let tooLarge = Problem(
        413, "body-too-large",
        "the body is larger than \(Limits.bodyBytes >> 20) MiB after inflating; send the rest, from first_line_not_taken on, under a new Idempotency-Key"
    )

    /// The last slice is committed right here: most requests have no other, and a task for it would cost more than it.
    private func commitSlice(isLast: Bool = false) async {
        await ingest.permits.take()
        await commit(normaliseSlice(), isLast: isLast)
    }

    /// Takes over the caller's permit, which goes back as soon as the journal has answered: a session that waits for its
    /// next permit holds none that nobody would give back.
    private func commit(_ slice: Slice, isLast: Bool) async {
        await settle()
        guard answer.problem == nil else { return ingest.permits.giveBack() }
        sliceLine = splitter.line
        guard !slice.batch.isEmpty else {
            ingest.permits.giveBack()
            return await record(slice, nil)
        }
        let batch = slice.batch
        if isLast {
            switch await ingest.append(batch) {
            case .success(let receipt): await record(slice, receipt)
            case .failure(let error): refuse(slice, error)
            }
            return
        }
        let ingest = ingest
        committing = Commit(task: Task { await ingest.append(batch) }, slice: slice)
    }

    /// Waits for the slice that is being committed and enters its outcomes into the answer.
    private func settle() async {
        guard let commit = committing else { return }
        committing = nil
        switch await commit.task.value {
        case .success(let receipt): await record(commit.slice, receipt)
        case .failure(let error): refuse(commit.slice, error)
        }
    }

    private func refuse(_ slice: Slice, _ error: JournalError) {
        answer.problem = Problem(error)
        answer.firstLineNotTaken = slice.firstLine
    }

    private func record(_ slice: Slice, _ receipt: Receipt?) async {
        enter(slice, receipt)
        if letterBytes > Self.pendingLetterBytes { await writeLetters() }
    }

    /// Enters a slice's outcomes into the answer.
    private func enter(_ slice: Slice, _ receipt: Receipt?) {
        var slice = slice
        if let receipt {
            for (index, outcome) in receipt.outcomes.enumerated() {
                switch outcome {
                case .accepted: answer.accepted += 1
                case .duplicate: answer.duplicates += 1
                case .conflict(let seq): slice.addConflict(index, with: seq) { letter($0, raw: $1, pipeline: nil, shape: .json) }
                }
            }
            answer.add(receipt.tenants)
        }
        for rejection in slice.rejections {
            answer.reject(rejection)
            rejectedCodes[rejection.code, default: 0] += 1
        }
        letters += slice.letters
        letterBytes += slice.letters.reduce(0) { $0 + $1.raw.count + 256 }
    }

    private func writeLetters() async {
        guard !letters.isEmpty else { return }
        if request.replayedLine == nil { await ingest.deadLetters.append(letters) }
        letters.removeAll()
        letterBytes = 0
    }

    /// Runs the slice's events through the normaliser without suspending, and frees the splitter's buffer.
    private func normaliseSlice() -> Slice {
        var slice = Slice()
        slice.firstLine = sliceLine
        // Names that canonical fields carry and defaults make an event about half as long again; growing would copy it all.
        slice.batch.bodies.reserveCapacity(splitter.count + splitter.count / 2 + 64 * splitter.events.count)
        slice.batch.events.reserveCapacity(splitter.events.count)
        pool.borrow { normaliser in
            for event in splitter.events { normalise(event, normaliser, &slice) }
            if let whole { normalise(whole: whole, normaliser, &slice) }
        }
        splitter.releaseSlice()
        return slice
    }

    @inline(__always)
    private func normalise(_ event: RawEvent, _ normaliser: Normaliser, _ slice: inout Slice) {
        let raw = splitter.bytes(of: event)
        let line = request.replayedLine ?? event.line
        var rejection = event.fault
        if rejection == nil {
            if envelope != nil {
                rejection = normaliseEnveloped(raw, line, normaliser, &slice.batch)
            } else {
                rejection = normaliser.normalise(raw, line: line, pipeline: pipeline, context: context, into: &slice.batch)
            }
        }
        if let rejection { refuse(raw, rejection, line, &slice) }
    }

    /// An event that is the whole body.
    private func normalise(whole: [UInt8], _ normaliser: Normaliser, _ slice: inout Slice) {
        whole.withUnsafeBytes { raw in
            let line = request.replayedLine ?? 1
            let rejection =
                raw.count > Limits.eventBytes ? .tooLong(bodyBytes) : normaliseEnveloped(raw, line, normaliser, &slice.batch)
            if let rejection { refuse(raw, rejection, line, &slice) }
        }
    }

    @inline(never)
    private func refuse(_ raw: UnsafeRawBufferPointer, _ rejection: Rejection, _ line: Int, _ slice: inout Slice) {
        var rejection = rejection
        rejection.line = line
        rejection.field = pool.deadLetterRedaction.scrub(rejection.field)
        rejection.message = pool.deadLetterRedaction.scrub(rejection.message)
        slice.rejections.append(rejection)
        slice.letters.append(
            letter(
                rejection, raw: envelope?.structured(Array(raw)) ?? Array(raw), pipeline: request.pipeline,
                shape: DeadLetter.Shape(request.shape)))
    }

    private func normaliseEnveloped(
        _ raw: UnsafeRawBufferPointer, _ line: Int, _ normaliser: Normaliser, _ batch: inout NormalisedBatch
    ) -> Rejection? {
        do throws(Rejection) {
            let event = try envelope!.event(in: raw)
            return event.withUnsafeBytes { padded in
                let bytes = UnsafeRawBufferPointer(rebasing: padded[0..<padded.count - Limits.parserPadding])
                return normaliser.normalise(bytes, line: line, pipeline: pipeline, context: context, into: &batch)
            }
        } catch {
            return error
        }
    }

    private func letter(_ rejection: Rejection, raw: [UInt8], pipeline: String?, shape: DeadLetter.Shape) -> DeadLetter {
        DeadLetter(
            received: context.received, tenant: request.tenant ?? request.allowedTenant, keyTenant: request.allowedTenant,
            pipeline: pipeline, shape: shape,
            idempotencyKey: request.idempotencyKey, origin: request.origin, rejection: rejection,
            raw: pool.deadLetterRedaction.redact(raw, pipeline: pipeline, isText: shape == .text))
    }
}

extension IngestSession.Slice {
    /// The event at `index` is known with other content: it is refused, and kept as what it was normalised to.
    fileprivate mutating func addConflict(_ index: Int, with seq: UInt64, letter: (Rejection, [UInt8]) -> DeadLetter) {
        let event = batch.events[index]
        let rejection = Rejection(
            line: Int(event.line), field: "original_id", code: .conflict,
            message: "the same original_id was taken before with other content, as seq \(seq); give a new event a new id")
        let body = batch.bodies[Int(event.offset)..<Int(event.offset + event.length)]
        rejections.append(rejection)
        letters.append(letter(rejection, [UInt8(ascii: "{")] + body))
    }
}
