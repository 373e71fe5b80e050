import ArgumentParser
import DaybookClient

struct ArchiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Sealed days: list them, seal one now, take the newest checkpoint.",
        discussion: """
            Each day that is over becomes one gzip file a tenant, with a manifest and a signed checkpoint, some minutes after midnight UTC.

            Examples:
              daybook archive list --tenant acme --from 2026-11-01
              daybook archive seal 2026-11-20
              daybook archive checkpoint acme > acme.checkpoint
            """,
        subcommands: [ArchiveListCommand.self, ArchiveSealCommand.self, ArchiveCheckpointCommand.self, ArchiveObjects.self],
        defaultSubcommand: ArchiveListCommand.self)
}
