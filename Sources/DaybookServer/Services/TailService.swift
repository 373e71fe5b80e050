import Collectors
import ServiceLifecycle

/// Follows one file until the server stops.
struct TailService: Service {
    let tail: FileTail

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await tail.follow { try await Task.sleep(for: $0) }
        }
    }
}
