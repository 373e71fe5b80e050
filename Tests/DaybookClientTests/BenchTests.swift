import DaybookClient
import EventModel
import Foundation
import Testing

@testable import daybook

@Suite("Bench")
struct BenchTests {
    func generate(_ count: Int, seed: UInt64) -> [[UInt8]] {
        var generator = EventGenerator(count: count, seed: seed)
        var text = ByteWriter()
        while generator.appendNext(to: &text) {}
        return Array(text.bytes).split(separator: 0x0A).map(Array.init)
    }

    @Test("a seed makes the same events; they are JSON, in ascending time, in the four kinds' shares")
    func events() throws {
        let lines = generate(5000, seed: 7)
        #expect(lines == generate(5000, seed: 7) && lines != generate(5000, seed: 8) && lines.count == 5000)
        var kinds: [String: Int] = [:]
        var last = ""
        for line in lines {
            let event = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
            kinds[event["kind"] as? String ?? "", default: 0] += 1
            let time = try #require(event["time"] as? String)
            #expect(time >= last && time >= "2026-10-22" && time < "2026-11-21")
            last = time
        }
        #expect(last > "2026-11-20T2")
        let expected = ["activity": 0.45, "access": 0.35, "webhook_failure": 0.14, "integration_failure": 0.06]
        for (kind, share) in expected { #expect(abs(Double(kinds[kind] ?? 0) / 5000 - share) < 0.03) }
        let average = lines.reduce(0) { $0 + $1.count + 1 } / lines.count
        #expect((440...520).contains(average))
    }

    @Test("an answer is read in whatever pieces it comes")
    func answers() throws {
        let body = #"{"accepted":998,"duplicates":2,"rejected":[]}"#
        let bytes = Array("HTTP/1.1 207 Multi-Status\r\nretry-after: 3\r\nContent-length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
        for cut in 0..<bytes.count {
            var reader = AnswerReader()
            try Array(bytes[..<cut]).withUnsafeBytes { try reader.append($0) }
            #expect(!reader.isComplete)
            try Array(bytes[cut...]).withUnsafeBytes { try reader.append($0) }
            #expect(reader.isComplete && reader.status == 207 && reader.retryAfterSeconds == 3 && !reader.closes)
            #expect(reader.count("\"accepted\":") == 998 && reader.count("\"duplicates\":") == 2)
        }
    }

    @Test("the questions ask for values that the events hold")
    func questions() throws {
        let path = FileManager.default.temporaryDirectory.path + "/daybook-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try EventFile.generate(count: 3000, seed: 1, path: path)
        let questions = LookupQuestion.set(for: file)
        #expect(questions.count == 7)
        for question in questions {
            for (name, value) in question.variants.joined() where ["tenant", "actor", "q"].contains(name) {
                #expect(file.contains(value.replacing("\"", with: "")), "\(question.name): \(value)")
            }
            #expect(Set(question.addresses).count == question.variants.count, "\(question.name) asks something twice")
            #expect(question.variants.count > 1 || question.path == "/v1/counts", "\(question.name) measures a cache")
        }
        let (first, lines) = file.lines(from: 0, count: 10)
        #expect(lines == 10 && file.bytes[first.upperBound - 1] == 0x0A)
    }

    @Test("this process's account counts its threads, memory and time")
    func account() throws {
        let account = try #require(ProcessAccount(getpid()))
        #expect(account.peakMemoryBytes > 1 << 20 && account.cpuSeconds > 0 && !account.cpuByThread.isEmpty)
    }
}
