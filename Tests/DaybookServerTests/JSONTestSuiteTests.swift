import Foundation
import Testing

/// The JSONTestSuite (Nicolas Seriot, "Parsing JSON is a Minefield") through the HTTP collector, each file's value as a
/// field of an event.
@Suite(.enabled(if: SharedData.isHere("json-parsing"), "../shared/data/json-parsing is not here"))
struct JSONTestSuiteTests {
    private static let folder = SharedData.folder("json-parsing/test_parsing")

    /// Valid JSON whose duplicate keys Daybook refuses on purpose.
    private static let refusedOnPurpose: Set = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"]

    private func files(_ prefix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter { $0.hasPrefix(prefix) }.sorted()
    }

    private func wrapped(_ name: String) throws -> [UInt8] {
        let content = try Data(contentsOf: Self.folder.appendingPathComponent(name))
        return Array(event(1).dropLast().utf8) + Array(",\"sample\":".utf8) + content + Array("}".utf8)
    }

    @Test("every y_ value is carried")
    func carried() async throws {
        let server = try await TestServer()
        for name in try files("y_") where !Self.refusedOnPurpose.contains(name) {
            let answer = try await server.ask(.post, "/v1/events", ["Content-Type": "application/json"], body: wrapped(name))
            #expect(answer.status == 200, "\(name): \(answer.text)")
            let sent = try JSONSerialization.jsonObject(
                with: Data(contentsOf: Self.folder.appendingPathComponent(name)), options: .fragmentsAllowed)
            let sample = try #require(try await newestSample(server), "\(name)")
            #expect(try Self.normal(sample) == Self.normal(sent), "\(name): \(sample) is not \(sent)")
        }
        await server.close()
    }

    /// The same text for equal values: sorted keys.
    private static func normal(_ value: Any) throws -> Data {
        try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
    }

    private func newestSample(_ server: TestServer) async throws -> Any? {
        let seq = try #require(await server.get("/v1/counts").json["total"] as? Int)
        let all = try await server.get("/v1/events?limit=1000").events
        let event = try #require(all.first { $0["seq"] as? Int == seq })
        return (event["unmapped"] as? [String: Any])?["sample"]
    }

    @Test("every n_ value is refused with its place")
    func refused() async throws {
        let server = try await TestServer()
        for name in try files("n_") + Self.refusedOnPurpose.sorted() {
            let answer = try await server.ask(.post, "/v1/events", ["Content-Type": "application/json"], body: wrapped(name))
            #expect(answer.status == 400, "\(name): \(answer.status) \(answer.text.prefix(300))")
            #expect(try answer.integer("accepted") == 0, "\(name)")
            let first = try #require(try answer.rejections.first, "\(name)")
            let message = first["message"] as? String ?? ""
            #expect(message.contains("byte") || first["field"] as? String != "", "\(name): \(message)")
        }
        await server.close()
    }

    @Test("what RFC 8259 leaves open is answered and never crashes")
    func open() async throws {
        let server = try await TestServer()
        for name in try files("i_") {
            let answer = try await server.ask(.post, "/v1/events", ["Content-Type": "application/json"], body: wrapped(name))
            #expect([200, 400].contains(answer.status), "\(name): \(answer.status)")
        }
        await server.close()
    }
}
