import Hummingbird
import NIOCore

/// What the endpoints want to know of a connection.
public struct ConnectionContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    public let remote: String

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        remote = source.channel.remoteAddress?.ipAddress ?? "local"
    }
}
