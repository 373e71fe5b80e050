import EventModel
import Foundation
import Journal
import Logging
import Pipelines
import SystemPackage
import Testing

@testable import Collectors

/// Refused events on their way into the dead-letter log and back, with a real journal and log in a temporary folder.
@Suite final class RefusedEventTests {
    private static let pipelines = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Pipelines").path
    private static let received = Timestamp("2026-11-20T12:00:00Z")!

    private final class NothingKnown: IdentityIndex {
        func look(identity: UInt64, tenant: UInt32, content: UnsafeRawBufferPointer) -> IdentityMatch { .unknown }
    }

    private let folder = FilePath(
        FileManager.default.temporaryDirectory.appendingPathComponent("daybook-refused-\(UUID().uuidString)").path)
    private let journal: Journal
    private let letters: DeadLetterLog

    init() throws {
        journal = try Journal.open(
            JournalConfiguration(folder: folder.appending("journal")), identities: NothingKnown(), floor: JournalFloor(),
            logger: Logger(label: "test"))
        letters = try DeadLetterLog(folder: folder.appending("deadletter"), capacityBytes: 64 << 20) { Self.received }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder.string) }

    private func ingest(at now: Timestamp = received) throws -> Ingest {
        Ingest(journal: journal, pipelines: try PipelineSet.load(folder: Self.pipelines), deadLetters: letters) { now }
    }

    private func take(_ body: String, _ shape: IngestRequest.Shape = .json, tenant: String? = "acme") async throws -> IngestAnswer {
        var request = IngestRequest(shape: shape, origin: "test")
        request.tenant = tenant
        return await (try ingest()).take(Array(body.utf8), request)
    }

    private func stored() throws -> [String] {
        try journal.read(from: 0, limit: 100).flatMap { batch in
            batch.events.map { String(decoding: batch.lines[Int($0.offset)..<Int($0.offset + $0.length)], as: UTF8.self) }
        }
    }

    private func kept() throws -> String {
        let path = folder.appending("deadletter").string
        return try FileManager.default.contentsOfDirectory(atPath: path).map {
            try String(contentsOfFile: path + "/" + $0, encoding: .utf8)
        }
        .joined()
    }

    private static let attributes = CloudEventAttributes(
        headers: [
            ("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/crm"), ("ce-type", "contact.update"), ("ce-authtoken", "S3CRET"),
            ("ce-time", "2026-11-19T10:00:00Z"),
        ].map { (name: $0.0, value: $0.1) })!

    @Test(
        "no secret of a refused event reaches the log or the answer",
        arguments: [
            #"{"kind":"activity","action":"teleport","changes":[{"field":"password","before":"S3CRET","after":"S3CRET"}],"password":["S3CRET"]}"#,
            #"{"kind":"activity","category":"c","time":"token=S3CRET","actor":{"id":"u"}}"#, #"{"kind":"token=S3CRET"}"#,
            "{\"password\":\n  \"S3CRET\",}", #"{"token=S3CRET":1,"token=S3CRET":1}"#,
        ])
    func secrets(body: String) async throws {
        let answer = try await take(body)
        #expect(answer.rejections.count == 1)
        #expect(!String(decoding: answer.bytes, as: UTF8.self).contains("S3CRET"))
        #expect(try !kept().contains("S3CRET"))
        #expect(letters.statistics.letters == 1)
        await journal.close()
    }

    @Test("an event without a time keeps the time it first came in with when it is replayed")
    func replayedTime() async throws {
        let body = #"{"kind":"activity","actor":{"id":"u"},"action":"update","category":"c"}"#
        let refused = try await take(body, tenant: nil)
        #expect(refused.rejections.map(\.field) == ["tenant"])
        var letter = try #require(try await letters.letters(after: 0, limit: 1).first)
        letter.tenant = "acme"
        let answer = await (try ingest(at: Timestamp("2026-11-21T12:00:00Z")!)).retake(letter)
        #expect(answer.accepted == 1)
        #expect(try stored().first?.contains(#""time":"2026-11-20T12:00:00.000Z""#) == true)
        await journal.close()
    }

    @Test("a CloudEvent of the binary mode keeps its attributes in the log, and its secrets not")
    func binaryLetter() async throws {
        let refused = try await take(
            #"{"kind":"activity","actor":{"id":"u"},"category":"c","password":"S3CRET"}"#, .cloudEventBinary(Self.attributes), tenant: nil)
        #expect(refused.rejections.map(\.field) == ["tenant"])
        #expect(try !kept().contains("S3CRET"))
        var letter = try #require(try await letters.letters(after: 0, limit: 1).first)
        letter.tenant = "acme"
        #expect(await (try ingest()).retake(letter).accepted == 1)
        let line = try #require(try stored().first)
        for part in [
            #""original_id":"1""#, #""producer":{"name":"/crm"}"#, #""type":"contact.update""#, #""time":"2026-11-19T10:00:00.000Z""#,
        ] {
            #expect(line.contains(part), "\(line)")
        }
        await journal.close()
    }

    @Test("a request in binary mode is one event, whatever its body holds")
    func binaryIsOne() async throws {
        var attributes = Self.attributes
        attributes.values["kind"] = "activity"
        attributes.values["category"] = "c"
        attributes.values["subject"] = "C-9"
        for (index, body) in ["", #"[{"a":1},{"a":2}]"#, "{\"a\":1,\n\"actor\":{\"id\":\"u\"}}"].enumerated() {
            attributes.values["id"] = String(index)
            let answer = try await take(body, .cloudEventBinary(attributes))
            #expect(answer.accepted + answer.rejections.count == 1, "\(String(decoding: answer.bytes, as: UTF8.self))")
            #expect(answer.problem == nil)
        }
        let refused = try await take("{\"a\":1}\n{\"a\":2}", .cloudEventBinary(attributes))
        #expect(refused.accepted == 0 && refused.rejections.map(\.field) == ["data"])
        let long = try await take("[" + String(repeating: "1,", count: Limits.eventBytes) + "1]", .cloudEventBinary(attributes))
        #expect(long.accepted == 0 && long.rejections.map(\.code) == [.tooLarge])
        await journal.close()
    }
}
