import Foundation
import Testing

@testable import daybook

@Suite("Files to send")
struct InputFileTests {
    func slices(_ text: String, asText: Bool = false) throws -> [InputFile.Slice] {
        let path = FileManager.default.temporaryDirectory.path + "/daybook-\(UUID().uuidString)"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        var file = try InputFile(path: path, asText: asText)
        var slices: [InputFile.Slice] = []
        while let slice = try file.next() { slices.append(slice) }
        return slices
    }

    @Test("slices hold whole lines, know their place in the file, and together are the file")
    func cuts() throws {
        let lines = (1...2500).map { "{\"n\":\($0)}" }
        let text = lines.joined(separator: "\n")
        for end in ["", "\n"] {
            let slices = try slices(text + end)
            #expect(slices.map(\.firstLine) == [1, 1001, 2001])
            #expect(slices.flatMap(\.bytes) == Array((text + end).utf8))
            #expect(slices.allSatisfy { $0.type == "application/x-ndjson" })
            #expect(slices[1].offset == slices[0].bytes.count)
        }
    }

    @Test("slices stay within a mebibyte, except for a line that is longer by itself")
    func longLines() throws {
        let long = "{\"s\":\"" + String(repeating: "x", count: 3 << 20) + "\"}"
        let middling = "{\"s\":\"" + String(repeating: "y", count: 400_000) + "\"}"
        let slices = try slices([middling, middling, middling, long, middling].joined(separator: "\n"))
        #expect(slices.map(\.firstLine) == [1, 3, 4, 5])
    }

    @Test("documents go whole, lines go as lines")
    func recognises() throws {
        #expect(try slices("[\n{\"a\":1},\n{\"a\":2}\n]").map(\.type) == ["application/json"])
        #expect(try slices("{\"Records\":[{\"a\":1}]}\n").map(\.type) == ["application/json"])
        #expect(try slices("{\n  \"a\": 1\n}\n").map(\.type) == ["application/json"])
        #expect(try slices("\n{\"a\":1}\n").map(\.type) == ["application/x-ndjson"])
        #expect(try slices("Nov 20 sshd[1]: hello\n", asText: true).map(\.type) == ["text/plain"])
        #expect(try slices("[2026-11-20] hello\n", asText: true).map(\.type) == ["text/plain"])
        #expect(try slices("").isEmpty)
        #expect(throws: CommandFailure.self) { try slices("hello\n") }
    }
}
