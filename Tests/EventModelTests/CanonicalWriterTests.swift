import TestSupport
import Testing

@testable import EventModel

@Suite("CanonicalWriter")
struct CanonicalWriterTests {
    private let reader = EventReader()

    @Test("fields stand in the schema's order, whatever order they came in")
    func order() throws {
        let members = [
            #""original_id":"o""#, #""labels":{"z":1,"a":2}"#, #""producer":{"version":"1","name":"p"}"#, #""trace_id":"t""#,
            #""raw":{"new":1,"old":null}"#,
            #""changes":[{"new":[],"old":{},"op":"set","field":"f"}]"#, #""targets":[{"name":"n","id":"i","type":"t"},{}]"#,
            #""reason":"r""#,
            #""attempt":{"duration_ms":1.50,"next_at":"2026-01-01T00:00:00+01:00","max":5,"number":1}"#, #""portal":"api""#,
            #""time":"2026-01-02T03:04:05Z""#,
            #""auth":{"mfa":false,"provider":"p","method":"m"}"#, #""source":{"user_agent":"ua","ip":"::1"}"#, #""status_code":503"#,
            #""area":"a""#,
        ]
        var random = SeededRandom(seed: 5)
        let first = try reader.canonical(event(members.joined(separator: ",")))
        #expect(
            first.hasPrefix(
                #"{"time":"2026-01-02T03:04:05.000Z","tenant":"t1","kind":"activity","type":"contact.update","action":"update","outcome":"success","severity":"low","actor":{"id":"u1"},"area":"a","#
            ))
        #expect(
            first.contains(
                #""targets":[{"type":"t","id":"i","name":"n"},{}],"changes":[{"field":"f","op":"set","old":{},"new":[]}],"raw":{"old":null,"new":1},"reason":"r","status_code":503,"#
            ))
        #expect(first.contains(#""attempt":{"number":1,"max":5,"next_at":"2025-12-31T23:00:00.000Z","duration_ms":1.50}"#))
        for _ in 0..<50 { #expect(try reader.canonical(event(members.shuffled(using: &random).joined(separator: ","))) == first) }
        let names = try StrictReader.read(first).names
        #expect(names == CanonicalSchema.rootNames.filter(names.contains))
    }

    @Test("what must be there is asked for by name", arguments: ["tenant", "kind", "type", "action", "outcome", "severity", "actor"])
    func required(name: String) throws {
        try reader.parse(event())
        reader.tree.detach(reader.tree.child(of: .root, reader.symbol(name)), from: .root)
        #expect(throws: Rejection.self) { try reader.write() }
        do throws(Rejection) { _ = try reader.write() } catch {
            #expect(error.code == .required && error.field == name)
        }
        let nulled = event().replacing("\"\(name)\":", with: "\"\(name)\":null,\"x\":")
        #expect(reader.canonicalRejection(nulled)?.code == .required)
    }

    @Test("an event without a time gets the one given")
    func time() throws {
        try reader.parse(event())
        let time = try #require(Timestamp("2026-05-06T07:08:09.010Z"))
        #expect(try StrictReader.read(try reader.write(time: time))["time"] == .text(time.description))
        #expect(reader.canonicalRejection(event(#""time":5"#))?.code == .wrongType)
        #expect(reader.canonicalRejection(event(#""time":"yesterday""#))?.code == .invalidValue)
        #expect(reader.canonicalRejection(event(#""time":null"#)) == nil)
    }

    @Test(
        "a wrong type or value is refused with its field",
        arguments: [
            (#""area":{}"#, "area", .wrongType), (#""area":["x"]"#, "area", .wrongType), (#""portal":"Agent""#, "portal", .invalidValue),
            (#""portal":""#, "portal", .invalidJSON),
            (#""portal":1"#, "portal", .wrongType), (#""portal":"a\u0067ents""#, "portal", .invalidValue),
            (#""status_code":"x""#, "status_code", .invalidValue),
            (#""status_code":1.5"#, "status_code", .invalidValue), (#""status_code":1e3"#, "status_code", .invalidValue),
            (#""status_code":true"#, "status_code", .wrongType),
            (#""status_code":"""#, "status_code", .invalidValue), (#""status_code":"-""#, "status_code", .invalidValue),
            (#""status_code":"007""#, "status_code", .invalidValue),
            (#""status_code":" 7""#, "status_code", .invalidValue), (#""status_code":"99999999999999999999""#, "status_code", .numberRange),
            (#""attempt":{"duration_ms":"1e999"}"#, "attempt.duration_ms", .numberRange),
            (#""attempt":{"duration_ms":"-1e400"}"#, "attempt.duration_ms", .numberRange),
            (#""attempt":{"duration_ms":"123456789012345678901"}"#, "attempt.duration_ms", .numberRange),
            (#""attempt":{"next_at":1}"#, "attempt.next_at", .wrongType),
            (#""attempt":{"next_at":"soon"}"#, "attempt.next_at", .invalidValue), (#""attempt":[]"#, "attempt", .wrongType),
            (#""auth":{"mfa":"true"}"#, "auth.mfa", .wrongType), (#""labels":[]"#, "labels", .wrongType),
            (#""labels":"x""#, "labels", .wrongType),
            (#""source":"google""#, "source", .wrongType), (#""target":[{}]"#, "target", .wrongType),
            (#""targets":{}"#, "targets", .wrongType), (#""targets":[1]"#, "targets", .wrongType),
            (#""changes":[[]]"#, "changes", .wrongType), (#""effective_user":{"roles":"admin"}"#, "effective_user.roles", .wrongType),
            (#""effective_user":{"type":"robot"}"#, "effective_user.type", .invalidValue),
            (#""effective_user":{"id":{}}"#, "effective_user.id", .wrongType),
            (#""failure":{"class":"Dns"}"#, "failure.class", .invalidValue), (#""unmapped":[]"#, "unmapped", .wrongType),
            (#""unmapped":"x""#, "unmapped", .wrongType),
        ] as [(String, String, Rejection.Code)])
    func refused(member: String, field: String, code: Rejection.Code) {
        let rejection = reader.canonicalRejection(event(member))
        #expect(rejection?.code == code, "\(member): \(rejection as Any)")
        if code != .invalidJSON { #expect(rejection?.field.hasSuffix(field.split(separator: ".").last!) == true, "\(rejection as Any)") }
    }

    @Test("every word of a vocabulary is taken, its neighbours are not")
    func vocabularies() {
        for (name, choices) in [("action", Vocabulary.action), ("outcome", Vocabulary.outcome), ("severity", Vocabulary.severity)] {
            let old = ["action": "update", "outcome": "success", "severity": "low"][name]!
            for word in choices.words {
                let text = event().replacing("\"\(name)\":\"\(old)\"", with: "\"\(name)\":\"\(word)\"")
                #expect(reader.canonicalRejection(text) == nil, "\(word)")
                let last = word.last!
                for wrong in [
                    word + "s", String(word.dropLast()) + "_", word.uppercased(), " " + word,
                    String(word.dropLast()) + String(last) + "\\u0000", String(word.reversed()) + "x",
                ] {
                    #expect(
                        reader.canonicalRejection(text.replacing("\"\(word)\"", with: "\"\(wrong)\""))?.code == .invalidValue, "\(wrong)")
                }
            }
        }
        for choices in CanonicalSchema.choices {
            for word in choices.words { Array(word.utf8).withUnsafeBytes { #expect(choices.contains($0)) } }
        }
    }

    @Test("ids that came as numbers or booleans become their text, numbers that came as strings become numbers")
    func coercion() throws {
        let written = try reader.canonical(
            event(#""session":12.50e3,"brand":true,"status_code":"404","attempt":{"number":"3","duration_ms":"-0.5E1"},"operation":-0"#))
        for part in [
            #""session":"12.50e3""#, #""brand":"true""#, #""status_code":404"#, #""attempt":{"number":3,"duration_ms":-0.5E1}"#,
            #""operation":"-0""#,
        ] {
            #expect(written.contains(part), "\(part)")
        }
    }

    @Test("null and emptiness in a typed field count as absent; free values keep both; actor always stays")
    func absent() throws {
        let nothing = event(
            #""area":null,"target":null,"source":{},"request":{"id":null},"targets":[],"changes":[],"labels":{},"auth":{"mfa":null},"unmapped":{},"attempt":null"#
        )
        #expect(try reader.canonical(nothing) == (try reader.canonical(event())))
        #expect(try reader.canonical(event(#""effective_user":{"roles":[],"details":{}}"#)) == (try reader.canonical(event())))
        #expect(
            try reader.canonical(event(#""changes":[{"field":"f","old":null,"new":{"a":[]}}]"#)).contains(
                #""changes":[{"field":"f","old":null,"new":{"a":[]}}]"#))
        #expect(try reader.canonical(event(#""unmapped":{"a":null,"b":{}}"#)).contains(#""unmapped":{"a":null,"b":{}}"#))
        for actor in ["{}", #"{"id":null}"#] {
            let written = try reader.canonical(event().replacing(#"{"id":"u1"}"#, with: actor))
            #expect(try StrictReader.read(written)["actor"] == .object([]))
        }
    }

    @Test("what has no place is kept under unmapped with its dotted path")
    func leftovers() throws {
        let written = try reader.canonical(
            event(
                #""custom":[1,{"a":"\n"}],"seq":7,"id":"theirs","received":null,"target":{"id":"x","colour":"red"},"source":{"city":"Köln"},"f\"oo":null,"roles":[1]"#
            ))
        let unmapped = try #require(try StrictReader.read(written)["unmapped"])
        let expected =
            #"{"target.colour":"red","source.city":"Köln","custom":[1,{"a":"\n"}],"seq":7,"id":"theirs","received":null,"f\"oo":null,"roles":[1]}"#
        #expect(unmapped == (try StrictReader.read(expected)))
        let root = try StrictReader.read(written)
        #expect(root["source"] == nil && root["seq"] == nil && root["id"] == nil && root["received"] == nil)
    }

    @Test("leftovers join a given unmapped; no name is lost or written twice")
    func mergedLeftovers() throws {
        let written = try reader.canonical(
            event(
                #""unmapped":{"custom":"given","target.colour":1,"kept":2},"custom":"own","target":{"colour":"red"},"target.colour":3,"changes":[{"by":"a"},{"field":"f"},{"by":"b","at":1}],"changes[0].by":"c""#
            ))
        let unmapped = try #require(try StrictReader.read(written)["unmapped"])
        let values: [JSONValue] =
            ["given", "own", "red", "a", "b", "c"].map { .text($0) } + [.number("1"), .number("2"), .number("3"), .number("1")]
        guard case .object(let members) = unmapped else { return }
        #expect(members.count == values.count)
        for value in values { #expect(members.contains { $0.value == value }, "\(value)") }
        #expect(unmapped["custom"] == .text("given"))
        #expect(unmapped["kept"] == .number("2"))
        #expect(unmapped["changes[2].at"] == .number("1"))
        #expect(try reader.canonical(written) == written)
    }

    @Test("an event of 32 levels is written whole, although unmapped adds a level")
    func depth() throws {
        let deep = String(repeating: "[", count: 31) + String(repeating: "]", count: 31)
        let written = try StrictReader.read(
            try reader.canonical(event("\"custom\":\(deep),\"labels\":{\"l\":\(deep.dropFirst().dropLast())}")))
        #expect(written["unmapped"]?["custom"] == (try StrictReader.read(deep)))
        #expect(written["labels"]?["l"] != nil)
    }

    @Test("strings are escaped where RFC 8259 demands it and nowhere else")
    func escapes() throws {
        let written = try reader.canonical(
            event(#""summary":"\u0041\/\"\\\b\t\n\f\r\u0001\u001F\u007f\u2028é\ud83d\ude00","labels":{"\u0062\n":"\/"}"#))
        #expect(written.contains("\"summary\":\"A/\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001f\u{7f}\u{2028}é😀\""))
        #expect(written.contains(#""labels":{"b\n":"/"}"#))
        try Array("\0\u{1b}[0m \"q\"".utf8).withUnsafeBytes { try reader.tree.take(text: $0) }
        let message = reader.tree.child(of: .root, reader.symbol("message"))
        let text = Array(reader.tree.text(of: message))
        try reader.parse(event())
        text.withUnsafeBytes { reader.tree.put(reader.tree.makeString($0), into: .root, as: reader.symbol("summary")) }
        #expect(try StrictReader.read(try reader.write())["summary"] == .string(text))
    }

    @Test("an identity needs an original_id and depends on tenant, producer and it alone")
    func identity() throws {
        func identity(_ text: String) throws -> UInt64 {
            try reader.parse(text)
            return try reader.writer.write(reader.tree, time: Timestamp(milliseconds: 0)).identity
        }
        #expect(try identity(event()) == 0)
        #expect(try identity(event(#""original_id":"""#)) == 0)
        #expect(try identity(event(#""original_id":null"#)) == 0)
        let plain = try identity(event(#""original_id":"7","producer":{"name":"p"}"#))
        #expect(plain != 0)
        #expect(try identity(event(#""producer":{"version":"2","name":"\u0070"},"area":"x","original_id":7"#)) == plain)
        #expect(try identity(event(#""original_id":"7""#)) != plain)
        #expect(try identity(event(#""original_id":"7","producer":{"name":"q"}"#)) != plain)
        #expect(try identity(event(#""original_id":"7","producer":{"name":"p"}"#).replacing("t1", with: "t2")) != plain)
        #expect(reader.canonicalRejection(event("\"original_id\":\"\(String(repeating: "x", count: 257))\""))?.code == .tooLarge)
        #expect(reader.canonicalRejection(event("\"original_id\":\"\(String(repeating: "x", count: 256))\"")) == nil)
    }
}
