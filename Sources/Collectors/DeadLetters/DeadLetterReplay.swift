import EventModel

/// Sends dead letters through the present pipelines again. What is taken now leaves the log; what is refused again stays
/// where it is, as it was.
public struct DeadLetterReplay: Sendable {
    public struct Totals: Sendable, Equatable {
        public var replayed = 0
        public var accepted = 0
        public var duplicates = 0
        public var rejected = 0
        /// Why it ended before the last letter, if it did.
        public var problem: Problem?
    }

    let ingest: Ingest
    /// Tenant of the key that asks: only letters that came with a key of the same tenant are tried. `nil` for all.
    let keyTenant: String?

    /// Letters handled between two marks: what a stop in between costs is that these are tried once more.
    private static let pageLetters = 200

    public init(_ ingest: Ingest, keyTenant: String? = nil) {
        self.ingest = ingest
        self.keyTenant = keyTenant
    }

    /// Each letter keeps its own idempotency key, so a replay that was cut off doubles nothing.
    public func run() async throws -> Totals {
        var totals = Totals()
        var last: UInt64 = 0
        while true {
            let letters = try await ingest.deadLetters.letters(after: last, limit: Self.pageLetters, keyTenant: keyTenant)
            guard let end = letters.last else { return totals }
            var done: [UInt64] = []
            for letter in letters {
                let answer = await ingest.retake(letter)
                if let problem = answer.problem, problem.status == 429 || problem.status == 503 {
                    totals.problem = problem
                    break
                }
                totals.replayed += 1
                totals.accepted += answer.accepted
                totals.duplicates += answer.duplicates
                if answer.accepted + answer.duplicates > 0 { done.append(letter.id) } else { totals.rejected += 1 }
            }
            try await ingest.deadLetters.finish(done)
            if totals.problem != nil { return totals }
            last = end.id
        }
    }
}

extension Ingest {
    /// One letter through the present pipelines; nothing new is written to the log when it is refused again.
    func retake(_ letter: DeadLetter) async -> IngestAnswer {
        let shape: IngestRequest.Shape =
            switch letter.shape {
            case .json: letter.raw.contains(UInt8(ascii: "\n")) ? .json : .lines
            case .text: .text
            case .cloudEvent: .cloudEvent
            }
        var request = IngestRequest(shape: shape, origin: letter.origin)
        request.pipeline = letter.pipeline
        request.tenant = letter.tenant
        request.allowedTenant = letter.keyTenant
        request.idempotencyKey = letter.idempotencyKey ?? "deadletter/\(letter.id)"
        request.replayedLine = letter.rejection.line
        request.firstReceived = letter.received
        return await take(letter.raw, request)
    }
}
