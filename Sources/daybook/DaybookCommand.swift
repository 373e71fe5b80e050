import ArgumentParser

/// The one executable. Each command lies in the folder of its work; this file only lists them.
@main
struct DaybookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daybook",
        abstract: "Takes in what happens in a product, keeps it safe, and finds it again.",
        discussion: """
            Start a server, send it something, find it:
              daybook serve --demo
              daybook send events.ndjson
              daybook search --kind access --outcome failure --from -24h
            """,
        version: "0.1.0",
        subcommands: [
            ServeCommand.self, SendCommand.self, SearchCommand.self, TailCommand.self, CountCommand.self, DeadLetterCommand.self,
            ArchiveCommand.self, RetrieveCommand.self, VerifyCommand.self, ProveCommand.self, RetentionCommand.self, HoldCommand.self,
            EraseCommand.self, PipelineCommand.self, BenchCommand.self,
        ])
}
