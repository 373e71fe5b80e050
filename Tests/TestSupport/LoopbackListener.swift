import Foundation
import Synchronization

/// Plain sockets on a port of its own, for servers that do what real ones do only on a bad day.
package final class LoopbackListener: Sendable {
    private let listener: Int32
    package let port: UInt16

    package var url: String { "http://127.0.0.1:\(port)" }

    package init() {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                precondition(
                    bind(listener, generic, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, generic, &length) == 0)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        self.listener = listener
    }

    /// Serves connections until ``stop()``, all at once or one after another; each is closed when `serve` returns.
    package func start(atOnce: Bool, serve: @escaping @Sendable (LoopbackConnection) -> Void) {
        Thread.detachNewThread { [listener] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                let connection = LoopbackConnection(descriptor: descriptor)
                @Sendable func handle() {
                    serve(connection)
                    close(descriptor)
                }
                if atOnce { Thread.detachNewThread { handle() } } else { handle() }
            }
        }
    }

    /// No more connections; the thread ends.
    package func stop() { shutdown(listener, Int32(SHUT_RDWR)) }
}

/// One accepted connection.
package struct LoopbackConnection: Sendable {
    fileprivate let descriptor: Int32

    /// Appends what has arrived, waiting for something; false when there is no more.
    package func receive(into pending: inout [UInt8]) -> Bool {
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        let count = recv(descriptor, &piece, piece.count, 0)
        if count > 0 { pending.append(contentsOf: piece[..<count]) }
        return count > 0
    }

    /// All of it, unless the other end has gone.
    package func send(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// The end of the connection will be a reset, which takes what was sent and not read yet along.
    package func resetAtEnd() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }
}
