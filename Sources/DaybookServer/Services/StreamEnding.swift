import QueryAPI
import ServiceLifecycle

/// Ends the event streams when the server stops; it would wait for them for ever.
struct StreamEnding: Service {
    let live: LiveTail

    func run() async throws {
        try? await gracefulShutdown()
        live.close()
    }
}
