import ServiceLifecycle
import UnixSignals

/// Reads the pipelines again at every SIGHUP.
struct PipelineReloading: Service {
    let server: Server

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { server.reloadPipelines() }
    }
}
