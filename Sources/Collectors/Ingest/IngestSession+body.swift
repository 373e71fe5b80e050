import EventModel
import Journal
import Pipelines

/// The body: taken piece by piece or whole, inflated, split into slices, and ended.
extension IngestSession {
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
}
