import AccessControl
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Hummingbird's HTTP/1 channel with an ``IngestHandler`` in front: small bodies of events are answered by it, and
/// everything else by Hummingbird.
///
/// The handler stands before the conversion to HTTPTypes, which for a request of one event cost as much as splitting and
/// normalising it. It also ends idle connections, because Hummingbird does not see the requests that it answers.
public struct CollectorChannel: ServerChildChannel {
    /// What the `Server` header of every answer says.
    public static let serverName = "daybook"

    private let http1: HTTP1Channel
    let configuration: IngestHandler.Configuration

    /// - Parameters:
    ///   - responder: Hummingbird's, for what is passed on.
    ///   - table: paths it has a POST for are left to it, but for `/v1/events`.
    ///   - idleTimeout: how long a connection may be silent while no request of it is worked on.
    public init(
        responder: @escaping HTTPChannelHandler.Responder, ingest: Ingest, keys: AccessKeys, table: EndpointTable, idleTimeout: TimeAmount
    ) {
        http1 = HTTP1Channel(responder: responder)
        configuration = IngestHandler.Configuration(
            ingest: ingest, keys: keys, table: table, idleTimeout: idleTimeout)
    }

    public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http1.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
            let encoder = try pipeline.context(handlerType: HTTPResponseEncoder.self)
            try pipeline.addHandler(IngestHandler(configuration, encoder: encoder), position: .before(codec))
            return value
        }
    }

    public func handle(value: HTTP1Channel.Value, logger: Logger) async { await http1.handle(value: value, logger: logger) }
}
