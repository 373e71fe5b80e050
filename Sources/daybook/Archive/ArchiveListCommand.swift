import ArgumentParser
import DaybookClient

struct ArchiveListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List archived days, oldest first: files, sizes, counts, and the roots that their checkpoints sign.",
        discussion: """
            States: sealed (a file with manifest and checkpoint), quiet (nothing was received, manifest and checkpoint alone), \
            pruned (the events were deleted by plan), open (not sealed yet).

            Examples:
              daybook archive list --tenant acme --from 2026-11-01 --to 2026-11-20
              daybook archive list --all --json > archives.ndjson
            """)

    @OptionGroup var server: ServerOptions
    @Option(help: "Only this tenant.") var tenant: String?
    @Option(help: ArgumentHelp("First received-day, such as 2026-11-01.", valueName: "day")) var from: String?
    @Option(help: ArgumentHelp("Last received-day.", valueName: "day")) var to: String?
    @Option(help: "How many at most, 1 to 1000.") var limit = 100
    @Flag(help: "All of them, page after page.") var all = false
    @Flag(help: "One JSON object a line, also on a terminal.") var json = false

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit must lie between 1 and 1000; --all follows the pages.") }
    }

    func run() async throws {
        let client = try server.lookupClient()
        try await server.explaining { try await printPages(client) }
    }

    private func printPages(_ client: DaybookClient) async throws {
        var query = [("limit", String(all ? 1000 : limit))]
        for (name, value) in [("tenant", tenant), ("from", from), ("to", to)] { if let value { query.append((name, value)) } }
        var cursor: String?
        var table = Self.table()
        var open: [JSONText] = []
        var found = 0
        repeat {
            let answer = try await client.get("/v1/archives", query + (cursor.map { [("cursor", $0)] } ?? []))
            guard let page = JSONText(answer.body), let days = page["archives"]?.elements else {
                throw DaybookError.unreadable(url: answer.url, reason: "its answer holds no archives")
            }
            open += page["open"]?.elements ?? []
            cursor = page["next_cursor"]?.string
            found += days.count
            show(days, &table)
        } while all && cursor != nil
        // What is open is newer than all that is sealed.
        if cursor == nil { show(open, &table) }
        guard Terminal.outputIsTerminal, !json else { return }
        if found + open.count == 0 { StandardError.line("No archives.") }
        if cursor != nil { StandardError.line("There are more: --limit takes up to 1000, --all takes everything.") }
    }

    private func show(_ days: [JSONText], _ table: inout Table) {
        if json || !Terminal.outputIsTerminal { return StandardOutput.write(SearchCommand.lines(days)) }
        if days.isEmpty { return }
        for line in table.render(days.map(Self.row)) { StandardOutput.line(line) }
    }

    static func table() -> Table {
        Table([
            .init(title: "DAY", most: 10), .init(title: "TENANT", most: 32, colour: { _ in .accent }),
            .init(title: "STATE", most: 8, colour: { $0 == "sealed" ? .good : $0 == "open" ? .warning : .dim }),
            .init(title: "EVENTS", least: 10, most: 16, right: true), .init(title: "FILE", least: 10, most: 12, right: true),
            .init(title: "TREE", least: 10, most: 16, right: true, from: 90),
            .init(title: "ROOT", most: 44, from: 120, colour: { _ in .dim }),
        ])
    }

    static func row(_ day: JSONText) -> [String] {
        func number(_ name: String) -> String { day[name].flatMap { Int($0.shown) }.map(Numbers.grouped) ?? "" }
        let file = day["file_bytes"].flatMap { Int($0.shown) }.map(Numbers.bytes) ?? ""
        return [
            day["day"]?.string ?? "", day["tenant"]?.string ?? "", day["state"]?.string ?? "", number("events"), file, number("tree_size"),
            day["root"]?.string ?? "",
        ]
    }
}
