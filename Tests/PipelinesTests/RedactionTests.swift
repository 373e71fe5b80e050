import EventModel
import Testing

@testable import Pipelines

@Suite("Redaction")
struct RedactionTests {
    /// The canonical body of one event through a shipped pipeline.
    static func body(_ json: String, pipeline: String = "activity") throws -> String {
        let set = try PipelineSet.load(folder: Repository.pipelines)
        var batch = NormalisedBatch()
        let context = IngestContext(received: Timestamp("2026-11-20T12:00:00Z")!, tenant: "acme")
        let rejection = Array(json.utf8).withPadding {
            Normaliser(set).normalise($0, line: 1, pipeline: set.pipeline(named: pipeline), context: context, into: &batch)
        }
        if let rejection { throw rejection }
        return String(decoding: batch.bodies, as: UTF8.self)
    }

    @Test(
        "a secret is found by its key wherever it stands",
        arguments: [
            #""password":"S3CRET""#, #""labels":{"x-api-key":"S3CRET"}"#, #""deep":{"a":[{"clientSecret":"S3CRET"}]}"#,
            #""access_token":"S3CRET""#, #""Authorization":{"scheme":"x","value":"S3CRET"}"#, #""tokens":["a","S3CRET"]"#,
            #""actor":{"id":"1","details":{"session_cookie":"S3CRET"}}"#, #""pass\u0077ord":"S3CRET""#, #""pin_secret":12S3CRET"#,
            #""changes":[{"field":"smtp.password","before":"S3CRET","after":null}]"#,
            #""changes":[{"field":"API Token","old":{"v":"S3CRET"},"new":"S3CRET"}]"#,
            #""raw":{"old":{"credentials":{"user":"a","key":"S3CRET"}}}"#,
            #""request":{"url":"https://x.test/cb?code=1&access_token=S3CRET#frag"}"#, #""request":{"url":"https://joe:S3CRET@x.test/"}"#,
            #""summary":"set password=S3CRET for joe""#, #""summary":"sent Authorization: Bearer S3CRET to peer""#,
            #""summary":"body was {\"api_key\":\"S3CRET\"}""#,
        ])
    func byKey(_ member: String) throws {
        let json = #"{"action":"update","category":"c","# + member.replacingOccurrences(of: "12S3CRET", with: #""S3CRET""#) + "}"
        let body = try Self.body(json)
        #expect(!body.contains("S3CRET"), "\(body)")
        #expect(body.contains("[REDACTED]"), "\(body)")
    }

    @Test(
        "what is no secret stays as it is",
        arguments: [
            #""summary":"OAuth refresh token rejected: invalid_grant""#, #""summary":"at 12:34:56 the wiki said: hello""#,
            #""password_changed":true"#, #""mfa_token_required":"false""#, #""request":{"url":"https://x.test/a?b=c&d=e"}"#,
            #""source":{"user_agent":"Mozilla/5.0 (X11; rv:122.0) Gecko"}"#,
        ])
    func harmless(_ member: String) throws {
        let body = try Self.body(#"{"action":"update","category":"c","# + member + "}")
        #expect(!body.contains("[REDACTED]"), "\(body)")
    }

    @Test("bytes that are no JSON are scrubbed too")
    func raw() {
        let scrubbed = String(decoding: Redaction.scrubRaw(Array(#"{"id":1,"password":"S3CRET","x":"#.utf8)), as: UTF8.self)
        #expect(!scrubbed.contains("S3CRET"))
        #expect(scrubbed.hasPrefix(#"{"id":1,"password":"[REDACTED]""#))
    }

    @Test("scrubbing any bytes neither crashes nor lengthens what holds no pair")
    func fuzz() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                Array("=:\"'\\ /@abtoken{}&".utf8).randomElement(using: &random)!
            }
            let scrubbed = Redaction.scrubRaw(bytes)
            if !bytes.contains(UInt8(ascii: "=")), !bytes.contains(UInt8(ascii: ":")) { #expect(scrubbed == bytes) }
        }
    }
}
