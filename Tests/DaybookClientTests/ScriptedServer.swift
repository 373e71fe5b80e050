import Foundation
import Synchronization
import TestSupport

/// A server that answers by script, to show a client what a real one does only on a bad day: refusals, silence, and
/// connections that end in the middle. Plain sockets on a thread of its own.
final class ScriptedServer: Sendable {
    enum Step: Sendable {
        case answer(status: Int, headers: [String] = [], body: String = "")
        /// Reads the request and closes without a word.
        case hangUp
        /// Sends these bytes as they are, in pieces, then closes.
        case stream([String])
    }

    struct Request: Sendable {
        var line: String
        var headers: [String: String]
        var body: String
    }

    private struct State {
        var steps: [Step]
        var requests: [Request] = []
        var connections = 0
    }

    private let state: Mutex<State>
    private let listener = LoopbackListener()
    var url: String { listener.url }

    init(_ steps: [Step]) {
        state = Mutex(State(steps: steps))
        listener.start(atOnce: false) { [self] connection in
            state.withLock { $0.connections += 1 }
            serve(connection)
        }
    }

    /// No more connections; the thread ends.
    func stop() { listener.stop() }

    var requests: [Request] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.connections } }

    private func serve(_ connection: LoopbackConnection) {
        var pending: [UInt8] = []
        while let request = read(connection, &pending) {
            let step = state.withLock { state -> Step in
                state.requests.append(request)
                return state.steps.isEmpty ? .hangUp : state.steps.removeFirst()
            }
            switch step {
            case .hangUp: return
            case .answer(let status, let headers, let body):
                let head = ["HTTP/1.1 \(status) Status", "Content-Length: \(body.utf8.count)"] + headers
                connection.send((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
            case .stream(let pieces):
                for piece in pieces { connection.send(piece.utf8) }
                return
            }
        }
    }

    private func read(_ connection: LoopbackConnection, _ pending: inout [UInt8]) -> Request? {
        while true {
            if let request = Self.parse(&pending) { return request }
            guard connection.receive(into: &pending) else { return nil }
        }
    }

    private static func parse(_ pending: inout [UInt8]) -> Request? {
        let text = String(decoding: pending, as: UTF8.self)
        guard let headEnd = text.range(of: "\r\n\r\n") else { return nil }
        var lines = text[..<headEnd.lowerBound].components(separatedBy: "\r\n")
        let first = lines.removeFirst()
        var headers: [String: String] = [:]
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let start = text[..<headEnd.upperBound].utf8.count
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        guard pending.count >= start + length else { return nil }
        let body = String(decoding: pending[start..<start + length], as: UTF8.self)
        pending.removeFirst(start + length)
        return Request(line: first, headers: headers, body: body)
    }
}
