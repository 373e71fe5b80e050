import ArgumentParser
import DaybookClient

struct RetentionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "How long each tenant's events are kept: show, set, and let go of what waits for a word.",
        discussion: """
            A plan has two durations in days: recent (in the indexed store) and archive (for good, or until then). Past it a day's events \
            file is deleted behind a signed record; manifest and checkpoint stay, so the rest can be verified. More than a few days of a \
            tenant at once wait until somebody confirms them, because a clock that jumped ahead looks just like that.

            Examples:
              daybook retention list
              daybook retention set acme --recent 30d --archive 365d
              daybook retention set acme --archive forever
              daybook retention prune acme --through 2026-01-31
            """,
        subcommands: [List.self, Set.self, Unset.self, Prune.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the plans, and what waits for confirmation.", discussion: "Example:\n  daybook retention list --json")

        @OptionGroup var server: ServerOptions
        @Flag(help: "The server's answer as JSON.") var json = false

        func run() async throws {
            let client = try server.lookupClient()
            try await server.explaining {
                let answer = try await Decision.send(HTTPRequest(path: "/v1/retention"), client)
                if json { return Decision.print(answer) }
                var table = Table([
                    .init(title: "TENANT", most: 32, colour: { _ in .accent }), .init(title: "RECENT", most: 8, right: true),
                    .init(title: "ARCHIVE", most: 8, right: true),
                    .init(title: "WAITING FOR CONFIRMATION", most: 60, colour: { _ in .warning }),
                ])
                var rows = [["(standard)", answer["standard"]?["recent"]?.shown ?? "", answer["standard"]?["archive"]?.shown ?? "", ""]]
                rows += (answer["plans"]?.elements ?? []).map { plan in
                    [
                        plan["tenant"]?.string ?? "", plan["recent"]?.shown ?? "", plan["archive"]?.shown ?? "",
                        RetentionCommand.waiting(plan),
                    ]
                }
                for line in table.render(rows) { StandardOutput.line(line) }
            }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a tenant a plan.", discussion: "Example:\n  daybook retention set acme --recent 30d --archive 365d")

        @OptionGroup var server: ServerOptions
        @Argument(help: "The tenant.") var tenant: String
        @Option(help: "Days in the indexed store, such as 30d.") var recent: String?
        @Option(help: "Days in the archive, such as 365d, or forever.") var archive: String?
        @Option(help: "Why; kept with the change.") var reason: String?
        @Flag(help: "The server's answer as JSON.") var json = false

        func validate() throws {
            guard recent != nil || archive != nil else { throw ValidationError("Give --recent, --archive or both.") }
        }

        func run() async throws {
            let client = try server.lookupClient()
            try await server.explaining {
                let body = Decision.body([("recent", recent), ("archive", archive), ("reason", reason)])
                let request = HTTPRequest("PUT", path: "/v1/retention/\(HTTPRequest.encode(tenant))", body: body)
                let answer = try await Decision.send(request, client)
                if json { return Decision.print(answer) }
                RetentionCommand.say(answer)
            }
        }
    }

    struct Unset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a tenant the standard plan again.", discussion: "Example:\n  daybook retention unset acme")

        @OptionGroup var server: ServerOptions
        @Argument(help: "The tenant.") var tenant: String
        @Flag(help: "The server's answer as JSON.") var json = false

        func run() async throws {
            let client = try server.lookupClient()
            try await server.explaining {
                let answer = try await Decision.send(HTTPRequest("DELETE", path: "/v1/retention/\(HTTPRequest.encode(tenant))"), client)
                if json { return Decision.print(answer) }
                RetentionCommand.say(answer)
            }
        }
    }

    struct Prune: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Confirm that archived days past the plan go, up to a day.",
            discussion: "Days under a legal hold stay.\n\nExample:\n  daybook retention prune acme --through 2026-01-31")

        @OptionGroup var server: ServerOptions
        @Argument(help: "The tenant.") var tenant: String
        @Option(help: ArgumentHelp("The last received-day that may go, such as 2026-01-31.", valueName: "day")) var through: String
        @Option(help: "Why; kept with the change.") var reason: String?
        @Flag(help: "The server's answer as JSON.") var json = false

        func run() async throws {
            var settings = DaybookClient.Settings()
            settings.answerTimeout = .seconds(600)
            let client = try server.client(settings: settings)
            try await server.explaining {
                let body = Decision.body([("tenant", tenant), ("through", through), ("reason", reason)])
                let answer = try await Decision.send(HTTPRequest(path: "/v1/retention/prune", body: body), client)
                if json { return Decision.print(answer) }
                let days = answer["pruned_days"]?.shown ?? "0"
                guard days != "0" else {
                    return StandardOutput.line("Nothing of \(tenant) up to \(through) is past its plan and free to go.")
                }
                let bytes = Numbers.bytes(Int(answer["pruned_bytes"]?.shown ?? "") ?? 0)
                StandardOutput.line(
                    "Pruned \(days) days of \(tenant), \(answer["first_day"]?.shown ?? "") to \(answer["last_day"]?.shown ?? ""): \(bytes)."
                )
            }
        }
    }

    private static func waiting(_ plan: JSONText) -> String {
        guard let waits = plan["waiting_for_confirmation"], !waits.isNull else { return "" }
        return "\(waits["days"]?.shown ?? "") days, \(waits["first_day"]?.shown ?? "") to \(waits["last_day"]?.shown ?? "")"
    }

    private static func say(_ answer: JSONText) {
        let standard = answer["standard"]?.shown == "true" ? " (the standard plan)" : ""
        StandardOutput.line(
            "\(answer["tenant"]?.shown ?? ""): recent \(answer["recent"]?.shown ?? ""), archive \(answer["archive"]?.shown ?? "")\(standard)."
        )
        if let due = answer["due_days"]?.shown, due != "0" { StandardOutput.line("\(due) archived days go with the next pruning.") }
        if let held = answer["held_days"]?.shown, held != "0" {
            StandardOutput.line("\(held) days are past the plan and under a legal hold.")
        }
        let waits = waiting(answer)
        if !waits.isEmpty { StandardOutput.line("Waiting for `daybook retention prune`: \(waits).") }
    }
}
