import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Writes an answer as HTTP/1.1, head and body in one buffer, with the fields that Hummingbird's answers have.
struct AnswerBytes {
    private let serverName: String
    private var second: time_t = -1
    /// `Date` and `Server`, the same for a second, and the empty line behind the head.
    private var tail: [UInt8] = []

    init(serverName: String) { self.serverName = serverName }

    /// - Parameter isLast: the connection is closed behind it.
    mutating func buffer(_ answer: IngestAnswer, isLast: Bool, _ allocator: ByteBufferAllocator) -> ByteBuffer {
        buffer(answer, body: answer.bytes, isLast: isLast, allocator)
    }

    private mutating func buffer(_ answer: IngestAnswer, body: [UInt8], isLast: Bool, _ allocator: ByteBufferAllocator) -> ByteBuffer {
        tick(time(nil))
        var buffer = allocator.buffer(capacity: 192 + tail.count + body.count)
        if answer.status == 200 {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ")
        } else {
            let type = answer.isProblem ? "application/problem+json" : "application/json"
            let reason = HTTPResponseStatus(statusCode: answer.status).reasonPhrase
            buffer.writeString("HTTP/1.1 \(answer.status) \(reason)\r\nContent-Type: \(type)\r\nContent-Length: ")
        }
        buffer.writeString(String(body.count))
        if let seconds = answer.problem?.retryAfterSeconds { buffer.writeString("\r\nRetry-After: \(seconds)") }
        if isLast { buffer.writeStaticString("\r\nConnection: close") }
        buffer.writeBytes(tail)
        buffer.writeBytes(body)
        return buffer
    }

    /// For what is no request, or none that can be read; the connection is closed behind it.
    mutating func buffer(_ problem: Problem, _ allocator: ByteBufferAllocator) -> ByteBuffer {
        var answer = IngestAnswer()
        answer.problem = problem
        return buffer(answer, body: problem.bytes, isLast: true, allocator)
    }

    private mutating func tick(_ now: time_t) {
        guard now != second else { return }
        second = now
        tail = Array("\r\nDate: \(Self.date(now))\r\nServer: \(serverName)\r\n\r\n".utf8)
    }

    /// IMF-fixdate, RFC 9110, section 5.6.7.
    static func date(_ time: time_t) -> String {
        var time = time
        var parts = tm()
        gmtime_r(&time, &parts)
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
        let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return
            "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) \(clock) GMT"
    }

    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
