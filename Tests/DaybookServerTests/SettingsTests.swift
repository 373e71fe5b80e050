import Foundation
import Testing

@testable import DaybookServer

@Suite struct SettingsTests {
    private func read(_ yaml: String, environment: [String: String] = [:], options: ServeOptions = ServeOptions()) throws -> Settings {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-\(UUID().uuidString).yaml").path
        try yaml.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        var options = options
        options.config = path
        return try Settings.read(options, environment: environment)
    }

    @Test("the command line wins over the environment, the environment over the file")
    func layers() throws {
        let yaml = "listen: 127.0.0.1:1\ndata: file\njournal:\n  segment_bytes: 16MiB\n"
        var settings = try read(yaml)
        #expect(settings.port == 1 && settings.data == "file" && settings.journal.segmentBytes == 16 << 20)
        settings = try read(yaml, environment: ["DAYBOOK_LISTEN": "127.0.0.1:2", "DAYBOOK_JOURNAL_SEGMENT_BYTES": "32 MiB"])
        #expect(settings.port == 2 && settings.journal.segmentBytes == 32 << 20)
        settings = try read(yaml, environment: ["DAYBOOK_LISTEN": "127.0.0.1:2"], options: ServeOptions(data: "line", listen: "[::1]:3"))
        #expect(settings.port == 3 && settings.host == "::1" && settings.data == "line")
    }

    @Test(
        "a wrong or unknown setting stops the start and is named",
        arguments: [
            ("listen: nowhere", "listen"), ("lisen: 127.0.0.1:1", "lisen"), ("journal:\n  segment_bytes: huge", "journal.segment_bytes"),
            ("journal:\n  segment_bytes: 1KiB", "journal.segment_bytes"), ("store:\n  partial_age: soon", "store.partial_age"),
            ("store:\n  colour: red", "store.colour"), ("log:\n  level: loud", "log.level"), ("tail:\n  - pipeline: sshd", "tail.path"),
            ("tail:\n  - path: a\n    form: start", "tail.form"), ("tail: yes", "tail"), ("- a", "config"), ("a: [", "config"),
            ("nope: {}", "nope"), ("log: {nope: {}}", "log.nope"), ("pipelines: /nonexistent", "pipelines"), ("data: /dev/null", "data"),
            ("store:\n  scan_bytes: 16777216TiB", "store.scan_bytes"), ("store:\n  scan_bytes: 9223372036854775807KiB", "store.scan_bytes"),
        ])
    func mistakes(yaml: String, key: String) {
        #expect { try read(yaml) } throws: { ($0 as? SettingsError)?.key == key }
    }

    @Test("an empty section is as good as none, an empty DAYBOOK_CONFIG too")
    func empty() throws {
        #expect(try read("journal: {}\nlog:\n").journal.segmentBytes == read("").journal.segmentBytes)
        #expect(try Settings.read(ServeOptions(), environment: ["DAYBOOK_CONFIG": ""]).port == read("").port)
    }

    @Test("an unknown variable stops the start; those of the client commands do not")
    func variables() throws {
        _ = try read("", environment: ["DAYBOOK_URL": "x", "DAYBOOK_KEY": "y", "PATH": "z"])
        #expect { try read("", environment: ["DAYBOOK_LISEN": "x"]) } throws: { ($0 as? SettingsError)?.key == "DAYBOOK_LISEN" }
    }

    @Test("the shipped file reads as all defaults, and shows every setting with its default")
    func shippedFile() throws {
        let path = URL(fileURLWithPath: TestServer.pipelines).deletingLastPathComponent().appendingPathComponent("Config/daybook.yaml").path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let shipped = try read(text)
        let standard = try read("")
        // The same with every commented default made a setting: nothing is misspelt, nothing is out of date.
        let uncommented = try read(text.replacing(#/(?m)^(\s*)# ([a-z_]+: \S+)$/#) { "\($0.1)\($0.2)" })
        for settings in [shipped, uncommented] {
            #expect(settings.port == standard.port && settings.data == standard.data && settings.idleTimeout == standard.idleTimeout)
            #expect(
                settings.journal.segmentBytes == standard.journal.segmentBytes
                    && settings.journal.maxQueuedBytes == standard.journal.maxQueuedBytes)
            #expect(
                settings.journal.minimumFreeBytes == standard.journal.minimumFreeBytes
                    && settings.deadLetterBytes == standard.deadLetterBytes)
            #expect(String(describing: settings.store) == String(describing: standard.store))
        }
    }

    @Test("a data folder is held by one server, and the error says by whom")
    func lock() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-lock-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let holder = try DataFolder.open(path)
        #expect { try DataFolder.open(path) } throws: { "\($0)".contains("\(ProcessInfo.processInfo.processIdentifier)") }
        #expect(try holder.node() == holder.node())
    }
}
