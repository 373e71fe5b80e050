import TestSupport
import Testing

@testable import EventModel

@Suite("EventTree.parse")
struct EventTreeParseTests {
    @Test("random documents come out as they were meant, thousands through one tree", arguments: [1, 2, 3, 4] as [UInt64])
    func randomDocuments(seed: UInt64) throws {
        var maker = DocumentMaker(seed: seed)
        let reader = EventReader(symbols: SymbolTable(names: ["a", "b", "a.b", "a\"", "e\u{301}"]))
        for round in 0..<1500 {
            let document = maker.make()
            try reader.parse(document.text)
            let found = reader.value()
            if found != document.value {
                Issue.record("seed \(seed), round \(round): \(String(decoding: document.text, as: UTF8.self)) came out as \(found)")
            }
            checkRootMembers(reader)
        }
    }

    /// Every known root member, and no other, is reached through its symbol.
    private func checkRootMembers(_ reader: EventReader) {
        var bySymbol: [Symbol: NodeIndex] = [:]
        for child in reader.children(of: .root) { bySymbol[reader.tree.symbol(of: child)] = child }
        for number in 1..<reader.tree.symbols.count {
            let symbol = Symbol(UInt16(number))
            let found = reader.tree.child(of: .root, symbol)
            if found != bySymbol[symbol] ?? .none { Issue.record("\(reader.tree.symbols.name(symbol)) leads to node \(found)") }
        }
    }

    @Test(
        "strings that end in escapes keep their own bytes",
        arguments: [
            (#"a\""#, "a\""), (#"\\"#, "\\"), (#"\\\""#, "\\\""), (#"\\\\"#, "\\\\"), (#"a\\"#, "a\\"), (#"\""#, "\""), (#"\u005c"#, "\\"),
            (#"\u0022"#, "\""),
            (#"\ud83d\ude00"#, "😀"), (#"\u0000"#, "\0"), (#"\/"#, "/"), ("", ""), (#"\b\f\n\r\t"#, "\u{8}\u{c}\n\r\t"),
        ])
    func escapes(written: String, meant: String) throws {
        let reader = EventReader()
        for text in ["{\"\(written)\":\"\(written)\"}", "{ \"\(written)\" : [ \"\(written)\" , \"\" ] }"] {
            try reader.parse(text)
            let member = reader.children(of: .root)[0]
            #expect(Array(reader.tree.key(of: member)) == Array(meant.utf8))
            let value = reader.tree.shape(of: member) == .string ? member : reader.tree.firstChild(of: member)
            #expect(Array(reader.tree.text(of: value)) == Array(meant.utf8))
        }
    }

    @Test(
        "numbers keep their text",
        arguments: ["0", "-0", "-0.0", "1E5", "1e+05", "100000000000000000000.0", "18446744073709551615", "-9223372036854775808", "1e-999"])
    func numbers(text: String) throws {
        let reader = EventReader()
        for document in ["{\"n\":\(text)}", "{\"n\":[\(text),\(text)],\"m\":\(text) }", "{\"n\":\(text)\n,\"m\":{\"o\":\(text)}}"] {
            try reader.parse(document)
            #expect(reader.value() == (try StrictReader.read(document)))
        }
    }

    @Test("32 levels are taken, 33 are refused with the place")
    func depth() throws {
        let reader = EventReader()
        try reader.parse(#"{"a":"# + String(repeating: "[", count: 31) + String(repeating: "]", count: 31) + "}")
        try reader.parse(String(repeating: #"{"a":"#, count: 32) + "1" + String(repeating: "}", count: 32))
        let arrays = reader.rejection(#"{"first":1,"a":"# + String(repeating: "[", count: 32) + String(repeating: "]", count: 32) + "}")
        #expect(arrays?.code == .tooDeep)
        #expect(arrays?.field == "a")
        let objects = reader.rejection(String(repeating: #"{"a":"#, count: 33) + "1" + String(repeating: "}", count: 33))
        #expect(objects?.code == .tooDeep)
        #expect(objects?.field == [String](repeating: "a", count: 32).joined(separator: "."))
        #expect(reader.rejection(String(repeating: "[", count: 100_000))?.code != nil)
        try reader.parse("{}")
    }

    @Test(
        "the same key twice in one object is refused and named by its path",
        arguments: [
            (#"{"a":1,"a":1}"#, "a"), (#"{"actor":{},"b":{},"actor":{}}"#, "actor"), (#"{"x":{"id":1,"name":2,"id":3}}"#, "x.id"),
            (#"{"x":[{"id":1},{"q":1,"q":2}]}"#, "x.q"), (#"{"a":1,"\u0061":2}"#, "a"), (#"{"\u0069d":1,"id":2}"#, "id"),
            (#"{"x":{"y":{"z":[[{"kind":{"kind":1},"type":[{"kind":2}],"kind":0}]]}}}"#, "x.y.z.kind"), (#"{"":1,"":2}"#, ""),
            (#"{"a\"":1,"b":2,"a\u0022":3}"#, "a\""),
            (#"{"é":1,"\u00e9":2}"#, "é"), (#"{"q":{"q":1},"r":{"q":{"q":2}},"q":3}"#, "q"),
        ])
    func duplicateKeys(text: String, name: String) {
        let reader = EventReader()
        // Twice, and after another event: what an earlier event left must neither hide nor invent a duplicate.
        for _ in 0..<2 {
            #expect(reader.rejection(text)?.code == .duplicateKey, "\(text)")
            #expect(reader.rejection(text)?.field == name)
            #expect(reader.rejection(event()) == nil)
        }
    }

    @Test("the same name in different objects is no duplicate")
    func siblings() throws {
        let reader = EventReader()
        for text in [
            #"{"id":1,"a":{"id":1,"a":{"id":1,"a":{}}},"b":[{"id":1,"z":1},{"id":2,"z":2},[{"id":3,"z":3}]],"c":{"id":1}}"#,
            #"{"a":{"x":{"p":1},"y":{"p":1}},"b":{"x":{"p":1},"y":{"p":1}},"p":{"x":1}}"#, #"{"é":1,"e\#u{301}":2}"#, #"{"A":1,"a":2}"#,
        ] {
            for _ in 0..<3 { try reader.parse(text) }
        }
    }

    @Test("what one event leaves behind is no duplicate for the next, however its members shift", arguments: [21, 22] as [UInt64])
    func staleStamps(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let reader = EventReader()
        for _ in 0..<3000 {
            let names = CanonicalSchema.names.shuffled(using: &random).prefix(Int.random(in: 0...12, using: &random))
            let inner = "{" + names.reversed().map { "\"\($0)\":0" }.joined(separator: ",") + "}"
            var members = names.map { "\"\($0)\":\(Bool.random(using: &random) ? inner : "[\(inner),\(inner)]")" }
            try reader.parse("{" + members.joined(separator: ",") + "}")
            guard let doubled = members.randomElement(using: &random) else { continue }
            members.insert(doubled, at: Int.random(in: 0...members.count, using: &random))
            #expect(reader.rejection("{" + members.joined(separator: ",") + "}")?.code == .duplicateKey)
        }
    }

    @Test("1,024 unknown members in an object are taken, 1,025 refused, and each object counts for itself")
    func members() throws {
        let reader = EventReader()
        func object(_ count: Int) -> String { "{" + (0..<count).map { "\"k\($0)\":0" }.joined(separator: ",") + "}" }
        try reader.parse(object(1024))
        #expect(reader.children(of: .root).count == 1024)
        try reader.parse("{\"a\":\(object(1024)),\"b\":[\(object(1024)),\(object(1024))]}")
        let refused = reader.rejection(object(1025))
        #expect(refused?.code == .tooLarge)
        #expect(refused?.field == "k1024")
        #expect(reader.rejection("{\"a\":[\(object(1025))]}")?.code == .tooLarge)
    }

    @Test("an event has at most 256 KiB, and a largest one is taken whole")
    func size() throws {
        let reader = EventReader()
        let room = Limits.eventBytes - "{\"a\":\"\"}".utf8.count
        try reader.parse("{\"a\":\"" + String(repeating: "x", count: room) + "\"}")
        #expect(reader.tree.text(of: reader.children(of: .root)[0]).count == room)
        let refused = reader.rejection("{\"a\":\"" + String(repeating: "x", count: room + 1) + "\"}")
        #expect(refused?.code == .tooLarge)
        let elements = (Limits.eventBytes - "{\"a\":[0]}".utf8.count) / 2
        try reader.parse("{\"a\":[0" + String(repeating: ",0", count: elements) + "]}")
        #expect(reader.children(of: reader.children(of: .root)[0]).count == elements + 1)
    }

    @Test("only an event's own bytes are parsed, whatever follows them")
    func padding() throws {
        let reader = EventReader()
        for following in [
            "}", ",\"b\":2}", "\"}", "garbage", "\0\0", "]]]]", String(repeating: "\\", count: 64), String(repeating: "9", count: 64),
        ] {
            for text in [
                "{\"a\":1}", "{}", "{\"a\":\"\\u0041\"}", "{\"a\":[1,2]} ", "{\"a\":{}}\n",
                "{\"long\":\"\(String(repeating: "y", count: 51))\"}",
            ] {
                let bytes = Array(text.utf8)
                try reader.parse(bytes, followedBy: following)
                #expect(reader.value() == (try StrictReader.read(text)), "\(text) before \(following)")
                for length in 0..<text.trimmingSpace.utf8.count {
                    // What was cut off follows in memory, so a parser that reads on would find a whole document.
                    let rest = String(decoding: bytes[length...], as: UTF8.self)
                    let taken = (try? reader.parse(Array(bytes[..<length]), followedBy: rest + following)) != nil
                    #expect(!taken, "the first \(length) bytes of \(text)")
                }
            }
        }
    }

    @Test(
        "what is no object, or nothing at all, is refused",
        arguments: ["", " ", "1", "\"a\"", "[]", "[{}]", "null", "true", "{} {}", "{}x", "\u{FEFF}{}", "{"])
    func noObject(text: String) {
        let reader = EventReader()
        #expect(reader.rejection(text) != nil)
        #expect(reader.rejection("{}") == nil)
    }

    @Test("a line of text becomes a message, bytes that are not UTF-8 are refused with their offset")
    func text() throws {
        let reader = EventReader()
        func take(_ bytes: [UInt8]) -> Rejection? {
            bytes.withUnsafeBytes { bytes in
                do throws(Rejection) {
                    try reader.tree.take(text: bytes)
                    return nil
                } catch { return error }
            }
        }
        #expect(take(Array("say \"hi\"\t\u{1}\\ é".utf8)) == nil)
        #expect(reader.value() == .object([JSONValue.Member(name: Array("message".utf8), value: .text("say \"hi\"\t\u{1}\\ é"))]))
        #expect(
            take(Array("0123456789\u{FF}".utf8.dropLast())) == Rejection(field: "", code: .invalidJSON, message: "byte 10 is not UTF-8"))
        #expect(take([]) == nil)
        #expect(reader.value()["message"] == .text(""))
        let empty = reader.tree.makeEmpty(.object)
        #expect(reader.tree.text(of: empty).isEmpty)
    }
}

extension String {
    fileprivate var trimmingSpace: String {
        var text = self[...]
        while let last = text.last, last == " " || last == "\n" { text = text.dropLast() }
        return String(text)
    }
}
