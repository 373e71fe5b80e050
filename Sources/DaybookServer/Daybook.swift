import Collectors
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// The server as one call.
public enum Daybook {
    /// Runs until SIGTERM or SIGINT. Throws an error that describes itself where a setting, a pipeline or the data folder
    /// stops the start.
    public static func serve(_ options: ServeOptions) async throws {
        let settings = try Settings.read(options, environment: ProcessInfo.processInfo.environment)
        var logger = Logger(label: "daybook") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = settings.logLevel
        DescriptorLimit.raise(logger)
        let server = try await Server.open(settings, logger: logger)
        do {
            try await run(server)
        } catch {
            await server.close()
            throw error
        }
        await server.close()
    }

    /// Requests under way get this long; closing journal and store must fit into the rest of ten seconds.
    private static let longestGracefulStop: Duration = .seconds(5)

    private static func run(_ server: Server) async throws {
        let application = Application(
            responder: server.responder,
            server: HTTPServerBuilder { server.channel(responder: $0) },
            configuration: .init(
                address: .hostname(server.settings.host, port: server.settings.port), serverName: CollectorChannel.serverName),
            onServerRunning: { announce(server, $0) },
            logger: quiet(server.logger))
        // Stopped from the last to the first: streams end before the server waits for its connections.
        var services: [any Service] = server.tails.map(TailService.init)
        services.append(application)
        services.append(StreamEnding(live: server.live))
        services.append(PipelineReloading(server: server))
        if server.settings.demo { services.append(DemoService(ingest: server.ingest, journal: server.journal)) }
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup, failureTerminationBehavior: .cancelGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(server.logger))
        configuration.maximumGracefulShutdownDuration = longestGracefulStop
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch let error as IOError {
            throw ListenFailure(host: server.settings.host, port: server.settings.port, reason: error)
        }
    }

    /// The libraries' own chatter, one level quieter.
    private static func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return quiet
    }

    private static func announce(_ server: Server, _ channel: any Channel) {
        let port = channel.localAddress?.port ?? server.settings.port
        let host = server.settings.host.contains(":") ? "[\(server.settings.host)]" : server.settings.host
        let url = "http://\(["0.0.0.0", "[::]"].contains(host) ? "127.0.0.1" : host):\(port)"
        do {
            try server.folder.write("address", url + "\n")
        } catch {
            server.logger.warning("data/address was not written; commands on this machine need --url", metadata: ["reason": "\(error)"])
        }
        var lines = [
            "Daybook is listening on \(url)", "  data folder  \(server.folder.path)", "  admin key    \(server.folder.file("admin.key"))",
        ]
        if let key = server.keys.firstKey { lines.append("  new admin key, shown this once: \(key)") }
        if server.settings.demo { lines.append("  demo         writing sample traffic of all four kinds") }
        lines.append("Stop it with Control-C.")
        FileHandle.standardOutput.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    }
}

/// The address cannot be listened on.
struct ListenFailure: Error, CustomStringConvertible {
    var host: String
    var port: Int
    var reason: IOError

    var description: String {
        let address = (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
        let advice =
            switch reason.errnoCode {
            case EADDRINUSE:
                "another process listens there. Stop it, or choose another address with --listen HOST:PORT; port 0 takes a free one"
            case EACCES: "ports below 1024 need a privilege. Choose another with --listen HOST:PORT"
            case EADDRNOTAVAIL: "this machine has no such address. Choose one it has with --listen HOST:PORT"
            default: "\(reason)"
            }
        return "Cannot listen on \(address): \(advice)."
    }
}

extension Server {
    func channel(responder: @escaping HTTPChannelHandler.Responder) -> CollectorChannel {
        CollectorChannel(
            responder: responder, ingest: ingest, keys: keys, table: self.responder, idleTimeout: TimeAmount(settings.idleTimeout))
    }
}

extension TimeAmount {
    init(_ duration: Duration) { self = .milliseconds(duration.components.seconds * 1000) }
}
