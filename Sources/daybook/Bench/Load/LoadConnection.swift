import Foundation

/// One kept-alive, non-blocking connection with at most one request under way.
struct LoadConnection {
    private(set) var descriptor: Int32
    var answer = AnswerReader()
    /// The request's body, a range of the event file.
    private(set) var body: Range<Int> = 0..<0
    private(set) var events = 0
    /// Nanoseconds of the monotonic clock.
    private(set) var dueAt: UInt64 = 0
    var resumeAt: UInt64 = 0
    private(set) var isBusy = false
    private var head: [UInt8]
    private let lengthAt: Int
    private var written = 0

    /// The head is rendered once; only the digits of its Content-Length change.
    private static let lengthDigits = 9

    init(_ plan: LoadPlan) throws {
        let front = """
            POST /v1/events HTTP/1.1\r\nHost: \(plan.host):\(plan.port)\r\nAuthorization: Bearer \(plan.key)\r\n\
            Content-Type: application/x-ndjson\r\nContent-Length: 
            """
        head = Array((front + String(repeating: "0", count: Self.lengthDigits) + "\r\n\r\n").utf8)
        lengthAt = front.utf8.count
        descriptor = try Self.connect(host: plan.host, port: plan.port)
    }

    mutating func reconnect(_ plan: LoadPlan) throws {
        close(descriptor)
        descriptor = try Self.connect(host: plan.host, port: plan.port)
        written = 0
        answer.reset()
    }

    mutating func begin(body: Range<Int>, events: Int, dueAt: UInt64) {
        self.body = body
        self.events = events
        self.dueAt = dueAt
        var rest = body.count
        for index in stride(from: lengthAt + Self.lengthDigits - 1, through: lengthAt, by: -1) {
            head[index] = UInt8(0x30 + rest % 10)
            rest /= 10
        }
        repeatRequest()
    }

    mutating func repeatRequest() {
        isBusy = true
        written = 0
        resumeAt = 0
        answer.reset()
    }

    mutating func finish() { isBusy = false }

    /// Writes what the socket takes; true when the whole request is out.
    mutating func write(_ file: UnsafeRawBufferPointer) throws -> Bool {
        while written < head.count + body.count {
            let count = head.withUnsafeMutableBytes { head in
                let headLeft = max(0, head.count - written)
                let bodyDone = max(0, written - head.count)
                var pieces = (
                    iovec(iov_base: head.baseAddress! + min(written, head.count), iov_len: headLeft),
                    iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: file.baseAddress! + body.lowerBound + bodyDone),
                        iov_len: body.count - bodyDone)
                )
                return withUnsafePointer(to: &pieces) { pointer in
                    pointer.withMemoryRebound(to: iovec.self, capacity: 2) { writev(descriptor, $0, 2) }
                }
            }
            if count < 0 {
                if errno == EAGAIN { return false }
                if errno == EINTR { continue }
                throw CommandFailure("The server closed a connection: \(String(cString: strerror(errno))).")
            }
            written += count
        }
        return true
    }

    /// Reads what is there; true when an answer is complete.
    mutating func read(_ scratch: UnsafeMutableRawBufferPointer) throws -> Bool {
        while true {
            let count = recv(descriptor, scratch.baseAddress!, scratch.count, 0)
            if count < 0 {
                if errno == EAGAIN { return false }
                if errno == EINTR { continue }
                throw CommandFailure("Lost a connection: \(String(cString: strerror(errno))).")
            }
            guard count > 0 else { throw CommandFailure("The server closed a connection before it answered.") }
            do { try answer.append(UnsafeRawBufferPointer(rebasing: scratch[..<count])) } catch {
                throw CommandFailure("The server's answer cannot be read: \(error).")
            }
            if answer.isComplete { return true }
        }
    }

    static func connect(host: String, port: UInt16, blocking: Bool = false) throws -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let address = found else {
            throw CommandFailure("No address for \(host).")
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(address.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0, Foundation.connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else {
            let reason = String(cString: strerror(errno))
            if descriptor >= 0 { close(descriptor) }
            throw CommandFailure("Cannot connect to \(host):\(port): \(reason).")
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        if !blocking { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) }
        return descriptor
    }
}
