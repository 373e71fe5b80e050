import AccessControl
import HTTPTypes
import Pipelines

/// What the head of a request says about the body that follows: the same for both ways that requests take through the
/// HTTP stack, which have headers of different types.
struct IngestHead {
    var query: String?
    var contentType: String?
    var contentEncoding: String?
    var idempotencyKey: String?
    var cloudEvent: CloudEventAttributes?

    private static let parameters: Set = ["pipeline", "tenant"]

    func request(listening: Pipeline?, key: AccessKey?, origin: String) throws(Problem) -> IngestRequest {
        let parameters = try QueryParameters(query ?? "", known: Self.parameters)
        let shape = try MediaType.shape(contentType, binary: cloudEvent, takesText: listening?.takesText ?? false)
        var request = IngestRequest(shape: shape, origin: origin)
        request.isCompressed = try MediaType.isCompressed(contentEncoding)
        request.pipeline = try parameters.one("pipeline") ?? listening?.name
        request.tenant = try parameters.one("tenant")
        request.allowedTenant = key?.tenant
        if let idempotencyKey {
            try IngestRequest.checkIdempotencyKey(idempotencyKey)
            request.idempotencyKey = idempotencyKey
        }
        return request
    }
}

extension IngestHead {
    init(_ headers: HTTPFields, query: String?) {
        self.query = query
        contentType = headers[.contentType]
        contentEncoding = headers[.contentEncoding]
        idempotencyKey = headers[.idempotencyKey]
        cloudEvent = CloudEventAttributes(headers: headers.lazy.map { ($0.name.canonicalName, $0.value) })
    }
}

extension HTTPField.Name {
    // draft-ietf-httpapi-idempotency-key-header
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
}
