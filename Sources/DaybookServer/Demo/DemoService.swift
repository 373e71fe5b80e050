import Collectors
import EventModel
import Journal
import ServiceLifecycle

/// `--demo`: writes what a small product's producers would, through the same way in as everybody, so that every lookup
/// has something to show. An empty server first gets some days of history.
struct DemoService: Service {
    let ingest: Ingest
    let journal: Journal

    private static let historyDays = 3
    private static let historyEvents = 3000
    /// About ten events a second, uneven like people.
    private static let pause: Duration = .milliseconds(400)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var traffic = DemoTraffic(seed: UInt64(Timestamp.wallClock().milliseconds))
            if journal.endPosition == 0 { await writeHistory(&traffic) }
            while (try? await Task.sleep(for: Self.pause)) != nil {
                let now = Timestamp.wallClock()
                await send((0..<traffic.burst()).flatMap { _ in traffic.events(at: now) })
            }
        }
    }

    private func writeHistory(_ traffic: inout DemoTraffic) async {
        let now = Timestamp.wallClock().milliseconds
        let span = Int64(Self.historyDays) * 86_400_000
        var events: [String] = []
        for index in 0..<Self.historyEvents {
            let time = now - span + span * Int64(index) / Int64(Self.historyEvents)
            events += traffic.events(at: Timestamp(milliseconds: time))
        }
        await send(events)
    }

    private func send(_ events: [String]) async {
        guard !events.isEmpty else { return }
        _ = await ingest.take(Array(events.joined(separator: "\n").utf8), IngestRequest(shape: .lines, origin: "demo"))
    }
}
