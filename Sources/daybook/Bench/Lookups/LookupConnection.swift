import Foundation

/// A blocking, kept-alive connection for questions. libcurl would add its own tens of microseconds to answers that
/// take a few hundred.
struct LookupConnection: ~Copyable {
    private let descriptor: Int32
    private let host: String
    private let key: String

    init(host: String, port: UInt16, key: String) throws {
        descriptor = try LoadConnection.connect(host: host, port: port, blocking: true)
        self.host = "\(host):\(port)"
        self.key = key
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// The whole body of the answer to `GET address`.
    func get(_ address: String) throws -> [UInt8] {
        let request = Array("GET \(address) HTTP/1.1\r\nHost: \(host)\r\nAuthorization: Bearer \(key)\r\n\r\n".utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw CommandFailure("The server closed the connection of the lookups.")
        }
        var bytes: [UInt8] = []
        while Self.end(ofHead: bytes) == nil { try receive(&bytes) }
        let headEnd = Self.end(ofHead: bytes)!
        let head = String(decoding: bytes[..<headEnd], as: UTF8.self).lowercased()
        bytes.removeFirst(headEnd)
        if let length = Self.value("content-length:", head).flatMap({ Int($0) }) {
            while bytes.count < length { try receive(&bytes) }
        } else if Self.value("transfer-encoding:", head) == "chunked" {
            bytes = try receiveChunks(bytes)
        }
        guard head.hasPrefix("http/1.1 200") else {
            throw CommandFailure("GET \(address) was answered by \(head.prefix(12)): \(String(decoding: bytes.prefix(500), as: UTF8.self))")
        }
        return bytes
    }

    private func receiveChunks(_ first: [UInt8]) throws -> [UInt8] {
        var raw = first
        var body: [UInt8] = []
        var at = 0
        while true {
            var lineEnd: Int?
            while true {
                lineEnd = raw[at...].firstIndex(of: 0x0A)
                if lineEnd != nil { break }
                try receive(&raw)
            }
            let size = String(decoding: raw[at..<lineEnd!], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard let count = Int(size, radix: 16) else { throw CommandFailure("The server's answer cannot be read: chunk \"\(size)\".") }
            at = lineEnd! + 1
            while raw.count < at + count + 2 { try receive(&raw) }
            if count == 0 { return body }
            body.append(contentsOf: raw[at..<at + count])
            at += count + 2
        }
    }

    private func receive(_ bytes: inout [UInt8]) throws {
        let old = bytes.count
        let room = 256 * 1024
        try withUnsafeTemporaryAllocation(byteCount: room, alignment: 16) { scratch in
            let count = recv(descriptor, scratch.baseAddress!, room, 0)
            guard count > 0 else {
                throw CommandFailure("The server ended an answer after \(old) bytes: \(String(cString: strerror(errno))).")
            }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: scratch[..<count]))
        }
    }

    private static func end(ofHead bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 3..<bytes.count
        where bytes[index] == 0x0A && bytes[index - 1] == 0x0D && bytes[index - 2] == 0x0A && bytes[index - 3] == 0x0D {
            return index + 1
        }
        return nil
    }

    private static func value(_ name: String, _ head: String) -> String? {
        head.split(separator: "\r\n").first { $0.hasPrefix(name) }.map { $0.dropFirst(name.count).trimmingCharacters(in: .whitespaces) }
    }
}
