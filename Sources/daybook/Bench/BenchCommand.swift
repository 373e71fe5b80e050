import ArgumentParser
import Foundation

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a server on this machine: intake, what it costs, and lookups.",
        discussion: """
            Without --url it starts a server of its own on a temporary folder, so that processor time, memory and disk can be \
            told an event. The events are made before the measured part, in the shape that producers write; --seed makes them \
            the same again.

            Examples:
              daybook bench
              daybook bench --batch 1 --connections 64 --events 200000
              daybook bench --rate 150000 --duration 60
              daybook bench --scale --sizes 1000000,10000000
            """)

    @Option(help: ArgumentHelp("Load this server instead of an own one.", valueName: "address")) var url: String?
    @Option(help: ArgumentHelp("Its API key (or DAYBOOK_KEY).", valueName: "key")) var key: String?
    @Option(help: ArgumentHelp("NDJSON file to send instead of generated events.", valueName: "file")) var file: String?
    @Option(help: "Seed of the generated events.") var seed: UInt64 = 42
    @Option(help: "Events in one request.") var batch = 1000
    @Option(help: "Connections, each with one request under way.") var connections = 4
    @Option(help: ArgumentHelp("Events a second; 0 for as fast as answers come.", valueName: "events")) var rate = 0
    @Option(help: ArgumentHelp("End the load after this time.", valueName: "seconds")) var duration: Double?
    @Option(help: "Events to send (default: 1000000, or the whole file).") var events: Int?
    @Flag(help: "Repeat with growing numbers of events and show the figures side by side.") var scale = false
    @Option(help: ArgumentHelp("The numbers of events for --scale.", valueName: "list")) var sizes = "1000000,10000000"
    @Option(help: ArgumentHelp("Where the temporary folder is made: on the disk that is to be measured.", valueName: "dir")) var folder =
        "/var/tmp"
    @Option(help: ArgumentHelp("Pipelines of the own server (default: ./Pipelines).", valueName: "dir")) var pipelines: String?
    @Flag(help: "Without the lookups.") var noLookups = false
    @Flag(help: "Keep the temporary folder.") var keep = false
    @Flag(help: "Figures as JSON, one object a run.") var json = false

    func validate() throws {
        guard batch > 0, connections > 0, connections <= 4096, rate >= 0 else {
            throw ValidationError("--batch and --connections must be positive (at most 4096 connections), --rate not negative.")
        }
        guard !scale || url == nil else { throw ValidationError("--scale measures a server of its own; leave --url out.") }
        guard !scale || file == nil else { throw ValidationError("--scale generates its events; leave --file out.") }
    }

    func run() async throws {
        let sizes = scale ? self.sizes.split(separator: ",").compactMap { Int($0) } : [events ?? (file == nil ? 1_000_000 : .max)]
        guard !sizes.isEmpty, sizes.allSatisfy({ $0 > 0 }) else { throw ValidationError("--sizes takes numbers with commas between them.") }
        var reports: [BenchReport] = []
        for size in sizes {
            let report = try measure(size)
            for line in json ? [try report.json()] : report.lines() + [""] { StandardOutput.line(line) }
            reports.append(report)
        }
        if scale, !json { for line in BenchReport.sideBySide(reports) { StandardOutput.line(line) } }
    }

    private func measure(_ size: Int) throws -> BenchReport {
        let work = folder + "/daybook-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        defer { if keep { StandardError.line("kept \(work)") } else { try? FileManager.default.removeItem(atPath: work) } }
        let events =
            try file.map { try EventFile(path: $0) } ?? EventFile.generate(count: size, seed: seed, path: work + "/events.ndjson")
        let run = BenchRun(command: self, events: events, size: size)
        return try url.map { try run.measureForeign(url: $0) } ?? run.measureOwn(data: work + "/data")
    }
}
