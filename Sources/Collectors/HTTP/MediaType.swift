/// What `Content-Type` and `Content-Encoding` say about a body.
enum MediaType {
    static func shape(_ header: String?, binary: CloudEventAttributes?, takesText: Bool) throws(Problem) -> IngestRequest.Shape {
        // What producers send, told without taking it apart.
        if binary == nil {
            if header == "application/json" { return .json }
            if header == "application/x-ndjson" { return .lines }
        }
        let parts = (header ?? "").split(separator: ";").map { $0.trimmingSpaces().lowercased() }
        let type = parts.first ?? ""
        for parameter in parts.dropFirst() where parameter.hasPrefix("charset=") {
            let charset = parameter.dropFirst(8).filter { $0 != "\"" }
            guard charset == "utf-8" || charset == "us-ascii" else {
                throw Problem(415, "unknown-body-type", "the body must be UTF-8 (RFC 8259 section 8.1), not \(charset.prefix(32))")
            }
        }
        if type.hasPrefix("application/cloudevents-batch") {
            return try checked(type, "application/cloudevents-batch+json", .cloudEventBatch)
        }
        if type.hasPrefix("application/cloudevents") { return try checked(type, "application/cloudevents+json", .cloudEvent) }
        if let binary { return .cloudEventBinary(binary) }
        switch type {
        case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines":
            return .lines
        case "text/plain": return .text
        // What `curl -d` claims when nobody says otherwise. No path here takes a form, and a newcomer's first event is
        // not the moment to insist on a header.
        case "", "application/x-www-form-urlencoded": return takesText ? .text : .json
        case "application/json": return .json
        default:
            if type.hasPrefix("application/"), type.hasSuffix("+json") { return .json }
            throw Problem(
                415, "unknown-body-type",
                "a body of \(type.prefix(64)) is not understood; send application/json, application/x-ndjson, application/cloudevents+json or text/plain"
            )
        }
    }

    private static func checked(_ type: String, _ wanted: String, _ shape: IngestRequest.Shape) throws(Problem) -> IngestRequest.Shape {
        guard type == wanted else { throw Problem(415, "unknown-body-type", "CloudEvents are taken as JSON only: \(wanted)") }
        return shape
    }

    static func isCompressed(_ header: String?) throws(Problem) -> Bool {
        switch (header ?? "identity").trimmingSpaces().lowercased() {
        case "identity", "": return false
        case "gzip", "x-gzip", "deflate": return true
        case let other:
            throw Problem(415, "unknown-body-type", "Content-Encoding \(other.prefix(32)) is not understood; send gzip, deflate or nothing")
        }
    }
}

extension StringProtocol {
    fileprivate func trimmingSpaces() -> String {
        var text = Substring(self)
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
