import EventModel
import Journal
import Logging

public final class EventStore: JournalFollower, IdentityIndex, Sendable {
    public let report: StoreReport
    public let name = "events"

    private init(report: StoreReport) { self.report = report }

    public static func open(_ configuration: EventStoreConfiguration, logger: Logger) throws -> EventStore { fatalError() }
    public var floor: JournalFloor { fatalError() }
    public func use(tenants: TenantDirectory) { fatalError() }
    public var appliedPosition: UInt64 { fatalError() }
    public var failure: String? { fatalError() }
    public func committed(_ batch: CommittedBatch) { fatalError() }
    public func waitForRoom() { fatalError() }
    public func look(identity: UInt64, tenant: UInt32, body: UnsafeRawBufferPointer) -> IdentityMatch { fatalError() }
    public func search(_ query: SearchQuery) async throws(SearchError) -> SearchPage { fatalError() }
    public func event(_ id: EventID) async throws(SearchError) -> [UInt8]? { fatalError() }
    public func counts(_ query: CountQuery) async throws(SearchError) -> CountAnswer { fatalError() }
    public func replay(after position: UInt64, tenant: UInt32?, limit: Int) async throws(SearchError) -> [ReplayedEvent] { fatalError() }
    public func packAll() throws { fatalError() }
    public func close() async { fatalError() }
    public var statistics: StoreStatistics { fatalError() }
}
