import EventModel
import Journal

/// Slices on their way into the journal, and what became of them: the answer and the dead letters.
extension IngestSession {
    /// Dead letters kept in memory before they are written; a body of nothing but bad lines must not pile up.
    private static let pendingLetterBytes = 1 << 20

    /// The last slice is committed right here: most requests have no other, and a task for it would cost more than it.
    func commitSlice(isLast: Bool = false) async {
        await ingest.permits.take()
        await commit(normaliseSlice(), isLast: isLast)
    }

    /// Takes over the caller's permit, which goes back as soon as the journal has answered: a session that waits for its
    /// next permit holds none that nobody would give back.
    func commit(_ slice: Slice, isLast: Bool) async {
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
    func settle() async {
        guard let commit = committing else { return }
        committing = nil
        switch await commit.task.value {
        case .success(let receipt): await record(commit.slice, receipt)
        case .failure(let error): refuse(commit.slice, error)
        }
    }

    func refuse(_ slice: Slice, _ error: JournalError) {
        answer.problem = Problem(error)
        answer.firstLineNotTaken = slice.firstLine
    }

    private func record(_ slice: Slice, _ receipt: Receipt?) async {
        enter(slice, receipt)
        if letterBytes > Self.pendingLetterBytes { await writeLetters() }
    }

    /// Enters a slice's outcomes into the answer.
    func enter(_ slice: Slice, _ receipt: Receipt?) {
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

    func writeLetters() async {
        guard !letters.isEmpty else { return }
        if request.replayedLine == nil { await ingest.deadLetters.append(letters) }
        letters.removeAll()
        letterBytes = 0
    }

    func counted() -> IngestAnswer {
        answer.rejections.sort { $0.line < $1.line }
        ingest.count(answer, rejected: rejectedCodes, bytes: bodyBytes)
        return answer
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
