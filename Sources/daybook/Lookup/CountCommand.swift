import ArgumentParser
import DaybookClient

struct CountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "count",
        abstract: "Count events, in all or by kind, day and other fields.",
        discussion: """
            Examples:
              daybook count --by kind,day --from -30d
              daybook count --kind access --outcome failure --by tenant --json
            """)

    @OptionGroup var filters: FilterOptions
    @OptionGroup var server: ServerOptions

    @Option(help: ArgumentHelp("Fields to count by, with commas: kind, action, outcome, tenant, day, hour, type.", valueName: "fields"))
    var by: String?

    @Flag(help: "The server's answer as JSON.") var json = false

    func run() async throws {
        let client = try server.lookupClient()
        try await server.explaining {
            let answer = try await client.get("/v1/counts", filters.query() + (by.map { [("by", $0)] } ?? []))
            if json || !Terminal.outputIsTerminal { return StandardOutput.write(answer.body + [UInt8(ascii: "\n")]) }
            guard let body = JSONText(answer.body), let rows = body["counts"]?.elements else {
                throw DaybookError.unreadable(url: answer.url, reason: "its answer holds no counts")
            }
            for line in Self.render(rows, by: by?.split(separator: ",").map(String.init) ?? []) { StandardOutput.line(line) }
            if body["rows_cut"] != nil { StandardError.line("There are more rows than the server answers at once; narrow the question.") }
        }
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
