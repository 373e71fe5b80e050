import AccessControl
import EventModel
import Foundation
import Hummingbird
import HummingbirdCore
import Journal
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

@testable import Collectors
@testable import DaybookServer

/// All rooms behind the real HTTP stack on a port of its own.
final class LiveServer: Sendable {
    let rooms: TestServer
    let port: Int
    let key: String
    let handlers: Handlers
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    convenience init(configure: @escaping @Sendable (inout Settings) -> Void = { _ in }, key: String? = nil, gate: Gate? = nil) async throws
    {
        try await self.init(TestServer(configure: configure), key: key, gate: gate)
    }

    init(_ rooms: TestServer, key: String? = nil, gate: Gate? = nil) async throws {
        self.rooms = rooms
        self.key = try key ?? rooms.key
        if let gate { try rooms.server.journal.attach(gate) }
        let server = rooms.server
        let handlers = Handlers()
        self.handlers = handlers
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: server.responder,
            server: HTTPServerBuilder { WatchedChannel(channel: server.channel(responder: $0), handlers: handlers) },
            configuration: .init(address: .hostname("127.0.0.1", port: 0), serverName: CollectorChannel.serverName),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
        self.group = group
        running = Task { try await group.run() }
        self.port = await ports.first { _ in true } ?? 0
    }

    func connect() throws -> RawConnection { try RawConnection(port: port) }

    func beginStop() async { await group.triggerGracefulShutdown() }

    /// Returns when every connection has ended and every room is closed.
    func stop() async throws {
        await beginStop()
        try await running.value
        await rooms.close()
    }

    /// `POST`, as one text.
    func post(
        _ body: String, path: String = "/v1/events", type: String = "application/x-ndjson", _ fields: [String] = [], chunked: Bool = false
    ) -> String {
        var head = ["POST \(path) HTTP/1.1", "Host: test", "Authorization: Bearer \(key)", "Content-Type: \(type)"] + fields
        head.append(chunked ? "Transfer-Encoding: chunked" : "Content-Length: \(body.utf8.count)")
        let chunk = body.isEmpty ? "" : String(body.utf8.count, radix: 16) + "\r\n\(body)\r\n"
        let content = chunked ? chunk + "0\r\n\r\n" : body
        return head.joined(separator: "\r\n") + "\r\n\r\n" + content
    }

    func get(_ path: String, _ fields: [String] = []) -> String {
        (["GET \(path) HTTP/1.1", "Host: test", "Authorization: Bearer \(key)"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// The handlers of all connections, held weakly.
    final class Handlers: Sendable {
        private struct Box: @unchecked Sendable { weak var handler: AnyObject? }
        private let boxes = Mutex<[Box]>([])

        var made: Int { boxes.withLock { $0.count } }
        var alive: Int { boxes.withLock { $0.count { $0.handler != nil } } }
        func add(_ handler: AnyObject) {
            let box = Box(handler: handler)
            boxes.withLock { $0.append(box) }
        }
    }

    private struct WatchedChannel: ServerChildChannel {
        let channel: CollectorChannel
        let handlers: Handlers

        func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
            self.channel.setup(channel: channel, logger: logger).flatMapThrowing { value in
                handlers.add(try channel.pipeline.syncOperations.handler(type: IngestHandler.self))
                return value
            }
        }

        func handle(value: HTTP1Channel.Value, logger: Logger) async { await channel.handle(value: value, logger: logger) }
    }
}

/// A follower that keeps the journal from committing until it is opened.
///
/// Unchecked: every access to the state happens with `condition` locked.
final class Gate: JournalFollower, @unchecked Sendable {
    let name = "gate"
    let failure: String? = nil
    private let condition = NSCondition()
    private var isOpen = true
    private var position: UInt64 = 0

    var appliedPosition: UInt64 { condition.withLock { position } }

    func shut() { condition.withLock { isOpen = false } }

    func open() {
        condition.withLock {
            isOpen = true
            condition.broadcast()
        }
    }

    func committed(_ batch: CommittedBatch) { condition.withLock { position = batch.endPosition } }
    func waitForRoom() { condition.withLock { while !isOpen { condition.wait() } } }
    var hasRoom: Bool { condition.withLock { isOpen } }
}
