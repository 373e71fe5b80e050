import ArgumentParser
import DaybookClient

struct HoldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Legal holds: while one stands, nothing of its days is pruned or erased.",
        discussion: """
            Examples:
              daybook hold place acme --from 2026-01-01 --to 2026-03-31 --reason "case 7" --owner legal@example.com
              daybook hold list
              daybook hold release 3
            """,
        subcommands: [List.self, Place.self, Release.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List holds, released ones too.", discussion: "Example:\n  daybook hold list --json")

        @OptionGroup var server: ServerOptions
        @Option(help: "Only this tenant.") var tenant: String?
        @Flag(help: "The server's answer as JSON.") var json = false

        func run() async throws {
            let client = try server.lookupClient()
            try await server.explaining {
                let query = tenant.map { [("tenant", $0)] } ?? []
                let answer = try await Decision.send(HTTPRequest(path: "/v1/holds", query: query), client)
                if json { return Decision.print(answer) }
                let holds = answer["holds"]?.elements ?? []
                if holds.isEmpty { return StandardOutput.line("No holds.") }
                var table = Table([
                    .init(title: "ID", most: 8, right: true), .init(title: "TENANT", most: 32, colour: { _ in .accent }),
                    .init(title: "FROM", most: 10), .init(title: "TO", most: 10),
                    .init(title: "STATE", most: 20, colour: { $0 == "stands" ? .warning : .dim }),
                    .init(title: "OWNER", most: 30, from: 90),
                    .init(title: "REASON", most: .max),
                ])
                for line in table.render(holds.map(HoldCommand.row)) { StandardOutput.line(line) }
            }
        }
    }

    struct Place: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Place a hold on a tenant's days.",
            discussion: "Without --from or --to that end is open.\n\n"
                + "Example:\n  daybook hold place acme --from 2026-01-01 --reason \"case 7\" --owner legal@example.com")

        @OptionGroup var server: ServerOptions
        @Argument(help: "The tenant.") var tenant: String
        @Option(help: ArgumentHelp("First received-day, such as 2026-01-01.", valueName: "day")) var from: String?
        @Option(help: ArgumentHelp("Last received-day.", valueName: "day")) var to: String?
        @Option(help: "Why.") var reason: String
        @Option(help: "Who answers for it.") var owner: String
        @Flag(help: "The server's answer as JSON.") var json = false

        func run() async throws {
            let client = try server.lookupClient()
            try await server.explaining {
                let body = Decision.body([("tenant", tenant), ("from", from), ("to", to), ("reason", reason), ("owner", owner)])
                let answer = try await Decision.send(HTTPRequest(path: "/v1/holds", body: body), client)
                if json { return Decision.print(answer) }
                StandardOutput.line("Hold \(answer["id"]?.shown ?? "") stands on \(tenant).")
            }
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Release a hold; it stays in the list.", discussion: "Example:\n  daybook hold release 3")

        @OptionGroup var server: ServerOptions
        @Argument(help: "The hold's id.") var id: Int
        @Flag(help: "The server's answer as JSON.") var json = false

        func run() async throws {
            let client = try server.lookupClient()
            try await server.explaining {
                let answer = try await Decision.send(HTTPRequest("DELETE", path: "/v1/holds/\(id)"), client)
                if json { return Decision.print(answer) }
                StandardOutput.line("Hold \(id) on \(answer["tenant"]?.shown ?? "") is released.")
            }
        }
    }

    private static func row(_ hold: JSONText) -> [String] {
        func text(_ name: String, _ otherwise: String) -> String { hold[name]?.string ?? otherwise }
        let released = hold["released"]?.string.map { "released " + $0.prefix(10) }
        return [
            text("id", ""), text("tenant", ""), text("from", "open"), text("to", "open"), released ?? "stands", text("owner", ""),
            text("reason", ""),
        ]
    }
}
