import HTTPTypes
import Hummingbird
import NIOCore
import Pipelines

/// `POST /v1/events` and the paths that pipelines listen on.
public struct IngestEndpoints: Sendable {
    let ingest: Ingest

    public init(_ ingest: Ingest) { self.ingest = ingest }

    public var endpoints: [Endpoint] {
        [Endpoint(.post, "/v1/events") { try await take($0, listening: nil) }]
    }

    /// Asked for every path that has no endpoint: pipelines may change while the server runs.
    public func endpoint(listening request: Request) -> Endpoint? {
        guard let pipeline = ingest.pipelines.pipeline(listening: request.uri.path) else { return nil }
        return Endpoint(.post, request.uri.path) { try await take($0, listening: pipeline) }
    }

    private func take(_ call: Call, listening: Pipeline?) async throws -> Response {
        let session = try ingest.session(try Self.describe(call, listening: listening))
        do {
            for try await piece in call.request.body {
                guard await session.feed(piece) else { break }
            }
        } catch {
            await session.abandon()
            throw error
        }
        let answer = await session.finish()
        return Response(answer)
    }

    private static let parameters: Set = ["pipeline", "tenant"]

    private static func describe(_ call: Call, listening: Pipeline?) throws(Problem) -> IngestRequest {
        let headers = call.request.headers
        let parameters = try QueryParameters(call.request, known: parameters)
        let attributes = CloudEventAttributes(headers: headers.lazy.map { ($0.name.canonicalName, $0.value) })
        let shape = try MediaType.shape(headers[.contentType], binary: attributes, takesText: listening?.takesText ?? false)
        var request = IngestRequest(shape: shape, origin: "http \(call.remote)")
        request.isCompressed = try MediaType.isCompressed(headers[.contentEncoding])
        request.pipeline = try parameters.one("pipeline") ?? listening?.name
        request.tenant = try parameters.one("tenant")
        request.allowedTenant = call.key?.tenant
        if let key = headers[.idempotencyKey] {
            try IngestRequest.checkIdempotencyKey(key)
            request.idempotencyKey = key
        }
        return request
    }
}

extension HTTPField.Name {
    // draft-ietf-httpapi-idempotency-key-header
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
}

extension Response {
    init(_ answer: IngestAnswer) {
        self.init(status: answer.status, type: answer.isProblem ? "application/problem+json" : "application/json", bytes: answer.bytes)
        if let seconds = answer.problem?.retryAfterSeconds { headers[.retryAfter] = String(seconds) }
    }
}

extension ByteBuffer: BodyPiece {
    public var byteCount: Int { readableBytes }

    public func withBytes<Result, Failure: Error>(
        _ range: Range<Int>, _ work: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // As for arrays: the outcome carries the typed error.
        let outcome = withUnsafeReadableBytes { bytes -> Swift.Result<Result, Failure> in
            do throws(Failure) { return .success(try work(UnsafeRawBufferPointer(rebasing: bytes[range]))) } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}
