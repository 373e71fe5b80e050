/// What became of a batch. Accepted events are on the server's disk.
public struct Receipt: Sendable, Equatable {
    /// Events that are new.
    public var accepted: Int
    /// Events that the server had already, by their `original_id` or the idempotency key.
    public var duplicates: Int
    /// Events that cannot be taken as they are. The server lists the first thousand; `rejectedCount` is exact.
    public var rejected: [Rejection]
    public var rejectedCount: Int
    /// Sequence numbers given to the accepted events.
    public var ranges: [Range]

    public struct Rejection: Sendable, Equatable {
        /// Position in the batch, from 1.
        public var line: Int
        /// Dotted path, such as `actor.id`; empty when the whole line is meant.
        public var field: String
        /// A word for machines, such as `required`.
        public var code: String
        public var message: String
    }

    public struct Range: Sendable, Equatable {
        public var tenant: String
        public var firstSeq: UInt64
        public var lastSeq: UInt64
    }

    /// `nil` when the answer does not say what became of every event. A full queue or disk may end a batch in its middle;
    /// such answers count what was taken, too, but the batch as a whole has to go again.
    init?(_ answer: HTTPResponse) {
        guard (200..<300).contains(answer.status) || [400, 403, 422].contains(answer.status) else { return nil }
        self.init(answer.body)
    }

    private init?(_ body: [UInt8]) {
        guard let answer = JSONText(body), let accepted = answer["accepted"]?.integer, let duplicates = answer["duplicates"]?.integer,
            answer["first_line_not_taken"] == nil
        else { return nil }
        self.accepted = accepted
        self.duplicates = duplicates
        rejected = (answer["rejected"]?.elements ?? []).map { item in
            Rejection(
                line: item["line"]?.integer ?? 0, field: item["field"]?.string ?? "", code: item["code"]?.string ?? "",
                message: item["message"]?.string ?? "")
        }
        rejectedCount = answer["rejected_count"]?.integer ?? rejected.count
        ranges = (answer["receipts"]?.elements ?? []).map { item in
            Range(
                tenant: item["tenant"]?.string ?? "", firstSeq: UInt64(item["first_seq"]?.integer ?? 0),
                lastSeq: UInt64(item["last_seq"]?.integer ?? 0))
        }
    }
}
