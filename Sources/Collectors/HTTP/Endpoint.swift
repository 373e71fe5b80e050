import AccessControl
import Hummingbird

/// One path and method that this server answers. Rooms contribute lists of them; the server puts the lists together.
public struct Endpoint: Sendable {
    public enum Access: Sendable {
        /// Anyone; only for health.
        case open
        /// Whoever has a valid key.
        case key
    }

    public var method: HTTPRequest.Method
    /// `/v1/events`, or with one placeholder at the end: `/v1/events/{id}`; one that ends in `...}` takes slashes too.
    public var path: String
    public var access: Access
    public var handle: @Sendable (Call) async throws -> Response

    public init(
        _ method: HTTPRequest.Method, _ path: String, access: Access = .key, handle: @escaping @Sendable (Call) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.handle = handle
    }
}

/// A request on its way through an endpoint.
public struct Call: Sendable {
    public var request: Request
    /// `nil` only where the endpoint is open.
    public var key: AccessKey?
    /// What stood in the place of the path's placeholder.
    public var parameter: String?
    /// Address of the other end.
    public var remote: String

    public init(request: Request, key: AccessKey?, parameter: String?, remote: String) {
        self.request = request
        self.key = key
        self.parameter = parameter
        self.remote = remote
    }
}
