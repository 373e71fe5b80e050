import EventStore

/// The part of the catalogue that lookups need: which sealed files there are. Quiet days (no events) have no row here.
package protocol ArchivedDayRows: Sendable {
    /// Rows of `tenants` (`nil`: all) whose times meet `times` (`minTime < times.upperBound && maxTime >= times.lowerBound`),
    /// behind `key`, at most `limit`. Descending: by `maxTime`, day, tenant, all descending; ascending: by `minTime`, day,
    /// tenant, all ascending. Only files that can be read now, here or from object storage: neither pruned nor being sealed.
    func rows(tenants: Set<UInt32>?, times: Range<Int64>, order: SearchOrder, after key: OlderDayKey?, limit: Int) throws -> [OlderDay]

    func row(tenant: UInt32, day: Int64) throws -> OlderDay?

    /// Events of all tenants on a received-day whose seal has been completed for all of them; `nil` when it has not. Files
    /// that were pruned since count as well.
    func events(day: Int64) -> Int?
}
