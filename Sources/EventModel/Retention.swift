/// How long a tenant's events are kept, counted in whole days from the day they were received on.
public struct RetentionPlan: Sendable, Hashable {
    /// Days in the indexed store; older ones are answered from the archive.
    public var recentDays: Int
    /// Days in the archive; `nil` for ever.
    public var archiveDays: Int?

    public init(recentDays: Int, archiveDays: Int?) {
        self.recentDays = recentDays
        self.archiveDays = archiveDays
    }

    /// A hundred years, which is more than any law asks for: a larger number is a mistake in its unit.
    public static let largestDays = 36_500

    /// Days in words as they are typed and printed: `30d`, `forever`.
    public static func text(_ days: Int?) -> String { days.map { "\($0)d" } ?? "forever" }

    /// Reads `30d` or `forever`; `nil` when it is neither, or no number of days from 1 to ``largestDays``.
    public static func days(_ text: String) -> Days? {
        if text == "forever" { return .forever }
        let digits = text.dropLast()
        // `Int` takes a sign too.
        guard text.hasSuffix("d"), digits.utf8.allSatisfy({ $0 &- 48 < 10 }), let days = Int(digits), (1...largestDays).contains(days)
        else { return nil }
        return .days(days)
    }

    public enum Days: Sendable, Equatable {
        case days(Int)
        case forever
    }
}

/// A legal hold: while it stands nothing of these days is pruned or erased, whatever the plan says.
public struct LegalHold: Sendable, Hashable {
    public var id: Int64
    public var tenant: String
    /// Received-days since 1970, both inclusive; `nil` for an open end.
    public var firstDay: Int64?
    public var lastDay: Int64?
    public var reason: String
    /// Who answers for it.
    public var owner: String
    public var created: Timestamp
    public var released: Timestamp?

    public init(
        id: Int64, tenant: String, firstDay: Int64?, lastDay: Int64?, reason: String, owner: String, created: Timestamp,
        released: Timestamp? = nil
    ) {
        self.id = id
        self.tenant = tenant
        self.firstDay = firstDay
        self.lastDay = lastDay
        self.reason = reason
        self.owner = owner
        self.created = created
        self.released = released
    }

    public func covers(tenant: String, day: Int64) -> Bool {
        released == nil && self.tenant == tenant && (firstDay ?? .min) <= day && day <= (lastDay ?? .max)
    }
}
