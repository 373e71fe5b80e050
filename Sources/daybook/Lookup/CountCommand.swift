import ArgumentParser
import DaybookClient
import Foundation

struct CountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "count",
        abstract: "Count events, in all or by kind, day and other fields.",
        discussion: """
            Examples:
              daybook count --by kind,day --from -30d
              daybook count --kind access --outcome failure --by tenant --json
              daybook count --by webhook,failure_class --from -1d

            Fields to count by: kind, action, outcome, tenant, day, hour, type, severity, area, category, portal, brand, webhook, \
            integration, failure_class. Webhooks and integrations are counted by name, and by id where they have none.
            """)

    @OptionGroup var filters: FilterOptions
    @OptionGroup var server: ServerOptions

    @Option(help: ArgumentHelp("Fields to count by, with commas between them; all are listed above.", valueName: "fields"))
    var by: String?

    @Flag(help: "The server's answer as JSON.") var json = false

    /// `kind, day` as `kind` and `day`.
    var fields: [String] {
        by?.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) } ?? []
    }

    func validate() throws {
        guard !fields.contains("") else { throw ValidationError("--by holds an empty field.") }
        for (index, field) in fields.enumerated() where fields[..<index].contains(field) {
            throw ValidationError("--by names \(field) twice.")
        }
    }

    func run() async throws {
        let client = try server.lookupClient()
        try await server.explaining {
            let answer = try await client.get(
                "/v1/counts", filters.query() + (fields.isEmpty ? [] : [("by", fields.joined(separator: ","))]))
            let body = JSONText(answer.body)
            let isShown = !json && Terminal.outputIsTerminal
            // A count that is short looks like any other, so that is said wherever the count goes.
            defer { if let note = Self.note(body, isShown: isShown) { StandardError.line(note) } }
            guard isShown else { return StandardOutput.write(answer.body + [UInt8(ascii: "\n")]) }
            guard let body, let rows = body["counts"]?.elements else {
                throw DaybookError.unreadable(url: answer.url, reason: "its answer holds no counts")
            }
            for line in Self.render(rows, by: fields) { StandardOutput.line(line) }
            if body["rows_cut"] != nil {
                StandardError.line(
                    "There are more rows than the server answers at once: the newest hours and days are shown; narrow the question.")
            }
        }
    }

    /// What a person is told of the answer besides its rows; `isShown`: on a terminal. `nil` when there is nothing to say.
    static func note(_ answer: JSONText?, isShown: Bool) -> String? {
        var cost = LookupCost()
        cost.add(answer?["scanned"])
        return isShown ? cost.note : cost.damage
    }

    static func render(_ rows: [JSONText], by fields: [String], width: Int = Terminal.width, colours: Bool = Terminal.hasColours)
        -> [String]
    {
        let columns = fields.map { Table.Column(title: $0.uppercased(), most: 40) } + [Table.Column(title: "COUNT", most: 15, right: true)]
        var table = Table(columns, width: width, colours: colours)
        return table.render(
            rows.map { row in
                fields.map { row[$0]?.shown ?? "" } + [Numbers.grouped(row["count"]?.integer ?? 0)]
            })
    }
}
