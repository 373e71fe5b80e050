import AccessControl
import HTTPTypes
import Hummingbird
import Logging

/// Finds the endpoint for a request, checks the key before anything else of it is read, and turns every error into a
/// problem document.
///
/// A dictionary and one placeholder do what this server's paths need. The framework's router answers 404 where a path
/// exists with other methods, and its errors are not problem documents.
public struct EndpointTable: HTTPResponder {
    public typealias Context = ConnectionContext

    private var fixed: [String: [Endpoint]] = [:]
    private var open: [(prefix: String, endpoint: Endpoint)] = []
    private let keys: AccessKeys
    /// Answers paths that are in no list, such as those a pipeline listens on; `nil` for 404.
    private let otherwise: @Sendable (Request) -> Endpoint?

    public init(_ endpoints: [Endpoint], keys: AccessKeys, otherwise: @escaping @Sendable (Request) -> Endpoint? = { _ in nil }) {
        self.keys = keys
        self.otherwise = otherwise
        for endpoint in endpoints {
            if let brace = endpoint.path.firstIndex(of: "{") {
                open.append((String(endpoint.path[..<brace]), endpoint))
            } else {
                fixed[endpoint.path, default: []].append(endpoint)
            }
        }
    }

    public func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        var response = await answer(request, context)
        // RFC 9110, section 9.3.2: the headers of a GET and no content.
        if request.method == .head { response.body = .init(contentLength: response.body.contentLength) { try await $0.finish(nil) } }
        return response
    }

    private func answer(_ request: Request, _ context: ConnectionContext) async -> Response {
        do {
            let (endpoint, parameter) = try find(request)
            let key = keys.check(authorization: request.headers[.authorization])
            if endpoint.access == .key, key == nil {
                throw Problem(
                    401, "no-key", "send a valid key as Authorization: Bearer KEY; the first one is in admin.key in the data folder")
            }
            return try await endpoint.handle(Call(request: request, key: key, parameter: parameter, remote: context.remote))
        } catch let problem as Problem {
            return Response(problem)
        } catch {
            context.logger.error("request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            return Response(Problem(500, "internal", "the server made a mistake; its log says more"))
        }
    }

    /// Whether a path without placeholder is answered by an endpoint of the list, whoever else would answer it.
    func holds(_ method: HTTPRequest.Method, _ path: String) -> Bool { fixed[path]?.contains { $0.method == method } ?? false }

    private func find(_ request: Request) throws -> (Endpoint, String?) {
        let path = request.uri.path
        var candidates: [(Endpoint, String?)] = (fixed[path] ?? []).map { ($0, nil) }
        if candidates.isEmpty {
            for (prefix, endpoint) in open
            where path.hasPrefix(prefix) && path.count > prefix.count
                && (endpoint.path.hasSuffix("...}") || !path.dropFirst(prefix.count).contains("/"))
            {
                candidates.append((endpoint, PercentCoding.decode(path.dropFirst(prefix.count))))
            }
        }
        let method: HTTPRequest.Method = request.method == .head ? .get : request.method
        if let found = candidates.first(where: { $0.0.method == method }) { return found }
        if let endpoint = otherwise(request) { candidates.append((endpoint, nil)) }
        if let found = candidates.first(where: { $0.0.method == method }) { return found }
        guard !candidates.isEmpty else { throw Problem.notFound("there is nothing at \(path)") }
        let methods = Set(candidates.map(\.0.method.rawValue)).sorted().joined(separator: ", ")
        throw Problem(405, "method-not-allowed", "\(path) takes \(methods), not \(request.method.rawValue)", allow: methods)
    }
}

extension Response {
    public init(_ problem: Problem) {
        self.init(status: problem.status, type: "application/problem+json", bytes: problem.bytes)
        if problem.status == 401 { headers[.wwwAuthenticate] = "Bearer realm=\"daybook\"" }
        if let seconds = problem.retryAfterSeconds { headers[.retryAfter] = String(seconds) }
        if let allow = problem.allow { headers[.allow] = allow }
    }

    public init(status: Int, type: String, bytes: [UInt8]) {
        self.init(
            status: .init(code: status), headers: [.contentType: type, .contentLength: String(bytes.count)],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    public static func json(_ bytes: [UInt8]) -> Response { Response(status: 200, type: "application/json", bytes: bytes) }
}
