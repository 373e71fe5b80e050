import Collectors
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Journal

/// `GET /v1/events/stream`: committed events as server-sent events (HTML standard, section 9.2), each with its global
/// position as id, so that `Last-Event-ID` goes on exactly behind the last one that was seen. The opening comment carries
/// an id too, that of the last event before the stream (`start` where there is none): a stream that is cut off before
/// its first event loses nothing either.
public struct StreamEndpoint: Sendable {
    let live: LiveTail
    let history: StreamHistory
    let tenants: TenantDirectory
    /// Proxies close connections that are silent for a minute; a quarter of that leaves room for slow ones.
    let heartbeat: Duration

    public init(live: LiveTail, journal: Journal, store: EventStore, heartbeat: Duration = .seconds(15)) {
        self.live = live
        history = StreamHistory(journal: journal, store: store)
        tenants = journal.tenants
        self.heartbeat = heartbeat
    }

    public var endpoints: [Endpoint] {
        [Endpoint(.get, "/v1/events/stream") { try stream($0) }]
    }

    private func stream(_ call: Call) throws -> Response {
        let parameters = try QueryParameters(
            call.request, known: LookupParameters.names.union(["last_event_id"]), spaced: LookupParameters.spaced)
        // Checked now, so that a mistake is a problem document and not a stream that breaks off.
        _ = try LookupParameters(parameters, allowedTenant: call.key?.tenant, directory: tenants)
        let given = try call.request.headers[.lastEventID] ?? parameters.one("last_event_id")
        var position = live.endPosition
        if given == StreamReader.start {
            position = 0
        } else if let given {
            guard let last = UInt64(given) else {
                throw Problem.badParameter("Last-Event-ID must be an id of this stream, not \"\(given.prefix(32))\"")
            }
            // Written without overflow: an id beyond the end waits for what comes.
            if last < position { position = last + 1 }
        }
        guard live.join() else {
            throw Problem(429, "too-many-streams", "\(LiveTail.largestClientCount) streams are open already", retryAfterSeconds: 10)
        }
        let start = position
        let allowed = call.key?.tenant
        let membership = Membership(live)
        let body = ResponseBody { writer in
            defer { membership.end() }
            var reader = try StreamReader(parameters, allowedTenant: allowed, directory: tenants, position: start)
            try await run(&reader, &writer)
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store", .accelBuffering: "no"],
            body: body)
    }

    private func run(_ reader: inout StreamReader, _ writer: inout any ResponseBodyWriter) async throws {
        // Something at once, so that clients and proxies see the stream open, with the place from which it goes on.
        try await writer.write(ByteBuffer(bytes: reader.comment("daybook")))
        while !Task.isCancelled {
            switch live.look(from: reader.position) {
            case .closed: return
            case .batches(let batches):
                for batch in batches { reader.take(batch) }
            case .behind:
                try await history.read(into: &reader)
            case .nothingNew:
                if !(await waitOrBeat(reader.position)) {
                    try await writer.write(ByteBuffer(bytes: reader.comment("alive")))
                    continue
                }
            }
            let text = reader.takeText()
            if !text.isEmpty { try await writer.write(ByteBuffer(bytes: text)) }
        }
    }

    /// False when the time for a heartbeat came first.
    private func waitOrBeat(_ position: UInt64) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await live.wait(for: position)
                return true
            }
            group.addTask {
                try? await Task.sleep(for: heartbeat)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? true
        }
    }
}

extension HTTPField.Name {
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
}

/// Leaves the live tail once, also when the answer was never written because the client had gone.
private final class Membership: Sendable {
    private let live: LiveTail

    init(_ live: LiveTail) { self.live = live }

    func end() {}

    deinit { live.leave() }
}
