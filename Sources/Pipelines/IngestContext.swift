import EventModel

/// What the normalising stage knows of a request besides the bytes: the same for every event of it.
public struct IngestContext: Sendable {
    /// Stands in for an event's time where it has none, and gives dates without a year their year.
    public var received: Timestamp
    /// Tenant of events that name none.
    public var tenant: String?
    /// The only tenant the caller's key may write for; `nil` for all.
    public var allowedTenant: String?
    /// An event without `original_id` gets `KEY/LINE`, so that a repeated request is known again.
    public var idempotencyKey: String?
    /// The event was refused before, and redacted then.
    public var isReplay: Bool

    public init(
        received: Timestamp, tenant: String? = nil, allowedTenant: String? = nil, idempotencyKey: String? = nil, isReplay: Bool = false
    ) {
        self.received = received
        self.tenant = tenant
        self.allowedTenant = allowedTenant
        self.idempotencyKey = idempotencyKey
        self.isReplay = isReplay
    }
}
