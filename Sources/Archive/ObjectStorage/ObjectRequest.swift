import Crypto

/// One request, as the client's operations state it; ``ObjectConnection`` adds the signature.
struct ObjectRequest {
    enum Method: String { case get = "GET", put = "PUT", head = "HEAD", post = "POST", delete = "DELETE" }

    var method: Method
    /// With the prefix; `nil`: the bucket itself.
    var key: String?
    var query: [(String, String)] = []
    /// All of them are signed.
    var headers: [(String, String)] = []
    /// Of `Range: bytes=`, such as `0-99` or `-100`.
    var range: String?
    var body = Body.none
    /// An answer with more bytes is cut off and refused: nothing a service sends may fill the memory.
    var largestAnswer = 8 << 20

    enum Body {
        case none
        case bytes([UInt8])
        /// `sha256` of just this range of the file.
        case file(LocalObject, Range<Int>, sha256: Digest)

        var count: Int {
            switch self {
            case .none: 0
            case .bytes(let bytes): bytes.count
            case .file(_, let range, _): range.count
            }
        }

        var sha256: Digest {
            switch self {
            case .none: Digest(SHA256.hash(data: []))
            case .bytes(let bytes): Digest(SHA256.hash(data: bytes))
            case .file(_, _, let sha256): sha256
            }
        }
    }

    /// What errors call it.
    var name: String {
        let parameters = query.isEmpty ? "" : "?" + query.map(\.0).joined(separator: "&")
        return "\(method.rawValue) \(key ?? "the bucket")\(parameters)"
    }
}

struct ObjectAnswer {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]

    var isSuccess: Bool { (200..<300).contains(status) }
}
