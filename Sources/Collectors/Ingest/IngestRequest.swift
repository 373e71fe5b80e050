import EventModel
import Pipelines

/// What is known of a body before its first byte: how it is framed and packed, and for whom it is.
public struct IngestRequest: Sendable {
    public enum Shape: Sendable, Equatable {
        /// `application/json`: found out from the first bytes.
        case json
        /// One JSON value a line.
        case lines
        /// One line of text an event; only for pipelines that take text.
        case text
        case cloudEvent
        case cloudEventBatch
        /// `ce-*` headers, already made into members; the body is the data.
        case cloudEventBinary(CloudEventAttributes)
    }

    public var shape: Shape
    public var isCompressed = false
    /// A piece out of a longer text: what looks like a byte order mark at its beginning is content.
    var isContinuation = false
    /// Name of the pipeline; `nil` to go by each event's `kind`.
    public var pipeline: String?
    public var tenant: String?
    /// The only tenant the key may write for.
    public var allowedTenant: String?
    public var idempotencyKey: String?
    /// Who sent it, for the dead-letter log: `http 127.0.0.1`, `tail /var/log/auth.log`.
    public var origin: String
    /// Line of the request that a dead letter came with, when it is tried again: its refusal is then no news, and
    /// together with the key it gives the event the same `original_id` as the first time.
    var replayedLine: Int?
    /// When a dead letter came in first: the time of an event that names none, then as now.
    var firstReceived: Timestamp?

    public init(shape: Shape, origin: String) {
        self.shape = shape
        self.origin = origin
    }

    /// Printable ASCII characters that stand in logs, and with `/` and a line number of up to 19 digits fit into
    /// `original_id`.
    static let idempotencyKeyBytes = 1...Limits.originalIDBytes - 20

    public static func checkIdempotencyKey(_ key: String) throws(Problem) {
        guard idempotencyKeyBytes.contains(key.utf8.count), key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .badParameter(
                "Idempotency-Key must be 1 to \(idempotencyKeyBytes.upperBound) printable ASCII characters without spaces, so that with the line number it fits into original_id"
            )
        }
        // It becomes part of `original_id`, which is stored as it came.
        if Redaction.holdsSecret(name: key) {
            throw .badParameter("Idempotency-Key holds what looks like a secret, such as token=…; it is stored, so send a name instead")
        }
    }
}
