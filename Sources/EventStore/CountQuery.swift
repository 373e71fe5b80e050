import EventModel

/// How many events, grouped.
public struct CountQuery: Sendable {
    public var tenants: [UInt32]?
    /// Event time, from (inclusive) and to (exclusive).
    public var from: Timestamp?
    public var to: Timestamp?
    public var filters: [FieldFilter] = []
    public var text: TextQuery?
    /// Columns of the answer, in this order; none gives one row with the sum.
    public var by: [CountColumn] = []

    public init(tenants: [UInt32]? = nil, from: Timestamp? = nil, to: Timestamp? = nil, by: [CountColumn] = []) {
        self.tenants = tenants
        self.from = from
        self.to = to
        self.by = by
    }
}

public enum CountColumn: String, Sendable, CaseIterable {
    case kind, action, outcome, tenant, day, hour, type, severity, area, category, portal, brand, webhook, integration
    case failureClass = "failure_class"
}

public struct CountAnswer: Sendable {
    /// Sorted by keys. A key is "" where the event has no such field; days are `2026-11-20`, hours `2026-11-20T13`.
    /// Webhooks and integrations are counted by name, and by id where they have none: several of one name are one row.
    public var rows: [(keys: [String], count: Int)] = []
    /// Of all groups, those without a row included.
    public var total = 0
    /// Answered from the rollups without looking at events.
    public var fromRollups = false
    /// More than ``largestRowCount`` groups: the oldest days or hours, else the last keys, are counted in `total`, but in no row.
    public var rowsCut = false
    public var scanned = Scanned()

    public init() {}

    public static let largestRowCount = 10_000
}
