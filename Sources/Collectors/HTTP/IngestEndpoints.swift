import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import Pipelines

/// `POST /v1/events` and the paths that pipelines listen on.
public struct IngestEndpoints: Sendable {
    static let path = "/v1/events"

    let ingest: Ingest

    public init(_ ingest: Ingest) { self.ingest = ingest }

    public var endpoints: [Endpoint] {
        [Endpoint(.post, Self.path) { try await take($0, listening: nil) }]
    }

    /// Asked for every path that has no endpoint: pipelines may change while the server runs.
    public func endpoint(listening request: Request) -> Endpoint? {
        guard let pipeline = ingest.pipelines.pipeline(listening: request.uri.path) else { return nil }
        return Endpoint(.post, request.uri.path) { try await take($0, listening: pipeline) }
    }

    private func take(_ call: Call, listening: Pipeline?) async throws -> Response {
        let head = IngestHead(call.request.headers, query: call.request.uri.query)
        let session = try ingest.session(try head.request(listening: listening, key: call.key, origin: "http \(call.remote)"))
        do {
            for try await piece in call.request.body {
                guard await session.feed(piece) else { break }
            }
        } catch let error as HTTPParserError {
            let reason = "the body is not framed as HTTP/1.1 wants it (\(error)); send the rest, from first_line_not_taken on, again"
            return Response(await session.abandon(because: reason))
        } catch {
            return Response(await session.abandon())
        }
        let answer = await session.finish()
        return Response(answer)
    }
}

extension Response {
    init(_ answer: IngestAnswer) {
        self.init(status: answer.status, type: answer.isProblem ? "application/problem+json" : "application/json", bytes: answer.bytes)
        if let seconds = answer.problem?.retryAfterSeconds { headers[.retryAfter] = String(seconds) }
    }
}
