/// Why a request was not answered as asked, as an RFC 9457 problem document.
public struct Problem: Error, Sendable, Equatable {
    public var status: Int
    /// Short, the same for every occurrence; the last part of `type`.
    public var code: String
    /// One sentence about this occurrence that says what to do.
    public var detail: String
    public var retryAfterSeconds: Int?
    /// For 405, the methods that the path takes.
    public var allow: String?

    public init(_ status: Int, _ code: String, _ detail: String, retryAfterSeconds: Int? = nil, allow: String? = nil) {
        self.status = status
        self.code = code
        self.detail = detail
        self.retryAfterSeconds = retryAfterSeconds
        self.allow = allow
    }

    public static func badBody(_ detail: String) -> Problem { Problem(400, "bad-body", detail) }
    public static func badParameter(_ detail: String) -> Problem { Problem(400, "bad-parameter", detail) }
    public static func notFound(_ detail: String) -> Problem { Problem(404, "not-found", detail) }

    /// What the status means here, whatever the occurrence: several codes share one status, so it claims no more than all of
    /// them have in common.
    public var title: String {
        switch status {
        case 400: "Bad request"
        case 401: "No valid key"
        case 403: "Not allowed"
        case 404: "Not found"
        case 405: "Method not allowed"
        case 409: "Conflict"
        case 413: "Body too large"
        case 415: "Body of an unknown type"
        case 416: "Range not satisfiable"
        case 422: "Events not taken"
        case 429: "Too much waiting"
        case 501: "Not understood"
        case 503: "Not able to answer now"
        default: status < 500 ? "Refused" : "Internal error"
        }
    }

    /// The members up to `detail`, without braces, so that an answer can add its own.
    public func writeMembers(to json: inout JSONBytes) {
        json.member("type", "https://daybook.dev/problems/\(code)")
        json.member("title", title)
        json.member("status", status)
        json.member("detail", detail)
    }

    public var bytes: [UInt8] {
        var json = JSONBytes()
        json.object { writeMembers(to: &$0) }
        return json.bytes
    }
}
