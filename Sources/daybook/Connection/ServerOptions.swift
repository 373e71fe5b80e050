import ArgumentParser
import DaybookClient
import Foundation

/// Which server to talk to and with which key.
///
/// What was typed wins over the environment, and the environment over what lies in the default data folder. A typed
/// `--data` names one server on this machine, so it also wins over `DAYBOOK_URL` and `DAYBOOK_KEY`. A folder's admin key
/// goes only to the address that stands in the same folder: whoever names another server must name a key for it.
struct ServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Address of the server (or DAYBOOK_URL; default: http://127.0.0.1:7320).", valueName: "address"))
    var url: String?

    @Option(help: ArgumentHelp("API key (or DAYBOOK_KEY).", valueName: "key"))
    var key: String?

    @Option(
        help: ArgumentHelp("Data folder of a server on this machine: finds its address and admin key (default: ./data).", valueName: "dir"))
    var data: String?

    static let defaultURL = "http://127.0.0.1:7320"

    var folder: String { folder(ProcessInfo.processInfo.environment) }

    private func folder(_ environment: [String: String]) -> String { data ?? environment["DAYBOOK_DATA"] ?? "data" }

    func resolve() throws -> (url: String, key: String) {
        try resolve(ProcessInfo.processInfo.environment)
    }

    func resolve(_ environment: [String: String]) throws -> (url: String, key: String) {
        let variables = environment.filter { !$0.value.isEmpty }
        let folder = folder(environment)
        let stored = Self.firstLine(folder + "/address")
        let address = url ?? choose(stored, variables["DAYBOOK_URL"]) ?? Self.defaultURL
        let isOfFolder = stored.map { Self.comparable($0) == Self.comparable(address) } ?? false
        let adminKey = Self.firstLine(folder + "/admin.key")
        if let key = key ?? choose(isOfFolder ? adminKey : nil, variables["DAYBOOK_KEY"]) { return (address, key) }
        let reason =
            adminKey == nil
            ? "there is no \(folder)/admin.key."
            : "the key in \(folder)/admin.key is sent only to the server of that folder, \(stored ?? "which has written no address")."
        throw CommandFailure(
            "No API key for \(address).",
            advice: "Give one with --key or DAYBOOK_KEY. On the server's own machine, --data DIR finds address and admin key; \(reason)")
    }

    /// The same server, whichever way its address is written.
    private static func comparable(_ address: String) -> String {
        var text = address.lowercased()
        while text.hasSuffix("/") { text.removeLast() }
        return text.replacing("//localhost:", with: "//127.0.0.1:")
    }

    func client(settings: DaybookClient.Settings = DaybookClient.Settings()) throws -> DaybookClient {
        let (url, key) = try resolve()
        return try DaybookClient(url: url, key: key, settings: settings)
    }

    /// Lookups are asked again less patiently than events are delivered: a person waits.
    func lookupClient() throws -> DaybookClient {
        var settings = DaybookClient.Settings()
        settings.retries.attempts = 2
        return try client(settings: settings)
    }

    private func choose(_ stored: String?, _ variable: String?) -> String? { data != nil ? stored ?? variable : variable ?? stored }

    static func firstLine(_ path: String) -> String? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        let line = text.prefix { $0 != "\n" && $0 != "\r\n" }.trimmingCharacters(in: .whitespaces)
        return line.isEmpty ? nil : line
    }

    /// Runs `work` and turns the client's errors into what a person can act on.
    func explaining<Result>(_ work: () async throws -> Result) async throws -> Result {
        do { return try await work() } catch let error as DaybookError { throw CommandFailure(error, options: self) }
    }
}
