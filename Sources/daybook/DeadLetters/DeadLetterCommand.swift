import ArgumentParser
import DaybookClient

struct DeadLetterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deadletter",
        abstract: "Rejected input: look at it, and take it in after its pipeline is mended.",
        discussion: """
            Examples:
              daybook deadletter list
              daybook deadletter replay
            """,
        subcommands: [List.self, Replay.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List rejected input, each with the reason and its raw text.",
            discussion: "Example:\n  daybook deadletter list --all --json > rejected.ndjson")

        @OptionGroup var server: ServerOptions
        @Option(help: "How many at most, 1 to 1000.") var limit = 50
        @Flag(help: "All of them, page after page.") var all = false
        @Flag(help: "One JSON object a line, also on a terminal.") var json = false

        func validate() throws {
            guard (1...1000).contains(limit) else { throw ValidationError("--limit must lie between 1 and 1000; --all follows the pages.") }
        }

        func run() async throws {
            let client = try server.lookupClient()
            try await server.explaining {
                var cursor: String?
                var table = DeadLetterCommand.table()
                repeat {
                    let query = [("limit", String(all ? 1000 : limit))] + (cursor.map { [("cursor", $0)] } ?? [])
                    let answer = try await client.get("/v1/dead-letters", query)
                    guard let page = JSONText(answer.body), let letters = page["dead_letters"]?.elements else {
                        throw DaybookError.unreadable(url: answer.url, reason: "its answer holds no dead letters")
                    }
                    cursor = page["next_cursor"]?.string
                    if json || !Terminal.outputIsTerminal {
                        StandardOutput.write(SearchCommand.lines(letters))
                    } else if letters.isEmpty {
                        StandardError.line("No dead letters.")
                    } else {
                        for line in table.render(letters.map(DeadLetterCommand.row)) { StandardOutput.line(line) }
                    }
                } while all && cursor != nil
            }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send every dead letter through its pipeline again; what is taken now leaves the log.",
            discussion: "Example:\n  daybook deadletter replay")

        @OptionGroup var server: ServerOptions
        @Flag(help: "The server's answer as JSON.") var json = false

        func run() async throws {
            // Replaying a long log is one request; it may take its time.
            var settings = DaybookClient.Settings()
            settings.answerTimeout = .seconds(600)
            let client = try server.client(settings: settings)
            try await server.explaining {
                let answer = try await client.send(HTTPRequest(path: "/v1/dead-letters/replay", body: []))
                guard let counts = JSONText(answer.body), !counts.members.isEmpty else {
                    throw DaybookError.unreadable(url: answer.url, reason: "its answer holds no counts")
                }
                if json { return StandardOutput.write(answer.body + [UInt8(ascii: "\n")]) }
                StandardOutput.line(counts.members.map { "\($0.value.shown) \($0.name.replacing("_", with: " "))" }.joined(separator: ", "))
            }
        }
    }

    static func table() -> Table {
        Table([
            .init(title: "RECEIVED", most: 19, colour: { _ in .dim }),
            .init(title: "PIPELINE", most: 20, from: 70, colour: { _ in .accent }),
            .init(title: "FIELD", most: 24, from: 80), .init(title: "REASON", most: 50, colour: { _ in .bad }),
            .init(title: "RAW", most: .max),
        ])
    }

    static func row(_ letter: JSONText) -> [String] {
        let received = letter["received"]?.string ?? ""
        return [
            String(received.prefix(19)).replacing("T", with: " "), letter["pipeline"]?.shown ?? "", letter["field"]?.shown ?? "",
            (letter["message"] ?? letter["code"])?.shown ?? "", letter["raw"]?.shown ?? "",
        ]
    }
}
