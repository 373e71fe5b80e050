import ArgumentParser
import DaybookClient
import EventModel

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send events from files.",
        discussion: """
            Takes NDJSON, JSON documents and, with --pipeline, lines of text; - reads standard input. Each slice carries a key made \
            from its content and place in the file: sending the same file again after a break stores nothing twice. Ends with \
            code 1 when an event was rejected; rejected events are kept in the server's dead-letter log.

            Examples:
              daybook send events.ndjson --tenant acme
              daybook send /var/log/auth.log --pipeline sshd
              generate-events | daybook send -
            """)

    @Argument(help: ArgumentHelp("Files to send; - for standard input.", valueName: "file"))
    var files: [String]

    @OptionGroup var server: ServerOptions
    @Option(help: ArgumentHelp("Pipeline to read them with; without it each event's kind chooses.", valueName: "name")) var pipeline:
        String?
    @Option(help: "Tenant of events that name none.") var tenant: String?
    @Flag(help: "The totals and every rejection as JSON lines.") var json = false

    func run() async throws {
        let client = try server.client()
        var total = SendTotals()
        for file in files { try await send(file, client, &total) }
        for line in json ? total.jsonLines() : total.lines(oneFile: files.count == 1) { StandardOutput.line(line) }
        if total.rejectedCount > 0 { throw ExitCode(1) }
    }

    private func send(_ file: String, _ client: DaybookClient, _ total: inout SendTotals) async throws {
        var input = try InputFile(path: file, asText: pipeline != nil)
        var bar = ProgressBar(file, total: input.size)
        defer { bar.finish() }
        while let slice = try input.next() {
            let receipt = try await server.explaining {
                try await client.report(
                    body: slice.bytes, type: slice.type, tenant: tenant, pipeline: pipeline, idempotencyKey: key(of: slice))
            }
            total.add(receipt, file: file, slice: slice)
            bar.update(slice.offset + slice.bytes.count, note: "\(Numbers.grouped(total.accepted)) events")
        }
    }

    /// Tenant and pipeline belong to it: the same bytes read in another way are other events.
    private func key(of slice: InputFile.Slice) -> String {
        let settings = Array("\(tenant ?? "")/\(pipeline ?? "")".utf8)
        let seed = settings.withUnsafeBytes { Hash64.hash($0, seed: UInt64(slice.offset)) }
        let (left, right) = slice.bytes.withUnsafeBytes { (Hash64.hash($0, seed: seed), Hash64.hash($0, seed: ~seed)) }
        return "send-" + String(left, radix: 16) + String(right, radix: 16)
    }
}
