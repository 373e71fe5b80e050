import Collectors
import EventModel
import EventStore
import Hummingbird

/// The parameters that choose events, common to lookups, counts and streams.
struct LookupParameters {
    /// `nil`: all tenants. Empty: tenants were named, and none of them is known, so nothing matches.
    var tenants: [UInt32]?
    var from: Timestamp?
    /// Exclusive.
    var to: Timestamp?
    var filters: [FieldFilter] = []
    var text: TextQuery?

    static let names: Set<String> = Set(FilterField.allCases.map(\.rawValue)).union(["tenant", "from", "to", "q"])
    /// Parameters whose `+` is a space, as browsers write it.
    static let spaced: Set<String> = ["q"]

    var matchesNothing: Bool { tenants?.isEmpty ?? false }

    init(_ parameters: QueryParameters, allowedTenant: String?, directory: TenantDirectory) throws(Problem) {
        tenants = try Self.tenants(parameters.all("tenant"), allowed: allowedTenant, directory)
        if let text = try parameters.one("from") { from = try Self.time(text, name: "from", endOfDay: false) }
        if let text = try parameters.one("to") { to = try Self.time(text, name: "to", endOfDay: true) }
        for field in FilterField.allCases {
            let values = parameters.all(field.rawValue)
            guard !values.isEmpty else { continue }
            filters.append(FieldFilter(field, values))
        }
        if let query = try parameters.one("q") {
            do throws(QuerySyntaxError) { text = try TextQuery.parse(query) } catch { throw .badParameter(error.description) }
        }
    }

    /// A key that is bound to one tenant sees that tenant, whatever it asks for.
    private static func tenants(_ asked: [String], allowed: String?, _ directory: TenantDirectory) throws(Problem) -> [UInt32]? {
        if let allowed {
            if let other = asked.first(where: { $0 != allowed }) {
                throw Problem(403, "forbidden", "this key may read only the tenant \"\(allowed)\", not \"\(other.prefix(64))\"")
            }
            return directory.number(of: allowed).map { [$0] } ?? []
        }
        if asked.isEmpty { return nil }
        return asked.compactMap { directory.number(of: $0) }
    }

    /// RFC 3339, or a date: as `from` its first instant, as `to` everything of it.
    static func time(_ text: String, name: String, endOfDay: Bool) throws(Problem) -> Timestamp {
        if let day = Timestamp(day: text) {
            return endOfDay ? Timestamp(milliseconds: min(day.milliseconds + 86_400_000, Timestamp.latest)) : day
        }
        guard let time = Timestamp(text) else {
            throw .badParameter(
                "\"\(name)\" must be a date such as 2026-11-20 or a time such as 2026-11-20T12:00:00Z, not \"\(text.prefix(64))\"")
        }
        return time
    }
}

extension Problem {
    init(_ error: SearchError) {
        switch error {
        case .busy(let waiting):
            self.init(429, "lookups-waiting", "\(waiting) lookups are waiting already; ask again in a moment", retryAfterSeconds: 1)
        case .badCursor(let reason): self = .badParameter("\"cursor\": \(reason)")
        case .badQuery(let reason): self = .badParameter(reason)
        case .unreadable(let partition, let reason): self.init(503, "unreadable", "the day \(partition) cannot be read: \(reason)")
        case .closed: self.init(503, "closed", "the server is stopping", retryAfterSeconds: 5)
        }
    }
}
