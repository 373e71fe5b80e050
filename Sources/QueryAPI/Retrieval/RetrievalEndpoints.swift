import AccessControl
import Archive
import Collectors
import EventModel
import EventStore
import Foundation
import Hummingbird

/// What leaves the archive for somebody else: `POST /v1/retrievals` records who asks for which days and why, in the log of
/// that tenant, and gives an id and the days that are not sealed yet. Only below that id are there
///
/// - `GET /v1/retrievals/{id}/records`: signed records of the tenant, and `…/records/PATH` each of them;
/// - `GET /v1/retrievals/{id}/open/{day}?after=SEQ`: the lines of a day that is not sealed yet;
/// - `POST /v1/retrievals/{id}/proofs/{day}`: ids, one a line; answers a line of JSON for each.
public struct RetrievalEndpoints: Sendable {
    let archive: Archive
    private let activity: OwnActivity
    private let now: @Sendable () -> Timestamp
    private let retrievals = RecordedRetrievals()

    package init(_ archive: Archive, activity: OwnActivity, now: @escaping @Sendable () -> Timestamp) {
        self.archive = archive
        self.activity = activity
        self.now = now
    }

    public var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/v1/retrievals") { try await begin($0) },
            Endpoint(.get, "/v1/retrievals/{part...}") { try await part($0, method: .get) },
            Endpoint(.post, "/v1/retrievals/{part...}") { try await part($0, method: .post) },
        ]
    }

    // MARK: Beginning

    private func begin(_ call: Call) async throws -> Response {
        let body = try await JSONBody(call, known: ["tenant", "from", "to", "where", "reason", "continues"], query: "where")
        let tenant = try body.tenant()
        try call.requireTenant(tenant)
        let from = try JSONBody.day(body.required("from"), "from")
        let to = try JSONBody.day(body.required("to"), "to")
        guard from <= to else { throw Problem.badBody("\"from\" lies behind \"to\"") }
        let query = body["where"]
        if let query { do throws(QuerySyntaxError) { _ = try TextQuery.parse(query) } catch { throw Problem.badBody(error.description) } }
        let id = Self.randomID()
        try await record(id, tenant, from...to, query: query, body, call)
        retrievals.add(RecordedRetrievals.Entry(id: id, tenant: tenant, days: from...to))
        let open = try await Blocking.run { try archive.openDays(ofPacked: tenant, in: from...to) }
        var json = JSONBytes()
        json.object { json in
            json.member("id", id)
            json.member("tenant", tenant)
            json.member("from", ArchiveFolder.name(day: from))
            json.member("to", ArchiveFolder.name(day: to))
            json.member("where", query)
            json.member("reason", body["reason"])
            json.member("requested_by", call.key.map { $0.name.isEmpty ? "key-\($0.id)" : $0.name })
            json.member("requested_at", now().description)
            json.member("signing_key", archive.key.verifier.description)
            json.member("seal_grace_seconds", archive.configuration.sealGrace.components.seconds)
            json.member("software", archive.configuration.software)
            json.key("open")
            json.array { json in
                for day in open {
                    json.object { json in
                        json.member("day", ArchiveFolder.name(day: day.day))
                        json.member("events", day.events)
                    }
                }
            }
        }
        return Response(status: 201, type: "application/json", bytes: json.bytes)
    }

    private func record(
        _ id: String, _ tenant: String, _ days: ClosedRange<Int64>, query: String?, _ body: JSONBody, _ call: Call
    ) async throws {
        let (from, to) = (ArchiveFolder.name(day: days.lowerBound), ArchiveFolder.name(day: days.upperBound))
        var changes: [(field: String, old: String?, new: String?)] = [("id", nil, id), ("from", nil, from), ("to", nil, to)]
        if let query { changes.append(("where", nil, query)) }
        if let earlier = body["continues"] { changes.append(("continues", nil, String(earlier.prefix(64)))) }
        let what = query.map { "events of \(tenant) that match \($0)" } ?? "all events of \(tenant)"
        try await activity.record(
            OwnActivity.Entry(
                tenant: tenant, action: "export", target: ("archive", tenant), summary: "\(what), received \(from) to \(to), handed out",
                changes: changes, reason: body["reason"]), call)
    }

    private static func randomID() -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: Parts

    private enum Method { case get, post }

    private func part(_ call: Call, method: Method) async throws -> Response {
        let parts = (call.parameter ?? "").split(separator: "/", omittingEmptySubsequences: false)
        let missing = Problem.notFound("there is nothing at /v1/retrievals/\((call.parameter ?? "").prefix(200))")
        guard parts.count >= 2, let retrieval = retrievals[parts[0]], call.key?.tenant == nil || call.key?.tenant == retrieval.tenant
        else { throw missing }
        switch (method, parts[1]) {
        case (.get, "records") where parts.count == 2: return try await records(retrieval)
        case (.get, "records"):
            let path = parts[2...].joined(separator: "/")
            guard let source = try await Blocking.run({ try archive.record(at: path, of: retrieval.tenant) }) else { throw missing }
            return try ArchiveFiles.response(
                source, type: "text/plain; charset=utf-8", name: String(parts[parts.count - 1]), range: call.request.headers[.range])
        case (.get, "open") where parts.count == 3: return try await open(try Self.day(parts[2], retrieval, missing), retrieval, call)
        case (.post, "proofs") where parts.count == 3: return try await proofs(try Self.day(parts[2], retrieval, missing), retrieval, call)
        default: throw missing
        }
    }

    private static func day(_ text: Substring, _ retrieval: RecordedRetrievals.Entry, _ missing: Problem) throws -> Int64 {
        guard let day = ArchiveFolder.day(text), retrieval.days.contains(day) else { throw missing }
        return day
    }

    private func records(_ retrieval: RecordedRetrievals.Entry) async throws -> Response {
        let records = try await Blocking.run { try archive.records(of: retrieval.tenant) }
        var json = JSONBytes()
        json.object { json in
            json.key("records")
            json.array { json in
                for record in records {
                    json.object { json in
                        json.member("path", record.path)
                        json.member("bytes", record.bytes)
                        json.member("sha256", record.digest.hex)
                    }
                }
            }
        }
        return .json(json.bytes)
    }

    private func open(_ day: Int64, _ retrieval: RecordedRetrievals.Entry, _ call: Call) async throws -> Response {
        let parameters = try QueryParameters(call.request, known: ["after"])
        let after = UInt64(try parameters.integer("after", in: 0...Int.max, default: 0))
        guard archive.catalogue.sealedDay ?? .min < day else {
            throw Problem(409, "day-sealed", "\(ArchiveFolder.name(day: day)) was sealed meanwhile; its file is in /v1/archives")
        }
        let lines = try await Blocking.run { try archive.openLines(of: retrieval.tenant, day: day, after: after) }
        let body = ResponseBody { writer in
            while let lines, let part = try await Blocking.run({ try lines.next() }) {
                try await writer.write(ByteBuffer(bytes: part))
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/x-ndjson"], body: body)
    }
}
