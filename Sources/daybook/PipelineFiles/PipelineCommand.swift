import ArgumentParser
import EventModel
import Foundation
import Pipelines

struct PipelineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline",
        abstract: "Check, test and explain pipeline definitions; no server is needed.",
        discussion: """
            Examples:
              daybook pipeline validate Pipelines/*.yaml
              daybook pipeline test Pipelines/access.yaml
              head -1 events.ndjson | daybook pipeline explain Pipelines/access.yaml
            """,
        subcommands: [Validate.self, Test.self, Explain.self])

    static func load(_ file: String) throws -> Pipeline {
        do { return try Pipeline.load(file: file) } catch { throw CommandFailure(String(describing: error)) }
    }

    struct Validate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether definitions can be loaded, and if not, which line and key is wrong.",
            discussion: "Example:\n  daybook pipeline validate Pipelines/*.yaml")

        @Argument(help: ArgumentHelp("Definitions.", valueName: "file")) var files: [String]

        func run() async throws {
            var failed = false
            for file in files {
                do {
                    let pipeline = try PipelineCommand.load(file)
                    StandardOutput.line("\(file): \(pipeline.name) is valid")
                } catch let failure as CommandFailure {
                    StandardError.line(failure.description)
                    failed = true
                }
            }
            if failed { throw ExitCode(1) }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run the tests that definitions carry under `tests:`.",
            discussion: "Example:\n  daybook pipeline test Pipelines/*.yaml")

        @Argument(help: ArgumentHelp("Definitions.", valueName: "file")) var files: [String]

        func run() async throws {
            var failures = 0
            var count = 0
            for file in files {
                for result in try PipelineCommand.load(file).runTests() {
                    count += 1
                    if result.passed { continue }
                    failures += 1
                    StandardError.line("\(file):\(result.line): \(result.name)\n\(result.difference ?? "failed")")
                }
            }
            StandardOutput.line("\(count) tests, \(failures) failed")
            if failures > 0 { throw ExitCode(1) }
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what each step of a definition does to one input.",
            discussion: "Example:\n  head -1 events.ndjson | daybook pipeline explain Pipelines/access.yaml")

        @Argument(help: ArgumentHelp("Definition.", valueName: "file")) var file: String
        @Argument(help: ArgumentHelp("File with one input; - for standard input.", valueName: "input")) var input = "-"
        @Option(help: "Tenant of an input that names none.") var tenant: String?

        func run() async throws {
            let pipeline = try PipelineCommand.load(file)
            let handle = input == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: input)
            guard let handle else { throw CommandFailure("Cannot read \(input).") }
            var bytes = Array(try handle.readToEnd() ?? Data())
            while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
            let explanation = pipeline.explain(bytes, received: .now, tenant: tenant)
            for step in explanation.steps {
                StandardOutput.line(step.line > 0 ? "\(file):\(step.line)  \(step.step)" : "\(step.step), always")
                for effect in step.effect { StandardOutput.line("    " + TextWidth.harmless(effect)) }
            }
            switch explanation.result {
            case .success(let line): StandardOutput.line(line)
            case .failure(let rejection):
                let field = rejection.field.isEmpty ? "" : rejection.field + ": "
                StandardError.line("rejected, \(rejection.code.rawValue): \(field)\(rejection.message)")
                throw ExitCode(1)
            }
        }
    }
}
