import Archive
import ArgumentParser
import DaybookServer
import Foundation

/// `daybook archive objects …`: the object storage that sealed days are copied to.
struct ArchiveObjects: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "objects",
        abstract: "Try the object storage that sealed days are copied to.",
        subcommands: [Check.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try the configured bucket with all that the archive will ask of it; no server is needed.",
            discussion: """
                Stores, reads, lists, replaces and removes test objects below PREFIX/_check-…, one of them in parts, and says \
                what the service can do. Nothing else in the bucket is touched. Ends with code 1 when something fails that \
                the archive needs.

                Settings come from DAYBOOK_ARCHIVE_OBJECTS_… in the environment, then the configuration file; the keys also \
                from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

                Example:
                  daybook archive objects check --config /etc/daybook.yaml
                """)

        @Option(help: ArgumentHelp("Configuration file (default: Config/daybook.yaml).", valueName: "file")) var config: String?
        @Option(help: ArgumentHelp("Size in MiB of the test object that is sent in parts.", valueName: "mib")) var size = 20
        @Flag(help: "One JSON object a step, for scripts.") var json = false

        func validate() throws {
            guard (6...10_240).contains(size) else { throw ValidationError("--size must lie between 6 and 10240.") }
        }

        func run() async throws {
            var settings: ObjectStorageSettings
            do { settings = try Settings.readObjects(config: config, environment: ProcessInfo.processInfo.environment) } catch {
                throw CommandFailure("\(error)", advice: "Config/daybook.yaml lists the settings under archive.objects.")
            }
            // Small, so that the test object has several parts without being large.
            settings.partBytes = 5 << 20
            let storage = ObjectStorage(settings)
            if !json { StandardOutput.line("\(settings.endpoint), bucket \(settings.bucket), prefix \"\(settings.prefix)\"") }
            let (json, bytes) = (json, size << 20)
            // Blocks for as long as the network takes, so not on a thread that tasks share.
            let works = await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    continuation.resume(
                        returning: ServiceCheck.run(storage, multipartBytes: bytes) {
                            StandardOutput.line(json ? Self.encoded($0) : Self.line($0))
                        })
                }
            }
            if !works { throw ExitCode(1) }
        }

        static func line(_ step: ServiceCheck.Step) -> String {
            let name = step.name.padding(toLength: 21, withPad: " ", startingAt: 0)
            let (word, detail) = words(step)
            return "\(word.padding(toLength: 8, withPad: " ", startingAt: 0)) \(name) \(TextWidth.harmless(detail))"
        }

        static func encoded(_ step: ServiceCheck.Step) -> String {
            let (word, detail) = words(step)
            let members = ["step": step.name, "outcome": word, "detail": detail]
            let data = try? JSONSerialization.data(withJSONObject: members, options: [.sortedKeys, .withoutEscapingSlashes])
            return data.map { String(decoding: $0, as: UTF8.self) } ?? ""
        }

        private static func words(_ step: ServiceCheck.Step) -> (String, String) {
            switch step.outcome {
            case .works(let detail): ("works", detail)
            case .missing(let detail): ("missing", detail)
            case .fails(let detail): ("fails", detail)
            }
        }
    }
}
