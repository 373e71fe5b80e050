import ArgumentParser
import DaybookClient

struct ArchiveCheckpointCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Print a tenant's newest signed checkpoint.",
        discussion: """
            A checkpoint is a signed note (c2sp.org/tlog-checkpoint) of at most an hour's age: the number of events and the root of the \
            tenant's tree. Kept elsewhere, it shows later whether anything before it was changed: `daybook verify` holds archives against it.

            Example:
              daybook archive checkpoint acme > acme-$(date +%F).checkpoint
            """)

    @OptionGroup var server: ServerOptions
    @Argument(help: "The tenant.") var tenant: String
    @Flag(help: "Origin, size, root, extensions and the note itself as JSON.") var json = false

    func run() async throws {
        let client = try server.lookupClient()
        try await server.explaining {
            let answer = try await client.get("/v1/archives/\(HTTPRequest.encode(tenant))/_checkpoint")
            guard json else { return StandardOutput.write(answer.body) }
            StandardOutput.write(try Self.document(answer.body, url: answer.url))
        }
    }

    /// `{"origin":…,"size":…,"root":…,"extensions":[…],"note":…}`.
    static func document(_ note: [UInt8], url: String) throws -> [UInt8] {
        let text = String(decoding: note, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count > 4, let size = Int(lines[1]), let end = lines.firstIndex(of: ""), end >= 3 else {
            throw DaybookError.unreadable(url: url, reason: "its answer is no checkpoint")
        }
        let extensions = lines[3..<end].map(JSONWriter.quoted).joined(separator: ",")
        let members = [
            ("origin", JSONWriter.quoted(lines[0])), ("size", String(size)), ("root", JSONWriter.quoted(lines[2])),
            ("extensions", "[\(extensions)]"), ("note", JSONWriter.quoted(text)),
        ]
        return Array(("{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}\n").utf8)
    }
}
