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
            #""details":{"changes":[{"field":"password","from":"S3CRET","to":["S3CRET"]}]}"#,
            #""headers":[{"name":"Authorization","value":"Bearer S3CRET"}]"#, #""headers":[["Authorization","Bearer S3CRET"]]"#,
            #""fields":[{"field":"password","value":"S3CRET"}]"#, #""summary":"Authorization: Token S3CRET""#,
            #""summary":"Authorization: ApiKey S3CRET""#, #""summary":"Cookie: a=b; sid=S3CRET""#, #""body":"user[password]=S3CRET&x=1""#,
            #""summary":"params {\"password\"=>\"S3CRET\"}""#, #""summary":"password=a,S3CRET""#, #""body":"<password>S3CRET</password>""#,
            #""webhook":{"url":"https://S3CRETS3CRETS3CRET0@h.test/p"}"#,
            #""request":{"url":"https://h.test/?next=%2Fx%3Ftoken%3DS3CRET"}"#,
            #""summary":"password=\nS3CRET""#, #""request":{"url":"https://b.test/x?X-Amz-Signature=S3CRET&sig=S3CRET"}"#,
            #""body":"-----BEGIN PRIVATE KEY-----\nS3CRET\n-----END PRIVATE KEY-----""#, #""pwd":"S3CRET""#, #""jwt":"S3CRET""#,
            #""access_key":"S3CRET","secretAccessKey":"S3CRET""#, #""otp":"S3CRET","pin":"S3CRET","pass":"S3CRET""#,
            #""summary":"postgres://u:p/S3CRET@host/db""#, #""summary":"password::S3CRET""#,
            #""raw":{"body":"{\"password\":\"a\\\\\",\"token\":\"S3CRET\"}"}"#,
            #""\#(String(repeating: "x", count: 200))password":"S3CRET""#, #""actor":{"time":"password=S3CRET"}"#,
            #""foo":{"time":"token=S3CRET"}"#, #""body":"-----BEGIN PRIVATE KEY-----S3CRET-----END PRIVATE KEY-----""#,
            #""body":"x-----BEGIN PRIVATE KEY-----S3CRET""#,
            #""body":"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nS3CRET\n-----END PGP PRIVATE KEY BLOCK-----""#,
            #""body":"[{\"field\":\"password\",\"old\":\"S3CRET\"}]""#,
            #""body":"{\"name\":\"Authorization\",\"value\":\"Bearer S3CRET\"}""#,
            #""body":"sent [{\"old\":\"S3CRET\",\"field\":\"pass\\u0077ord\"}]""#,
            #""body":"{\"a\":\"[{\\\"path\\\":[\\\"user\\\",\\\"password\\\"],\\\"old\\\":\\\"S3CRET\\\"}]\"}""#,
            #""body":"{\"url\":\"https:\\/\\/bob:S3CRET@h\\/x\"}""#, #""body":"{\"url\":\"https:\\/\\/bob:p\\/S3CRET@h\\/x\"}""#,
            #""body":"{\"q\":\"a\\u003d1\\u0026token\\u003dS3CRET\\u0026b\"}""#, #""password=S3CRET":1"#, #""https://u:S3CRET@h/":5"#,
            #""o":{"x token=S3CRET":"y"}"#, #""summary":"api key: S3CRET""#, #""summary":"the Secret Key: \"S3CRET\"""#,
            #""user_pin":"S3CRET""#,
            #""smsOtp":"S3CRET""#, #""url":"https://b.test/x?AWSAccessKeyId=AKIA&Signature=S3CRET""#,
            #""url":"https://b.test/?u=%2Fx%3Fa%3D1%26Signature%3DS3CRET""#, #""changes":[{"column":"password","old":"S3CRET"}]"#,
            #""changes":[{"path":["user","password"],"old":"S3CRET"}]"#,
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
            #""source":{"user_agent":"Mozilla/5.0 (X11; rv:122.0) Gecko"}"#, #""accessKeyId":"AKIA1","access_key_id":"AKIA2""#,
            #""footprint":"large","compass":"north","shipping":"fast""#, #""request":{"url":"https://x.test:8080/a/@joe"}"#,
            #""request":{"url":"https://joe@x.test/"}"#, #""target":{"type":"setting","name":"Password policy"}"#,
            #""summary":"a <b>word</b> at 100%: yes""#, #""tags":["cookie","banner"]"#,
            #""mail":{"name":"password reset","from":"a","to":"b"}"#, #""summary":"a -- b --- c""#, #""a=b":1,"x:y":{"50%":2}"#,
            #""changes":[{"field":"signature","old":"Best, Ana","new":"Ana"}]"#,
            #""summary":"sent to Ken: hello, key: value, Signature: Ana""#,
            #""body":"[{\"field\":\"priority\",\"old\":\"low\"}]""#, #""boarding_pass":"B7","spin":"up","mapping":"m""#,
            #""summary":"C:\\dir\\u003x see https:\/\/h.test:8080\/a@b""#, #""changes":[{"path":["user","name"],"old":"Ana"}]"#,
        ])
    func harmless(_ member: String) throws {
        let body = try Self.body(#"{"action":"update","category":"c","# + member + "}")
        #expect(!body.contains("[REDACTED]"), "\(body)")
    }

    @Test(
        "a name keeps what stands behind its colon",
        arguments: [
            #""type":"token:revoke""#, #""target":{"type":"secret","id":"secret:17"}"#, #""session":"cookie:abc""#,
            #""correlation_id":"jwt:5""#, #""actor":{"id":"arn:aws:iam::1:credential:7"}"#,
            #""targets":[{"id":"token:1"},{"id":"token:2"}]"#,
            #""original_id":"password_reset:0""#, #""producer":{"name":"secret:service"}"#, #""target":{"id":"token%3A5"}"#,
        ])
    func names(_ member: String) throws {
        let body = try Self.body(#"{"action":"update","category":"c","# + member + "}")
        #expect(body.contains(member.split(separator: ":", maxSplits: 1)[1].dropFirst().dropLast(2)), "\(body)")
        #expect(!body.contains("[REDACTED]"), "\(body)")
    }

    @Test(
        "a secret is taken out of a name, too",
        arguments: [
            #""session":"https://joe:S3CRET@x.test/""#, #""correlation_id":"a?token=S3CRET""#, #""target":{"id":"token: S3CRET"}"#,
            #""trace_id":"{\"token\":\"S3CRET\"}""#, #""labels":{"id":"token:S3CRET"}"#, #""unknown":{"type":"token:S3CRET"}"#,
        ])
    func secretNames(_ member: String) throws {
        let body = try Self.body(#"{"action":"update","category":"c","# + member + "}")
        #expect(!body.contains("S3CRET"), "\(body)")
    }

    @Test("an event whose identity holds a secret is refused, and not stored under another identity")
    func secretIdentity() {
        for id in ["https://joe:S3CRET@x.test/", "reset?token=S3CRET", "token: S3CRET"] {
            for member in [#""id":"\#(id)""#, #""producer":{"name":"\#(id)"}"#] {
                let rejection = #expect(throws: Rejection.self) { try Self.body(#"{"category":"c","# + member + "}") }
                #expect(rejection?.code == .invalidValue)
                #expect(rejection?.message.contains("S3CRET") == false)
            }
        }
    }

    @Test("events with ids that differ behind a colon keep identities of their own, with an Idempotency-Key, too")
    func identities() throws {
        let set = try PipelineSet.load(folder: Repository.pipelines)
        let normaliser = Normaliser(set)
        var batch = NormalisedBatch()
        let context = IngestContext(received: Timestamp("2026-11-20T12:00:00Z")!, tenant: "acme", idempotencyKey: "token-batch:77")
        for (line, id) in [#""id":"token:0","#, #""id":"token:1","#, "", "", #""id":"","#, #""id":null,"#].enumerated() {
            let rejection = Array(#"{\#(id)"kind":"activity","category":"c"}"#.utf8).withPadding {
                normaliser.normalise($0, line: line + 1, pipeline: nil, context: context, into: &batch)
            }
            #expect(rejection == nil)
        }
        #expect(Set(batch.events.map(\.identity)).count == 6)
        #expect(!batch.events.contains { $0.identity == 0 })
    }

    @Test(
        "what tells duplicates cannot be redacted by a definition",
        arguments: ["{paths: [original_id]}", "{paths: [producer]}", "{keys: [original]}"])
    func identityDefinition(redact: String) {
        let text = "name: p\nkind: p\nredact: \(redact)\nsteps:\n  - default: {action: other}\n"
        #expect(throws: PipelineLoadError.self) { try PipelineSet([try PipelineDefinition.read(file: "p.yaml", text: text)]) }
    }

    @Test(
        "two keys with one hash are two keys",
        arguments: [("dwfmbwecbB&&%}0v", "current_password"), ("aycnzvkepx%$nCf,", "aws_access_token")])
    func collision(harmless: String, secret: String) throws {
        func hash(_ name: String) -> UInt64 { Array(name.utf8).withUnsafeBytes { Hash64.hash($0) } }
        try #require(hash(harmless) == hash(secret))
        let set = try PipelineSet.load(folder: Repository.pipelines)
        let normaliser = Normaliser(set)
        var batch = NormalisedBatch()
        let context = IngestContext(received: Timestamp("2026-11-20T12:00:00Z")!, tenant: "acme")
        for key in [harmless, secret, harmless] {
            let rejection = Array(#"{"kind":"activity","category":"c","x":{"\#(key)":"VALUE-\#(key.count)"}}"#.utf8).withPadding {
                normaliser.normalise($0, line: 1, pipeline: nil, context: context, into: &batch)
            }
            #expect(rejection == nil)
        }
        let bodies = batch.events.map { String(decoding: batch.bodies[Int($0.offset)..<Int($0.offset + $0.length)], as: UTF8.self) }
        #expect(bodies.map { $0.contains("VALUE-16") } == [true, false, true])
    }

    @Test("of JSON in a text only the value beside a secret's name is taken out")
    func pairInText() throws {
        let other = #"{\"field\":\"name\",\"old\":\"Ana\",\"new\":\"Bea\"}"#
        func note(_ secret: String) -> String { #""note":"[{\"field\":\"password\",\"old\":\"\#(secret)\"},\#(other)]""# }
        let body = try Self.body(#"{"category":"c",\#(note("S3CRET"))}"#)
        #expect(body.contains(note("[REDACTED]")), "\(body)")
    }

    @Test("keys that differ only in their secrets stay different")
    func keys() throws {
        let inner = #"{"a token=S3CRET1":1,"a token=S3CRET2":2,"b":3}"#
        let body = try Self.body(#"{"category":"c","o":\#(inner),"token=S3CRET1":1,"token=S3CRET2":2}"#)
        #expect(body.contains(#""o":{"a token=[REDACTED]":"[REDACTED]","a token=[REDACTED]~2":"[REDACTED]","b":3}"#), "\(body)")
        let line = Array(("{" + body).utf8)
        let again = line.withPadding { bytes in
            var tree = EventTree(symbols: SymbolTable())
            do throws(Rejection) { try tree.parse(bytes) } catch { return Optional(error) }
            return nil
        }
        #expect(again == nil)
    }

    @Test("what is taken out of JSON in a text leaves JSON")
    func staysJSON() {
        let cases = [
            (#"{"password":"abc\\","x":"y"}"#, #"{"password":"[REDACTED]","x":"y"}"#),
            (#"{\"password\":\"a\\\"b\",\"x\":1}"#, #"{\"password\":\"[REDACTED]\",\"x\":1}"#),
            (#"{"token":123,"x":1}"#, #"{"token":"[REDACTED]","x":1}"#),
            (#"{"tokens":["a]",{"b":2}],"x":1}"#, #"{"tokens":"[REDACTED]","x":1}"#),
            (#"{"token":null,"x":1}"#, #"{"token":null,"x":1}"#),
        ]
        for (text, wanted) in cases { #expect(String(decoding: Redaction.scrubRaw(Array(text.utf8)), as: UTF8.self) == wanted) }
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
            _ = RawJSON.read(bytes)
        }
    }

    @Test(
        "a text made of nothing but signs is read once, not once for each sign",
        arguments: ["://a:b", "<token ", #""name":["#, "a=", "%3D", ": "])
    func signs(sign: String) throws {
        let bytes = Array(String(repeating: sign, count: 30_000 / sign.utf8.count).utf8)
        let set = try PipelineSet.load(folder: Repository.pipelines)
        #expect(DeadLetterRedaction(set).redact(bytes, pipeline: nil) == bytes)
    }
}
