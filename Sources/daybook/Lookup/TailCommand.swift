import ArgumentParser
import DaybookClient
import EventModel
import Synchronization

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Watch events as they are stored.",
        discussion: """
            Goes on by itself after a lost connection or a restart of the server, from the place the stream had reached: nothing \
            is missed and nothing comes twice. Of days that left the store only their number is told: daybook search finds \
            them in the archives.

            Examples:
              daybook tail --kind access --outcome failure
              daybook tail --tenant acme --json | jq .summary
            """)

    @OptionGroup var filters: FilterOptions
    @OptionGroup var server: ServerOptions

    @Option(
        name: .customLong("after"),
        help: ArgumentHelp("Go on after this id of the stream; start: from the first event of the store.", valueName: "id"))
    var lastEventID: String?
    @Flag(help: "One canonical event a line, also on a terminal.") var json = false

    /// What the stream has brought so far; its reader runs on the client's own thread.
    final class Progress: Sendable {
        struct State {
            var lastEventID: String?
            var table = EventTable()
            var arrived = 0
        }
        let state: Mutex<State>

        init(lastEventID: String?) { state = Mutex(State(lastEventID: lastEventID)) }
    }

    func run() async throws {
        let client = try server.lookupClient()
        let progress = Progress(lastEventID: lastEventID)
        var wasConnected = false
        var idleAttempts = 0
        while true {
            let before = progress.state.withLock { $0.arrived }
            let failure = await readStream(client, progress)
            if let failure, Self.isFinal(failure, wasConnected: wasConnected) { throw CommandFailure(failure, options: server) }
            wasConnected = true
            idleAttempts = progress.state.withLock { $0.arrived } > before ? 0 : idleAttempts + 1
            try await Task.sleep(for: .milliseconds(min(10_000, 250 << min(idleAttempts, 6))))
        }
    }

    /// Shows events until the stream ends, as it does when the server stops, or breaks.
    private func readStream(_ client: DaybookClient, _ progress: Progress) async -> DaybookError? {
        let asTable = Terminal.outputIsTerminal && !json
        let last = progress.state.withLock { $0.lastEventID }
        do {
            try await client.stream("/v1/events/stream", filters.query(), lastEventID: last) { event in
                progress.state.withLock { Self.show(event, asTable: asTable, &$0) }
                return true
            }
            return nil
        } catch { return error }
    }

    /// Trouble on the way is waited out, but only once it is known that there was a server; a refusal stays one.
    static func isFinal(_ failure: DaybookError, wasConnected: Bool) -> Bool {
        switch failure {
        case .refused(let refusal): refusal.status < 500 && refusal.status != 429
        case .unreachable(_, _, let sent, _): !wasConnected && !sent
        default: true
        }
    }

    private static func gapNote(_ data: [UInt8]) -> String {
        let gap = JSONText(data)
        let count = 1 + (gap?["last_position"]?.integer ?? 0) - (gap?["first_position"]?.integer ?? 0)
        return "\(Numbers.grouped(count)) events (of all tenants) cannot be streamed any more; daybook search --all finds archived ones."
    }

    static func show(_ event: ServerSentEvent, asTable: Bool, _ state: inout Progress.State) {
        if let id = event.id { state.lastEventID = id }
        if event.name == "gap" { return StandardError.line(gapNote(event.data)) }
        guard let value = JSONText(event.data), value["id"] != nil else { return }
        state.arrived += 1
        guard asTable else { return StandardOutput.write(event.data + [UInt8(ascii: "\n")]) }
        for line in state.table.render([value]) { StandardOutput.line(line) }
    }
}
