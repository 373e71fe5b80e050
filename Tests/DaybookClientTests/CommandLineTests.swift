import EventModel
import Foundation
import Testing

@testable import DaybookClient
@testable import daybook

@Suite("Command line")
struct CommandLineTests {
    let now = Timestamp("2026-11-20T12:00:00Z")!

    @Test(
        "times are taken as RFC 3339, as dates and as ages",
        arguments: [
            ("2026-11-20T13:00:00+01:00", "2026-11-20T12:00:00.000Z"), ("2026-11-19", "2026-11-19"), ("-2h", "2026-11-20T10:00:00.000Z"),
            ("-30d", "2026-10-21T12:00:00.000Z"), ("-15m", "2026-11-20T11:45:00.000Z"), ("-1w", "2026-11-13T12:00:00.000Z"),
            ("-90s", "2026-11-20T11:58:30.000Z"), ("now", "2026-11-20T12:00:00.000Z"), ("-999999w", "0001-01-01T00:00:00.000Z"),
        ])
    func times(argument: String, text: String) {
        #expect(TimeArgument(argument: argument)?.text(now: now) == text)
    }

    @Test(
        "what is no time is refused",
        arguments: ["", "-", "-h", "2h", "-2x", "--2h", "yesterday", "2026-13-01", "2026-02-30", "2026-11-20T12:00:00"])
    func noTimes(argument: String) {
        #expect(TimeArgument(argument: argument) == nil)
    }

    @Test("filters become the query, each value of its own")
    func filters() throws {
        let command = try SearchCommand.parse([
            "refund", "password reset", "--kind", "access", "--kind", "activity", "--from", "-2h", "--to", "2026-11-20", "--actor", "a@b",
        ])
        let query = command.filters.query(now: now).map { "\($0.0)=\($0.1)" }
        #expect(
            query == [
                "kind=access", "kind=activity", "actor=a@b", "from=2026-11-20T10:00:00.000Z", "to=2026-11-20",
                "q=refund \"password reset\"",
            ])
    }

    @Test("a limit outside 1 to 1000 is refused", arguments: ["0", "1001", "many"])
    func limit(text: String) {
        #expect(throws: (any Error).self) { try SearchCommand.parse(["--limit", text]) }
    }

    @Test("--data finds address and key of a server on this machine")
    func data() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/daybook-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "http://127.0.0.1:4711\n".write(toFile: folder + "/address", atomically: true, encoding: .utf8)
        #expect(throws: CommandFailure.self) { try ServerOptions.parse(["--data", folder, "--url", "http://x"]).resolve() }
        try "key-1\n".write(toFile: folder + "/admin.key", atomically: true, encoding: .utf8)
        let found = try ServerOptions.parse(["--data", folder]).resolve()
        #expect(found.url == "http://127.0.0.1:4711" && found.key == "key-1")
        let typed = try ServerOptions.parse(["--data", folder, "--url", "http://x", "--key", "k"]).resolve()
        #expect(typed.url == "http://x" && typed.key == "k")
    }

    @Test("a folder's key goes only to the server of that folder")
    func foreignServer() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/daybook-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "key-1\n".write(toFile: folder + "/admin.key", atomically: true, encoding: .utf8)
        #expect(throws: CommandFailure.self) { try ServerOptions.parse(["--data", folder]).resolve([:]) }
        try "http://127.0.0.1:4711\n".write(toFile: folder + "/address", atomically: true, encoding: .utf8)
        for own in ["http://127.0.0.1:4711", "http://127.0.0.1:4711/", "http://localhost:4711"] {
            #expect(try ServerOptions.parse(["--data", folder, "--url", own]).resolve([:]).key == "key-1")
        }
        for foreign in ["http://127.0.0.1:4712", "https://127.0.0.1:4711", "http://daybook.example.com:4711"] {
            let options = try ServerOptions.parse(["--data", folder, "--url", foreign])
            #expect { try options.resolve([:]) } throws: { "\($0)".contains("only to the server of that folder") }
            #expect(try options.resolve(["DAYBOOK_KEY": "k"]).key == "k")
        }
        let variables = ["DAYBOOK_DATA": folder, "DAYBOOK_URL": "http://daybook.example.com"]
        #expect(throws: CommandFailure.self) { try ServerOptions.parse([]).resolve(variables) }
        #expect(try ServerOptions.parse([]).resolve(["DAYBOOK_DATA": folder, "DAYBOOK_URL": ""]).key == "key-1")
    }

    @Test("fields to count by may have spaces between them, none comes twice")
    func countFields() throws {
        #expect(try CountCommand.parse(["--by", "kind, day"]).fields == ["kind", "day"])
        #expect(throws: (any Error).self) { try CountCommand.parse(["--by", "kind,day, kind"]) }
        #expect(throws: (any Error).self) { try CountCommand.parse(["--by", "kind,"]) }
    }

    @Test("a limit of dead letters outside 1 to 1000 is refused", arguments: ["0", "1001"])
    func letterLimit(text: String) {
        #expect(throws: (any Error).self) { try DeadLetterCommand.List.parse(["--limit", text]) }
    }

    @Test("tail goes on from the stream's opening, also when no event came")
    func tailOpening() {
        var state = TailCommand.Progress.State()
        TailCommand.show(ServerSentEvent(id: "start", data: []), asTable: true, &state)
        #expect(state.lastEventID == "start" && state.arrived == 0)
    }

    @Test("every command's help has an example")
    func help() {
        for name in ["serve", "send", "search", "tail", "count", "deadletter", "retrieve", "pipeline", "bench"] {
            let command = DaybookCommand.configuration.subcommands.first { $0.configuration.commandName == name }
            #expect(command?.configuration.discussion.contains("daybook \(name)") == true, "\(name)")
        }
    }

    @Test("failures say what to do next")
    func advice() throws {
        let options = try ServerOptions.parse(["--data", "/srv/daybook"])
        let unreachable = DaybookError.unreachable(url: "http://x", reason: "refused", sent: false, attempts: 1)
        #expect(CommandFailure(unreachable, options: options).description.contains("daybook serve --data /srv/daybook"))
    }

    @Test("tail waits out trouble once there was a server, and never a refusal")
    func tail() {
        let lost = DaybookError.unreachable(url: "u", reason: "r", sent: true, attempts: 1)
        let absent = DaybookError.unreachable(url: "u", reason: "r", sent: false, attempts: 1)
        #expect(!TailCommand.isFinal(lost, wasConnected: false) && !TailCommand.isFinal(absent, wasConnected: true))
        #expect(TailCommand.isFinal(absent, wasConnected: false))
        #expect(TailCommand.isFinal(.unreadable(url: "u", reason: "r"), wasConnected: true))
    }

    @Test("a count that is short says so wherever it goes, what it cost only on a terminal")
    func shortCount() throws {
        let short = JSONText(Array(#"{"counts":[],"scanned":{"archives":2,"archive_bytes":500,"damaged_blocks":1200}}"#.utf8))
        let note = try #require(CountCommand.note(short, isShown: false))
        #expect(note.hasPrefix("1,200 blocks could not be read; their events are missing") && !note.contains("archived"))
        let shown = try #require(CountCommand.note(short, isShown: true))
        #expect(shown.contains("2 archived files") && shown.hasSuffix(note))
        let whole = JSONText(Array(#"{"counts":[],"scanned":{"archives":2,"archive_bytes":500}}"#.utf8))
        #expect(CountCommand.note(whole, isShown: false) == nil && CountCommand.note(whole, isShown: true)?.contains("2 archived") == true)
        #expect(CountCommand.note(nil, isShown: true) == nil)
    }
}
