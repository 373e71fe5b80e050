import ArgumentParser
import DaybookClient

struct SearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Find events, newest first.",
        discussion: """
            On a terminal the events come as a table; into a pipe or with --json as one canonical event a line. Exit code 3: \
            something could not be read, and its events are missing; standard error says how much.

            Examples:
              daybook search --actor ana@example.com --from -30d
              daybook search --kind webhook_failure --webhook wh_31 timeout
              daybook search changes.role:admin --from 2026-11-01 --to 2026-11-20 --all --json > changes.ndjson
            """)

    @OptionGroup var filters: FilterOptions
    @OptionGroup var server: ServerOptions

    @Option(help: "How many events at most, 1 to 1000.") var limit = 50
    @Option(help: ArgumentHelp("desc (newest first) or asc.", valueName: "order")) var order: Order = .desc
    @Flag(help: "Every event that matches, page after page.") var all = false
    @Flag(help: "One canonical event a line, also on a terminal.") var json = false

    enum Order: String, ExpressibleByArgument, CaseIterable { case desc, asc }

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit must lie between 1 and 1000; --all follows the pages.") }
    }

    func run() async throws {
        let client = try server.lookupClient()
        let cost = try await server.explaining { try await printPages(client) }
        if cost.isIncomplete { throw ExitCode(Self.incomplete) }
    }

    /// As of `daybook verify`: something could not be read.
    private static let incomplete: Int32 = 3

    private func printPages(_ client: DaybookClient) async throws -> LookupCost {
        var table = EventTable()
        var cursor: String?
        var found = 0
        var cost = LookupCost()
        // A page may be short: a search ends it when it has used up what one may read or take, or at so many bytes.
        repeat {
            let query = filters.query() + [("limit", String(all ? 1000 : limit - found)), ("order", order.rawValue)]
            let answer = try await client.get("/v1/events", query + (cursor.map { [("cursor", $0)] } ?? []))
            guard let page = JSONText(answer.body), let events = page["events"]?.elements else {
                throw DaybookError.unreadable(url: answer.url, reason: "its answer holds no events")
            }
            found += events.count
            cursor = page["next_cursor"]?.string
            cost.add(page["scanned"])
            if isPlain {
                StandardOutput.write(Self.lines(events))
            } else if !events.isEmpty {
                for line in table.render(events) { StandardOutput.line(line) }
            }
        } while cursor != nil && (all || found < limit)
        if let note = isPlain ? cost.damage : cost.note { StandardError.line(note) }
        guard !isPlain else { return cost }
        if cursor != nil {
            StandardError.line("There are more: --limit takes up to 1000, --all takes everything.")
        } else if found == 0 {
            StandardError.line("No event matches.")
        }
        return cost
    }

    /// One event a line, for programs.
    private var isPlain: Bool { json || !Terminal.outputIsTerminal }

    static func lines(_ events: [JSONText]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(events.reduce(0) { $0 + $1.bytes.count + 1 })
        for event in events {
            bytes.append(contentsOf: event.bytes)
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}
