import ArgumentParser
import DaybookClient

struct ArchiveSealCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Seal a day that is over, and all days before it, now.",
        discussion: """
            The server seals by itself some minutes after midnight UTC (archive.seal_grace). A day that is not over cannot be sealed. \
            Interrupting this command interrupts nothing: the server goes on, and running it again follows it.

            Example:
              daybook archive seal 2026-11-20
            """)

    @OptionGroup var server: ServerOptions
    @Argument(help: ArgumentHelp("Received-day (UTC), such as 2026-11-20.", valueName: "day")) var day: String
    @Flag(help: "The server's last answer as JSON.") var json = false

    func run() async throws {
        let client = try server.client()
        try await server.explaining {
            var bar: ProgressBar?
            while true {
                let answer = try await client.send(HTTPRequest(path: "/v1/archives/seal", query: [("day", day)], body: []))
                guard let progress = JSONText(answer.body), let state = progress["state"]?.string else {
                    throw DaybookError.unreadable(url: answer.url, reason: "its answer holds no state")
                }
                if state == "sealing" {
                    let current = progress["current"]
                    let count = { (name: String) in current?[name].flatMap { Int($0.shown) } ?? 0 }
                    if bar == nil { bar = ProgressBar("sealing", total: max(1, count("tenants"))) }
                    bar?.update(count("tenants_done"), note: current?["day"]?.string ?? "")
                    continue
                }
                bar?.finish()
                if json { StandardOutput.write(answer.body + [UInt8(ascii: "\n")]) }
                if state == "sealed" {
                    if !json { StandardOutput.line("\(day) is sealed.") }
                    return
                }
                throw Self.failure(day, progress)
            }
        }
    }

    private static func failure(_ day: String, _ answer: JSONText) -> CommandFailure {
        let failures = answer["failures"]?.elements ?? []
        let lines = failures.prefix(10).map { failure in
            let tenant = failure["tenant"]?.string.map { " of tenant \($0)" } ?? ""
            return "  \(failure["day"]?.string ?? "")\(tenant): \(failure["reason"]?.string ?? "")"
        }
        let more = failures.count > 10 ? ["  and \(failures.count - 10) more"] : []
        return CommandFailure(
            ("\(day) is not sealed:" + (lines + more).map { "\n" + $0 }.joined()),
            advice: "What failed is tried again by itself; no event is let go before its day is sealed.")
    }
}
