import Crypto
import Foundation
import Synchronization
import TestSupport

/// A small S3 service in memory that checks signatures and does, when told, what a real one does only on a bad day.
final class ObjectStorageStub: Sendable {
    enum Fault: Sendable {
        case answer(status: Int, code: String, headers: [String] = [])
        /// The body of a success, cut in the middle.
        case truncated
        /// Does what was asked and closes without a word.
        case answerLost
        /// Closes with a reset when half the body was read.
        case reset
        /// Says nothing until the stub stops, and runs this first.
        case silence(@Sendable () -> Void = {})
        /// Flips a bit of what is stored.
        case damaged
        /// Sends the whole object with status 200.
        case rangeIgnored
        /// Status 200 with an error in the body.
        case errorInSuccess
        /// Answers as it should after this ran.
        case then(@Sendable () -> Void)
    }

    struct Request: Sendable {
        var method: String
        var target: String
        var headers: [String: String]
        var body: [UInt8]

        var path: String { ObjectStorageSignature.decode(String(target.prefix { $0 != "?" })) }
        var query: [String: String] {
            guard let mark = target.firstIndex(of: "?") else { return [:] }
            let pairs = target[target.index(after: mark)...].split(separator: "&").map { pair in
                let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                return (ObjectStorageSignature.decode(halves[0]), halves.count > 1 ? ObjectStorageSignature.decode(halves[1]) : "")
            }
            return Dictionary(uniqueKeysWithValues: pairs)
        }
    }

    struct Object: Sendable, Equatable {
        var bytes: [UInt8]
        var meta: String?
        var etag: String
        var checksum: String?
        var version: Int
    }

    struct State {
        /// The newest of each key last.
        var objects: [String: [Object]] = [:]
        var uploads: [String: (key: String, meta: String?, parts: [Int: [UInt8]])] = [:]
        var nextNumber = 1
        var requests: [Request] = []
        var faults: [(method: String, target: String, fault: Fault)] = []
        var knowsConditions = true
        var knowsChecksums = true
        /// As Ceph 16 does it on writes.
        var comparesQuotes = false
        /// As Ceph 16 does it in buckets that keep versions.
        var refusesMatches = false
        var keepsVersions = false
    }

    static let bucket = "testbucket"
    static let accessKey = "AKSTUB"
    static let secret = "se/cr+et:KEY"

    let state = Mutex(State())
    private let listener = LoopbackListener()
    private let stopped = Atomic(false)
    var url: String { listener.url }

    init() { listener.start(atOnce: true) { [self] in serve($0) } }

    func stop() {
        stopped.store(true, ordering: .sequentiallyConsistent)
        listener.stop()
    }

    /// The next request of this method whose decoded path or raw query holds `target` meets the fault.
    func fail(_ method: String, _ target: String = "", _ fault: Fault, times: Int = 1) {
        state.withLock { state in for _ in 0..<times { state.faults.append((method, target, fault)) } }
    }

    /// Requests since the start, as `METHOD key?query`.
    var asked: [String] {
        state.withLock {
            $0.requests.map { request in
                let query = request.query.keys.sorted().joined(separator: "&")
                return request.method + " " + request.path.dropFirst(Self.bucket.count + 2) + (query.isEmpty ? "" : "?" + query)
            }
        }
    }

    func object(_ key: String) -> Object? { state.withLock { $0.objects[key]?.last } }

    func store(_ key: String, _ bytes: [UInt8], meta: String? = nil) { state.withLock { _ = $0.put(key, bytes, meta: meta, parts: nil) } }

    // MARK: Connections

    private func serve(_ connection: LoopbackConnection) {
        var pending: [UInt8] = []
        while let head = readHead(connection, &pending) {
            var request = head
            let fault = state.withLock { state -> Fault? in
                let index = state.faults.firstIndex {
                    $0.method == head.method && (head.path.contains($0.target) || head.target.contains($0.target) || $0.target.isEmpty)
                }
                return index.map { state.faults.remove(at: $0).fault }
            }
            let length = head.headers["content-length"].flatMap { Int($0) } ?? 0
            if length > 0, head.headers["expect"] != nil { connection.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
            if case .reset = fault {
                _ = readBody(connection, &pending, length / 2)
                connection.resetAtEnd()
                return
            }
            guard let body = readBody(connection, &pending, length) else { return }
            request.body = body
            state.withLock { $0.requests.append(request) }
            guard respond(connection, request, fault) else { return }
        }
    }

    /// False when the connection is to be closed.
    private func respond(_ connection: LoopbackConnection, _ request: Request, _ fault: Fault?) -> Bool {
        switch fault {
        case .answer(let status, let code, let headers):
            let body = "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>told to</Message><RequestId>r1</RequestId></Error>"
            connection.send(Answer(status, headers: headers, body: Array(body.utf8)).encoded(request))
        case .truncated:
            connection.send(answer(request).encoded(request).dropLast(7))
            return false
        case .answerLost:
            _ = answer(request)
            return false
        case .silence(let act):
            act()
            while !stopped.load(ordering: .relaxed) { usleep(5000) }
            return false
        case .damaged:
            var damaged = request
            damaged.body[damaged.body.count / 2] ^= 1
            connection.send(answer(damaged, checksHash: false).encoded(request))
        case .rangeIgnored:
            var whole = request
            whole.headers["range"] = nil
            connection.send(answer(whole).encoded(request))
        case .errorInSuccess:
            let body = Array("<Error><Code>InternalError</Code><Message>told to</Message></Error>".utf8)
            connection.send(Answer(200, body: body).encoded(request))
        case .then(let act):
            act()
            connection.send(answer(request).encoded(request))
        case .reset, nil: connection.send(answer(request).encoded(request))
        }
        return true
    }

    private func readHead(_ connection: LoopbackConnection, _ pending: inout [UInt8]) -> Request? {
        let end = Array("\r\n\r\n".utf8)
        var from = 0
        while true {
            if let index = pending.indices.dropFirst(from).dropLast(3).first(where: { pending[$0..<$0 + 4].elementsEqual(end) }) {
                let lines = String(decoding: pending[..<index], as: UTF8.self).components(separatedBy: "\r\n")
                pending.removeFirst(index + 4)
                let first = lines[0].split(separator: " ")
                let pairs = lines.dropFirst().map { line -> (String, String) in
                    let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                    return (parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces))
                }
                return Request(
                    method: String(first[0]), target: String(first[1]), headers: Dictionary(pairs) { $0 + "," + $1 }, body: [])
            }
            from = max(0, pending.count - 3)
            guard connection.receive(into: &pending) else { return nil }
        }
    }

    private func readBody(_ connection: LoopbackConnection, _ pending: inout [UInt8], _ count: Int) -> [UInt8]? {
        while pending.count < count { guard connection.receive(into: &pending) else { return nil } }
        defer { pending.removeFirst(count) }
        return Array(pending[..<count])
    }
}
