/// Where an object or the bucket is asked for, encoded the one way that Signature Version 4 counts
/// (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "UriEncode"): every byte but the
/// unreserved ones as `%XX` in upper case, a key's `/` kept, query parameters sorted and each with a `=`. libcurl signs
/// path and query as they stand in the address, so an address that is not canonical has a wrong signature.
package enum ObjectAddress {
    package static func url(_ settings: ObjectStorageSettings, key: String?, query: [(String, String)]) -> String {
        var base = settings.endpoint
        while base.hasSuffix("/") { base.removeLast() }
        var path = ""
        switch settings.addressing {
        case .path: path = "/" + encode(settings.bucket)
        case .virtualHost:
            let scheme = base.range(of: "://")!
            base.insert(contentsOf: settings.bucket + ".", at: scheme.upperBound)
        }
        if let key { path += "/" + encode(key, keepsSlash: true) } else if settings.addressing == .virtualHost { path = "/" }
        return base + path + Self.query(query)
    }

    static func query(_ parameters: [(String, String)]) -> String {
        guard !parameters.isEmpty else { return "" }
        // Sorted by the encoded name; byte order, which is not the order of Swift's strings.
        let pairs = parameters.map { (encode($0.0), encode($0.1)) }
            .sorted { ($0.0 == $1.0) ? $0.1.utf8.lexicographicallyPrecedes($1.1.utf8) : $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
        return "?" + pairs.map { $0.0 + "=" + $0.1 }.joined(separator: "&")
    }

    package static func encode(_ text: String, keepsSlash: Bool = false) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            case UInt8(ascii: "/") where keepsSlash: bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
