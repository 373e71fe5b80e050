/// One event of a stream, as the HTML standard defines them (section 9.2, "Server-sent events").
package struct ServerSentEvent: Sendable, Equatable {
    package var id: String?
    package var name: String?
    package var data: [UInt8]
}

/// Puts a stream back together from pieces that end anywhere. Blocks without data are events only if they carry an id:
/// the server's heartbeats say so how far a filter has looked, and a reader goes on from there.
struct ServerSentEventParser {
    private var line: [UInt8] = []
    private var event = ServerSentEvent(data: [])
    private var hasData = false

    /// Returns false as soon as `receive` does.
    mutating func feed(_ bytes: UnsafeRawBufferPointer, _ receive: (ServerSentEvent) -> Bool) -> Bool {
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if let complete = endLine(), !receive(complete) { return false }
            line.removeAll(keepingCapacity: true)
        }
        return true
    }

    /// Takes `line`; an empty one completes an event.
    private mutating func endLine() -> ServerSentEvent? {
        guard !line.isEmpty else {
            defer { (event, hasData) = (ServerSentEvent(data: []), false) }
            return hasData || event.id != nil ? event : nil
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.count
        var value = line.dropFirst(colon + 1)
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "id": event.id = String(decoding: value, as: UTF8.self)
        case "event": event.name = String(decoding: value, as: UTF8.self)
        case "data":
            if hasData { event.data.append(UInt8(ascii: "\n")) }
            event.data.append(contentsOf: value)
            hasData = true
        default: break
        }
        return nil
    }
}
