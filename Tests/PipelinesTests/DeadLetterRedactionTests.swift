import EventModel
import Foundation
import Testing

@testable import Pipelines

@Suite("Redaction of dead letters")
struct DeadLetterRedactionTests {
    private static func definition(_ redact: String) throws -> PipelineDefinition {
        try PipelineDefinition.read(
            file: "p.yaml",
            text: """
                name: activity
                kind: activity
                redact: \(redact)
                steps:
                  - rename: {ip: source.ip}
                """)
    }

    private func redacted(_ raw: String, redact: String = "{keys: [], paths: []}", pipeline: String? = nil) throws -> String {
        let set = try PipelineSet([try Self.definition(redact)])
        return String(decoding: DeadLetterRedaction(set).redact(Array(raw.utf8), pipeline: pipeline), as: UTF8.self)
    }

    @Test(
        "a refused event keeps no secret, whatever its shape, and stays JSON",
        arguments: [
            #"{"changes":[{"field":"password","before":"S3CRET","after":"S3CRET"}]}"#,
            #"{"changes":[{"old":"S3CRET","new":"S3CRET","field":"api key"}]}"#,
            #"{"changes":[{"field":"password","from":"S3CRET","to":"S3CRET","value":"S3CRET"}]}"#, #"{"password":["S3CRET"]}"#,
            #"{"password":{"value":"S3CRET"}}"#, "{\"password\":\n  \"S3CRET\"}", #"{"pass\u0077ord":"S3CRET"}"#,
            #"{"password":"S3CRET","password":"S3CRET"}"#, #"{"a":[["Cookie","S3CRET"]]}"#, #"{"summary":"token\u003dS3CRET"}"#,
            #"{"token=S3CRET":1}"#, #"{"a":"{\"password\":\"x\\\"S3CRET\"}"}"#,
        ])
    func wellFormed(_ raw: String) throws {
        let letter = try redacted(raw)
        #expect(!letter.contains("S3CRET"), "\(letter)")
        #expect((try? JSONSerialization.jsonObject(with: Data(letter.utf8))) != nil, "\(letter)")
    }

    @Test(
        "bytes that do not parse keep no secret",
        arguments: [
            "{\"password\":\n   \"S3CRET\",}", #"{"password":["S3CRET","S3CRET"],}"#, #"{"password":{"v":"S3CRET"},}"#,
            #"{"pass\u0077ord":"S3CRET",}"#, #"{"changes":[{"field":"password","before":"S3CRET","after":"S3CRET"}],}"#,
            #"{"changes":[{"before":"S3CRET","field":"password"}],}"#, #"{"password":123S3CRET,}"#, "{'password':'S3CRET'}",
            #"{"password":"S3CRET"#, #"{"password": ["S3CRET"#, #"   "password": "S3CRET","#, #"  "S3CRET","#, #""S3CRET""#,
            "password=S3CRET foo", #"{"url":"https:\/\/u:S3CRET@h/""#, #"{"q":"token\u003dS3CRET""#,
            "{\"Authorization\" : \"Token S3CRET\",}",
        ])
    func broken(_ raw: String) throws {
        let letter = try redacted(raw)
        #expect(!letter.contains("S3CRET"), "\(letter)")
    }

    @Test("a refused event keeps its identity and its other names, so that a replay makes no two events one")
    func names() throws {
        let set = try PipelineSet.load(folder: Repository.pipelines)
        let cases = [
            (#"{"id":"token:1","session":"cookie:2","target":{"id":"secret:3"}}"#, "activity"), (#"{"eventID":"token:1"}"#, "cloudtrail"),
            (#"{"id":"token:1","source":"urn:secret:a","data":{"id":"token:2"}}"#, nil), (#"{"original_id":"token:1"}"#, nil),
        ]
        for (raw, pipeline) in cases {
            #expect(String(decoding: DeadLetterRedaction(set).redact(Array(raw.utf8), pipeline: pipeline), as: UTF8.self) == raw)
        }
        let other = DeadLetterRedaction(set).redact(Array(#"{"x":"token:1"}"#.utf8), pipeline: nil)
        #expect(String(decoding: other, as: UTF8.self) == #"{"x":"token:[REDACTED]"}"#)
    }

    @Test("a bad byte inside a key does not hide it")
    func badByte() throws {
        let raw = Array(#"{"pass"#.utf8) + [0xFF] + Array(#"word":"S3CRET"}"#.utf8)
        let set = try PipelineSet([try Self.definition("{keys: [], paths: []}")])
        for bytes in [raw, raw + [UInt8(ascii: ",")]] {
            #expect(!String(decoding: DeadLetterRedaction(set).redact(bytes, pipeline: nil), as: UTF8.self).contains("S3CRET"))
        }
    }

    @Test(
        "a pipeline's own keys and places count, where the producer has them, also when no pipeline is known", arguments: ["activity", nil])
    func ownRules(pipeline: String?) throws {
        let rules = "{keys: [shoe_size], paths: [source.ip, unmapped.foo]}"
        let raw = #"{"shoeSize":"S3CRET","ip":"S3CRET","foo":"S3CRET","unmapped":{"foo":"S3CRET"},"source":{"ip":"S3CRET"},"x":1.50}"#
        let letter = try redacted(raw, redact: rules, pipeline: pipeline)
        #expect(!letter.contains("S3CRET"), "\(letter)")
        #expect(letter.hasSuffix(#""x":1.50}"#))
    }

    @Test("the data of a CloudEvent is unpacked, redacted and packed again")
    func packed() throws {
        let data = Data(#"{"a":1,"password":"S3CRET"}"#.utf8).base64EncodedString()
        let letter = try redacted(#"{"specversion":"1.0","data_base64":"\#(data)"}"#)
        let event = try #require(JSONSerialization.jsonObject(with: Data(letter.utf8)) as? [String: String])
        let unpacked = try #require(Data(base64Encoded: event["data_base64"]!))
        #expect(String(decoding: unpacked, as: UTF8.self) == #"{"a":1,"password":"[REDACTED]"}"#)
    }

    @Test("what holds no secret is kept as it is")
    func harmless() throws {
        let raw = #"{"a":1e400,"b":[null,true,{"c":"d\u00e9"}],"b":"x","changed_password":true}"#
        #expect(try redacted(raw) == raw)
    }

    @Test("a place under unmapped is redacted in what is taken, too")
    func unmappedPath() throws {
        let set = try PipelineSet([try Self.definition("{keys: [], paths: [unmapped.foo]}")])
        var batch = NormalisedBatch()
        let context = IngestContext(received: Timestamp("2026-11-20T12:00:00Z")!, tenant: "acme")
        let raw = Array(
            #"{"kind":"activity","actor":{"type":"user","id":"u"},"type":"a.b","action":"update","outcome":"success","severity":"low","summary":"s","category":"c","foo":"S3CRET"}"#
                .utf8)
        let rejection = raw.withPadding { Normaliser(set).normalise($0, line: 1, pipeline: nil, context: context, into: &batch) }
        #expect(rejection == nil)
        #expect(String(decoding: batch.bodies, as: UTF8.self).contains(#""unmapped":{"foo":"[REDACTED]"}"#))
    }
}
