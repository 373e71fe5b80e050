import Foundation
import Testing

@testable import Archive

/// What others make of a file, with their own programs.
@Suite struct FormatReadersTests {
    /// A folder of two tenants and two days as the archive lays it out.
    private func archive() throws -> (folder: FormatFolder, days: [FormatDay], paths: [String]) {
        let folder = try FormatFolder()
        var days: [FormatDay] = []
        var paths: [String] = []
        // One of them with several index members, as a day of some thousand events has.
        let made = [(31 as UInt64, "acme-01", "2026-11-20", 4000), (32, "acme-01", "2026-11-21", 732), (33, "globex", "2026-11-20", 733)]
        for (seed, name, date, events) in made {
            let day = FormatDay(
                seed: seed, events: events, memberBytes: 20_000, tenantName: name, day: date.hasSuffix("20") ? 20_777 : 20_778)
            let path = folder.path + "/tenant=\(name)/day=\(date)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            paths.append(path + "/events.ndjson.gz")
            _ = try day.write(to: paths[paths.count - 1], IndexBounds(runBytes: 200_000, runPairs: 1 << 20, memoryBytes: 1 << 20))
            days.append(day)
        }
        return (folder, days, paths)
    }

    private func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws -> (
        status: Int32, output: [UInt8]
    ) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let output = Array(try pipe.fileHandleForReading.readToEnd() ?? Data())
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    @Test func zcatGivesTheLinesAndGzipFindsNothingWrong() throws {
        let (folder, days, paths) = try archive()
        defer { withExtendedLifetime(folder) {} }
        for (day, path) in zip(days, paths) {
            #expect(try run("zcat", [path]) == (0, day.content))
            #expect(try run("gzip", ["-t", path]).status == 0)
        }
    }

    /// DuckDB's buffer of 32 KiB must hold the footer of the member before, and the whole header.
    @Test func indexMembersFitTheBuffersOfReaders() throws {
        let (folder, _, paths) = try archive()
        defer { withExtendedLifetime(folder) {} }
        var walker = ArchiveWalker(try LocalFile(path: paths[0]))
        var lengths: [Int] = []
        while let step = try walker.next() { if case .index = step.part { lengths.append(step.length) } }
        #expect(lengths.count > 2 && lengths.allSatisfy { 8 + $0 - IndexMember.footer.count < 32 << 10 }, "\(lengths)")
    }

    @Test func pythonGivesTheLines() throws {
        let (folder, days, paths) = try archive()
        defer { withExtendedLifetime(folder) {} }
        let script = "import gzip,sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())"
        for (day, path) in zip(days, paths) { #expect(try run("python3", ["-c", script, path]) == (0, day.content)) }
    }

    static let hasDuckDB: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", "import duckdb"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    /// DuckDB, from PyPI: `pip install --target FOLDER duckdb`, then `PYTHONPATH=FOLDER`.
    @Test(.enabled(if: hasDuckDB, "python3 has no duckdb"))
    func duckDBCountsRowsAndReadsOnlyTheFoldersAskedFor() throws {
        let (folder, days, _) = try archive()
        let script = """
            import duckdb, json, re, sys
            db = duckdb.connect()
            source = f"read_json('{sys.argv[1]}/*/*/events.ndjson.gz', hive_partitioning=true, format='newline_delimited', compression='gzip')"
            one = f"{source} where tenant='acme-01' and day='2026-11-21'"
            plan = "".join(row[1] for row in db.execute(f"explain analyze select count(seq) from {one}").fetchall())
            print(json.dumps({
                "all": db.execute(f"select count(*) from {source}").fetchall()[0][0],
                "one": db.execute(f"select count(*), min(seq), max(seq), count(distinct id) from {one}").fetchall()[0],
                "actors": db.execute(f"select count(distinct actor.id) from {one}").fetchall()[0][0],
                "kinds": dict(db.execute(f"select kind, count(*) from {source} group by kind").fetchall()),
                "files": int(re.search(r"Total Files Read:\\s*(\\d+)", plan).group(1)),
            }, sort_keys=True))
            """
        let (status, output) = try run("python3", ["-c", script, folder.path])
        #expect(status == 0)
        let answer = try JSONDecoder().decode(DuckAnswer.self, from: Data(output))
        let one = days[1].events
        #expect(answer.all == days.reduce(0) { $0 + $1.events.count })
        #expect(answer.one == [one.count, 1, one.count, one.count])
        #expect(answer.actors == Set(one.map(\.actor)).count)
        #expect(answer.kinds == Dictionary(grouping: days.flatMap(\.events), by: \.kind).mapValues(\.count))
        #expect(answer.files == 1)
    }

    private struct DuckAnswer: Decodable {
        var all: Int
        var one: [Int]
        var actors: Int
        var kinds: [String: Int]
        var files: Int
    }
}
