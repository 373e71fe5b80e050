import EventModel

/// One event that was not taken: what it was, why, and what is needed to try again.
public struct DeadLetter: Sendable, Equatable {
    /// How `raw` is to be read when it is tried again.
    public enum Shape: String, Sendable {
        case json, text
        case cloudEvent = "cloud_event"

        init(_ shape: IngestRequest.Shape) {
            switch shape {
            case .text: self = .text
            case .cloudEvent, .cloudEventBatch, .cloudEventBinary: self = .cloudEvent
            case .json, .lines: self = .json
            }
        }
    }

    /// Given by the log: grows, and is never given twice.
    public var id: UInt64 = 0
    public var received: Timestamp
    /// Tenant of the request; the event may have named another.
    public var tenant: String?
    /// The only tenant that the key of the request might write for; `nil` for any. It is as binding when the letter is
    /// tried again, whoever asks for that.
    public var keyTenant: String?
    public var pipeline: String?
    public var shape: Shape
    public var idempotencyKey: String?
    public var origin: String
    public var rejection: Rejection
    /// As it came, secrets taken out.
    public var raw: [UInt8]

    /// Whose it is as far as the request told; `nil` where only the event could have.
    public var owner: String? { tenant ?? keyTenant }
}
