import Archive
import ArgumentParser
import EventModel
import Foundation

struct ProveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Make a proof that one event is in the log, which anyone with the public key can check.",
        discussion: """
            The proof is a small text file (c2sp.org/tlog-proof): the event, its place, the hashes from it to the root, and the
            checkpoint of its day. It is made from the archive's files; no server is asked. `daybook verify` checks it, and so
            does any implementation of RFC 6962.

            Examples:
              daybook prove 019a9f3c-8a00-7abc-8000-00000000002a --data data -o event.tlog-proof
              daybook verify event.tlog-proof --key signing.pub
            """)

    @Argument(help: ArgumentHelp("The event's id.", valueName: "event-id")) var id: String
    @Option(help: ArgumentHelp("Data folder whose archive holds the event (or DAYBOOK_DATA; default: ./data).", valueName: "dir"))
    var data: String?
    @Option(help: ArgumentHelp("Archive folder, where it does not lie in a data folder.", valueName: "dir")) var archive: String?
    @Option(help: "The event's tenant; without it the archives of its day are asked.") var tenant: String?
    @Option(name: [.short, .long], help: ArgumentHelp("File to write; - for standard output.", valueName: "file")) var output = "-"

    func validate() throws {
        if EventID(id) == nil { throw ValidationError("\(id) is no event id: 36 characters such as 019a9f3c-8a00-7abc-8000-00000000002a.") }
        if let tenant, !TenantName.isValid(tenant) { throw ValidationError("\(tenant) cannot be the name of a tenant.") }
    }

    func run() async throws {
        let folder = archive ?? (data ?? ProcessInfo.processInfo.environment["DAYBOOK_DATA"] ?? "data") + "/archive"
        guard FileManager.default.fileExists(atPath: folder) else {
            throw CommandFailure("There is no archive at \(folder).", advice: "--data names a data folder, --archive an archive folder.")
        }
        guard let id = EventID(id) else { return }
        do {
            let proof = try DayProver.proof(of: id, archive: folder, tenant: tenant).encoded()
            if output == "-" {
                StandardOutput.write(proof)
            } else {
                try Data(proof).write(to: URL(fileURLWithPath: output), options: .atomic)
            }
        } catch let error as ProvingError { throw CommandFailure(error.description) }
    }
}
