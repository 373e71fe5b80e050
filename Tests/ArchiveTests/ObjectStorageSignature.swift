import Crypto
import Foundation

/// Signature Version 4 for S3 as its server computes it, written from Amazon's description and sharing nothing with the
/// code under test (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
struct ObjectStorageSignature {
    var method: String
    /// Path and query as they stand in the request line.
    var target: String
    /// Names in lower case.
    var headers: [String: String]
    var signedHeaders: [String]
    var secret: String
    /// `YYYYMMDD`, region.
    var day: String
    var region: String

    var canonicalRequest: String {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let pairs =
            parts.count < 2
            ? []
            : parts[1].split(separator: "&").map { pair -> (String, String) in
                let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                return (Self.encode(Self.decode(halves[0])), Self.encode(halves.count > 1 ? Self.decode(halves[1]) : ""))
            }
        let query = pairs.sorted { Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8)) }.map { "\($0.0)=\($0.1)" }
        let path = parts[0].split(separator: "/", omittingEmptySubsequences: false).map { Self.encode(Self.decode(String($0))) }
        let lines = signedHeaders.map { "\($0):\(headers[$0] ?? "")" }
        return
            ([method, path.joined(separator: "/"), query.joined(separator: "&")] + lines + ["", signedHeaders.joined(separator: ";")]
            + [headers["x-amz-content-sha256"] ?? ""]).joined(separator: "\n")
    }

    var hex: String {
        let hash = SHA256.hash(data: Data(canonicalRequest.utf8)).map { String(format: "%02x", $0) }.joined()
        let text = "AWS4-HMAC-SHA256\n\(headers["x-amz-date"] ?? "")\n\(day)/\(region)/s3/aws4_request\n\(hash)"
        var key = SymmetricKey(data: Data("AWS4\(secret)".utf8))
        for step in [day, region, "s3", "aws4_request"] {
            key = SymmetricKey(data: Data(HMAC<SHA256>.authenticationCode(for: Data(step.utf8), using: key)))
        }
        return HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key).map { String(format: "%02x", $0) }.joined()
    }

    private static let unreserved = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

    static func encode(_ text: String) -> String { text.addingPercentEncoding(withAllowedCharacters: unreserved)! }

    static func decode(_ text: String) -> String { text.removingPercentEncoding ?? "(not decodable)" }
}
