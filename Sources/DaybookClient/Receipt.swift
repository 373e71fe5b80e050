/// What became of a batch. Accepted events are on the server's disk.
public struct Receipt: Sendable, Equatable {
    /// Events that are new.
    public var accepted: Int
    /// Events that the server had already, by their `original_id` or the idempotency key.
    public var duplicates: Int
    public var rejected: [Rejection]
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

    /// `nil` when `body` is not the answer to a batch.
    init?(_ body: [UInt8]) {
        guard let answer = JSONText(body), let accepted = answer["accepted"]?.integer, let duplicates = answer["duplicates"]?.integer else {
            return nil
        }
        self.accepted = accepted
        self.duplicates = duplicates
        rejected = (answer["rejected"]?.elements ?? []).map { item in
            Rejection(
                line: item["line"]?.integer ?? 0, field: item["field"]?.string ?? "", code: item["code"]?.string ?? "",
                message: item["message"]?.string ?? "")
        }
        ranges = (answer["receipts"]?.elements ?? []).map { item in
            Range(
                tenant: item["tenant"]?.string ?? "", firstSeq: UInt64(item["first_seq"]?.integer ?? 0),
                lastSeq: UInt64(item["last_seq"]?.integer ?? 0))
        }
    }
}
