import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A client socket that sends exactly the bytes it is given. Its calls block for at most twenty seconds, so tests use it
/// on a thread of their own.
final class RawConnection {
    struct Answer: Equatable, CustomStringConvertible {
        var status = ""
        var fields: [String] = []
        var body = ""

        var code: Int { Int(status.split(separator: " ").dropFirst().first ?? "") ?? 0 }
        var description: String { ([status] + fields + [body]).joined(separator: "\n") }

        /// Without what differs from one request to the next.
        var lasting: Answer {
            var answer = self
            answer.fields = fields.map { $0.hasPrefix("Date: ") ? "Date: …" : $0 }
            answer.fields.removeAll { $0.hasPrefix("Content-Length: ") && $0 == "Content-Length: \(body.utf8.count)" }
            answer.body = body.replacing(/_seq":[0-9]+/, with: "_seq\":n").replacing(/as seq [0-9]+/, with: "as seq n")
            return answer
        }
    }

    struct Failure: Error { var reason: String }

    private var descriptor: Int32
    private var received: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw Failure(reason: "connect: \(errno)") }
        // Beside a hundred other suites on two cores a server may wait long for its turn.
        var patience = timeval(tv_sec: 90, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close() }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure(reason: "send: \(errno)") }
            sent += count
        }
    }

    /// The next answer, whole.
    func answer(withoutBody: Bool = false) throws -> Answer {
        var answer = Answer()
        let head = try text(to: "\r\n\r\n").components(separatedBy: "\r\n").filter { !$0.isEmpty }
        answer.status = head.first ?? ""
        answer.fields = Array(head.dropFirst())
        if withoutBody { return answer }
        let length = answer.fields.first { $0.lowercased().hasPrefix("content-length: ") }.flatMap { Int($0.dropFirst(16)) } ?? 0
        while received.count < length { try receive() }
        answer.body = String(decoding: received.prefix(length), as: UTF8.self)
        received.removeFirst(length)
        return answer
    }

    private func text(to end: String) throws -> String {
        let mark = Data(end.utf8)
        while true {
            if let range = Data(received).range(of: mark) {
                defer { received.removeFirst(range.upperBound) }
                return String(decoding: received.prefix(range.upperBound), as: UTF8.self)
            }
            try receive()
        }
    }

    private func receive() throws {
        guard try receiveMore() else { throw Failure(reason: "the connection ended after \(String(decoding: received, as: UTF8.self))") }
    }

    private func receiveMore() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw Failure(reason: "recv: \(errno)") }
        received += buffer.prefix(count)
        return count > 0
    }

    /// Whether the server ends the connection next, and sends nothing before.
    func isEnded() throws -> Bool {
        if !received.isEmpty { return false }
        return try !receiveMore()
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Ends with a reset, as a client that died.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}

/// Runs blocking work where it keeps no thread of the pool from the server under test.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: work)) }
    }
}
