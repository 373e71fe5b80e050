import ArgumentParser
import DaybookServer

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the server until it is told to stop.",
        discussion: """
            With nothing configured it listens on 127.0.0.1:7320, makes its data folder and an admin key, prints the key once and \
            keeps it in DIR/admin.key for the other commands. Settings come from the command line, then DAYBOOK_… variables, \
            then the configuration file. SIGHUP reads the pipelines again; SIGTERM ends within ten seconds.

            Example:
              daybook serve --data /var/lib/daybook --listen 127.0.0.1:7320
            """)

    @Option(help: ArgumentHelp("Data folder (default: ./data).", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("Address and port to listen on; port 0 takes a free one (default: 127.0.0.1:7320).", valueName: "host:port"))
    var listen: String?

    @Option(help: ArgumentHelp("Configuration file; Config/daybook.yaml lists every setting.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Folder of pipeline definitions (default: ./Pipelines).", valueName: "dir"))
    var pipelines: String?

    @Flag(help: "Write lively sample traffic of all four kinds into this server.")
    var demo = false

    func run() async throws {
        try await Daybook.serve(ServeOptions(data: data, listen: listen, config: config, pipelines: pipelines, demo: demo))
    }
}
