import EventModel

/// A lookup: which tenants, when, which fields, which words.
public struct SearchQuery: Sendable {
    /// Tenants' numbers; `nil` for all. The caller resolves names and rights.
    public var tenants: [UInt32]?
    /// Event time, from (inclusive) and to (exclusive).
    public var from: Timestamp?
    public var to: Timestamp?
    /// All of them must hold.
    public var filters: [FieldFilter] = []
    public var text: TextQuery?
    /// 1 to 1000; values outside are brought into the range.
    public var limit = 50
    public var order: SearchOrder = .descending
    /// `SearchPage.nextCursor` of the page before, with the same query.
    public var cursor: String?

    public init(tenants: [UInt32]? = nil, from: Timestamp? = nil, to: Timestamp? = nil) {
        self.tenants = tenants
        self.from = from
        self.to = to
    }

    public static let largestLimit = 1000
}

/// By event time, then `seq`, then tenant.
public enum SearchOrder: String, Sendable { case descending, ascending }

/// One field must hold one of the values.
public struct FieldFilter: Sendable {
    public var field: FilterField
    public var values: [String]

    public init(_ field: FilterField, _ values: [String]) {
        self.field = field
        self.values = values
    }
}

/// The fields a lookup can name. Raw values are the names in query strings.
public enum FilterField: String, Sendable, CaseIterable {
    case kind, type, action, outcome, severity, area, category, reason, session, portal, brand, operation, ip
    /// Id, e-mail or name; e-mail and name regardless of case.
    case actor, target
    /// Id or name.
    case webhook, integration
    case requestID = "request_id"
    case correlationID = "correlation_id"
    case traceID = "trace_id"
    case changeSet = "change_set"
    case messageID = "message_id"
    case originalID = "original_id"
    case failureClass = "failure_class"
    case retryState = "retry_state"
    case statusCode = "status_code"

    /// Where the value lies in the event; any of the places may hold it. `ignoringCase` as for e-mails and names.
    var places: [(path: [String], ignoringCase: Bool)] {
        switch self {
        case .ip: [(["source", "ip"], false)]
        case .actor: [(["actor", "id"], false), (["actor", "email"], true), (["actor", "name"], true)]
        case .target:
            [
                (["target", "id"], false), (["target", "name"], true), (["target", "email"], true), (["targets", "id"], false),
                (["targets", "name"], true),
            ]
        case .webhook: [(["webhook", "id"], false), (["webhook", "name"], true)]
        case .integration: [(["integration", "id"], false), (["integration", "name"], true)]
        case .requestID: [(["request", "id"], false)]
        case .failureClass: [(["failure", "class"], false)]
        case .statusCode: [(["status_code"], false), (["failure", "status_code"], false)]
        default: [([rawValue], false)]
        }
    }
}
