import Foundation
import Hummingbird

/// `GET /v1/dead-letters` and `POST /v1/dead-letters/replay`. A key of one tenant sees and tries again what came with a
/// key of that tenant: what others sent may hold events of any.
public struct DeadLetterEndpoints: Sendable {
    let ingest: Ingest

    public init(_ ingest: Ingest) { self.ingest = ingest }

    public var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/v1/dead-letters") { try await list($0) },
            Endpoint(.post, "/v1/dead-letters/replay") { try await replay($0) },
        ]
    }

    private func list(_ call: Call) async throws -> Response {
        let parameters = try QueryParameters(call.request, known: ["limit", "cursor"])
        let limit = try parameters.integer("limit", in: 1...1000, default: 50)
        var after: UInt64 = 0
        if let cursor = try parameters.one("cursor") {
            guard let id = UInt64(cursor) else { throw Problem.badParameter("\"cursor\" is not one that this path has given") }
            after = id
        }
        // One more than asked for tells whether there is a next page.
        let letters = try await ingest.deadLetters.letters(after: after, limit: limit + 1, keyTenant: call.key?.tenant)
        let total = await ingest.deadLetters.count(keyTenant: call.key?.tenant)
        var json = JSONBytes()
        json.object { json in
            json.key("dead_letters")
            json.array { json in for letter in letters.prefix(limit) { json.raw(letter.line) } }
            json.member("next_cursor", letters.count > limit ? String(letters[limit - 1].id) : nil)
            json.member("total", total)
        }
        return .json(json.bytes)
    }

    private func replay(_ call: Call) async throws -> Response {
        let totals = try await DeadLetterReplay(ingest, keyTenant: call.key?.tenant).run()
        var json = JSONBytes()
        json.object { json in
            totals.problem?.writeMembers(to: &json)
            json.member("replayed", totals.replayed)
            json.member("accepted", totals.accepted)
            json.member("duplicates", totals.duplicates)
            json.member("rejected", totals.rejected)
        }
        guard let problem = totals.problem else { return .json(json.bytes) }
        var response = Response(status: problem.status, type: "application/problem+json", bytes: json.bytes)
        if let seconds = problem.retryAfterSeconds { response.headers[.retryAfter] = String(seconds) }
        return response
    }
}
