import NIOHTTP1

/// What this server reads of an HTTP/1 head, found in one pass over its fields.
struct HTTP1Head {
    var ingest = IngestHead()
    var authorization: String?
    /// Bytes of the body where they are known beforehand and no other protocol is asked for.
    var contentLength: Int?
    var expectsContinue = false
    /// Why the request is not read any further: its framing, or whom it is for, is not certain.
    var fault: Problem?

    init(_ head: HTTPRequestHead) {
        var isPlain = true
        var isCloudEvent = false
        var length: String?
        var expectation: String?
        var coding: String?
        var hosts = 0
        for (name, value) in head.headers {
            // Few names have the same length, so most fields are told by it alone.
            switch name.utf8.count {
            case 4 where name.isField("host"): hosts += 1
            case 6 where name.isField("expect"): Self.add(value, to: &expectation)
            case 7 where name.isField("upgrade"): isPlain = false
            case 12 where name.isField("content-type"): Self.add(value, to: &ingest.contentType)
            case 13 where name.isField("authorization"): Self.add(value, to: &authorization)
            case 14 where name.isField("content-length"): Self.add(value, to: &length)
            case 15 where name.isField("idempotency-key"): Self.add(value, to: &ingest.idempotencyKey)
            case 16 where name.isField("content-encoding"): Self.add(value, to: &ingest.contentEncoding)
            case 17 where name.isField("transfer-encoding"):
                Self.add(value, to: &coding)
                isPlain = false
            default: if !isCloudEvent { isCloudEvent = name.hasPrefix("ce-") || name.lowercased().hasPrefix("ce-") }
            }
        }
        if isCloudEvent { ingest.cloudEvent = CloudEventAttributes(headers: head.headers.lazy.map { ($0.name.lowercased(), $0.value) }) }
        // RFC 9110, section 10.1.1: HTTP/1.0 knows no interim answers.
        expectsContinue = head.version != .http1_0 && expectation?.lowercased() == "100-continue"
        fault = Self.fault(head.version, hosts: hosts, coding: coding)
        if isPlain { contentLength = length.flatMap { Int($0) } }
    }

    private static func fault(_ version: HTTPVersion, hosts: Int, coding: String?) -> Problem? {
        // RFC 9112, section 3.2.
        if hosts > 1 || hosts == 0 && version != .http1_0 {
            return Problem(400, "bad-request", "HTTP/1.1 wants one Host field; there are \(hosts)")
        }
        // RFC 9112, section 6.1. What is not undone would be taken for the body.
        if let coding, coding.lowercased() != "chunked" {
            return Problem(501, "unknown-transfer-coding", "Transfer-Encoding \(coding.prefix(64)) is not understood; send chunked")
        }
        return nil
    }

    /// A field that stands more than once has the values of all (RFC 9110, section 5.3).
    private static func add(_ value: String, to field: inout String?) {
        if let first = field { field = first + ", " + value } else { field = value }
    }
}

extension String {
    /// Whether this is the field `name`, which is written in small letters and as long as this.
    fileprivate func isField(_ name: StaticString) -> Bool {
        var difference: UInt8 = 0
        var at = 0
        // Field names are tokens: no two characters of one differ in the bit for small letters alone but letters.
        for byte in utf8 {
            difference |= (byte | 0x20) ^ name.utf8Start[at]
            at += 1
        }
        return difference == 0
    }
}
