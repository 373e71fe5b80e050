/// What to ask: a body makes it a POST, unless `method` says otherwise.
package struct HTTPRequest: Sendable {
    package var method: String?
    package var path: String
    package var query: [(String, String)]
    package var headers: [(String, String)] = []
    package var body: [UInt8]?

    package init(_ method: String? = nil, path: String, query: [(String, String)] = [], body: [UInt8]? = nil) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
    }

    /// The whole address, percent-encoded by RFC 3986: everything but its unreserved characters.
    func address(base: String) -> String {
        guard !query.isEmpty else { return base + path }
        return base + path + "?" + query.map { Self.encode($0.0) + "=" + Self.encode($0.1) }.joined(separator: "&")
    }

    package static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}

package struct HTTPResponse: Sendable {
    package var url: String
    package var status: Int
    package var body: [UInt8]
    /// What the server asked to wait before the next attempt; `nil` when it did not.
    package var retryAfter: Duration?
}
