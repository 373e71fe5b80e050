import Foundation
import TestSupport
import Testing

@testable import Archive

/// The person in other writing: percent-encoded, escaped, composed otherwise, in base64.
@Suite struct PersonDisguiseTests {
    private static let email = "mei.olsen1@oscorp00.example.com"

    private static var mei: Person {
        var person = Person(id: "u-000002", email: email)
        person.names = ["mei olsen", "zoë ångström"]
        return person
    }

    private static func line(_ note: String) -> [UInt8] {
        let quoted = String(decoding: try! JSONEncoder().encode([note]), as: UTF8.self).dropFirst().dropLast()
        // Canonical lines escape no slashes.
        return Array(#"{"seq":7,"id":"x","tenant":"acme","kind":"activity","summary":\#(quoted.replacing("\\/", with: "/"))}"#.utf8)
    }

    /// What becomes of the value of a field; `nil` when the line stays.
    private static func erase(_ note: String, _ person: Person = mei) throws -> String? {
        var eraser = PersonEraser(person)
        guard let bytes = line(note).withUnsafeBytes({ eraser.replacement(for: $0) }) else { return nil }
        let event = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        return try #require(event["summary"] as? String)
    }

    private static func eraseText(_ text: String) -> String? {
        var eraser = PersonEraser(mei)
        return Array(text.utf8).withUnsafeBytes { eraser.replacement(forText: $0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    private static func base64URL(_ text: String) -> String {
        base64(text).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    @Test(
        "percent signs and backslashes hide nobody, however often and whatever they encode",
        arguments: [
            ("?u=mei.olsen1%40oscorp00.example.com&x=1%25", "?u=[erased]&x=1%25"),
            ("?to=%2Flogin%3Fu%3Dmei.olsen1%2540oscorp00.example.com%26a", "?to=%2Flogin%3Fu%3D[erased]%26a"),
            ("%6Dei%2Eolsen1%2540oscorp00%252Eexample%2Ecom", "[erased]"), ("a%252Fb%2fMei%2520Olsen%2f", "a%252Fb%2f[erased]%2f"),
            ("n=Mei+Olsen&m=mei%2Bolsen", "n=[erased]&m=[erased]"), ("Zo%C3%AB%20%c3%85ngstr%C3%B6m", "[erased]"),
            (#"{"email":"mei.olsen1\u0040oscorp00.example.com"}"#, #"{"email":"[erased]"}"#),
            (#"{"b":"{\"id\":\"u\\u002d000002\"}"}"#, #"{"b":"{\"id\":\"[erased]\"}"}"#),
            (#"Zo\u00eb \u00C5ngstr\u00f6m"#, "[erased]"), (#"x\nu-000002\ty"#, #"x\n[erased]\ty"#),
        ])
    func encoded(note: String, expected: String) throws {
        #expect(try Self.erase(note) == expected)
        #expect(Self.eraseText(note) == expected)
    }

    @Test("composed and decomposed letters are the same, in either case and on either side")
    func compositions() throws {
        let composed = "Zoë Ångström".precomposedStringWithCanonicalMapping
        let decomposed = composed.decomposedStringWithCanonicalMapping
        #expect(Array(composed.utf8) != Array(decomposed.utf8))
        for known in [composed, decomposed] {
            var person = Person(id: "u-000002")
            person.names = [known.lowercased()]
            for written in [composed, decomposed, composed.uppercased(), decomposed.uppercased(), decomposed.lowercased()] {
                #expect(try Self.erase("by \(written).", person) == "by [erased].")
            }
            #expect(try Self.erase("Zoe Angstrom and Zoë Ångströms", person) == nil)
        }
    }

    @Test(
        "base64 around the person goes as a whole",
        arguments: [
            ("Authorization: Basic " + base64("Mei.Olsen1@oscorp00.example.com:hunter2") + "; a", "Authorization: Basic [erased]; a"),
            (
                "Bearer eyJhbGciOiJub25lIn0." + base64URL(#"{"sub":"7","email":"mei.olsen1@oscorp00.example.com"}"#) + ".c2ln",
                "Bearer eyJhbGciOiJub25lIn0.[erased].c2ln"
            ),
            ("node " + base64("User:u-000002") + " n", "node [erased] n"),
            ("q=" + base64("u-000002").replacing("=", with: "%3D"), "q=[erased]"),
            ("/v1/users/" + base64URL("mei.olsen1@oscorp00.example.com") + "?a", "[erased]?a"),
            (base64("\u{1}\u{2}Zoë Ångström") + " x", "[erased] x"),
        ])
    func inBase64(note: String, expected: String) throws {
        #expect(try Self.erase(note) == expected)
        #expect(Self.eraseText(note) == expected)
    }

    @Test(
        "somebody else stays in the same writings",
        arguments: [
            "xmei.olsen1%2540oscorp00.example.com", #"mei.olsen1\u0040oscorp00.example.com.au"#, "u%2D0000021", "100%25 of Mei%20Olsenius",
            "Basic " + base64("amei.olsen1@oscorp00.example.com:x"), base64("u-0000021"), base64("Mei Olsenius"),
            "%zz \\q 5% \\u12 \\ud800",
            "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        ])
    func others(note: String) throws {
        #expect(try Self.erase(note) == nil)
        #expect(Self.eraseText(note) == nil)
    }

    @Test("names of others go from an event that tells the person in disguise only")
    func sharedName() throws {
        var person = Person(email: Self.email)
        person.sharedNames = ["mei olsen"]
        #expect(try Self.erase("Mei%20Olsen", person) == nil)
        #expect(try Self.erase("Mei%20Olsen u=mei.olsen1%2540oscorp00.example.com", person) == "[erased] u=[erased]")
    }

    @Test("base64 that is a part of a path is found, whatever the path")
    func base64InPaths() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            let word = String((0..<1 + random.below(12)).map { _ in random.pick(Array("abcdefghijklmnopqrstuvwxyz0123456789")) })
            let path = "/\(word)\(random.pick(["/", "-", "_", "+"]))\(Self.base64URL("mei.olsen1@oscorp00.example.com")).json"
            #expect(try Self.erase("GET \(path)") == "GET [erased].json", "seed \(seed): \(path)")
        }
    }

    @Test("an event of nothing but marks and letters of base64 takes no more than its share of time", .timeLimit(.minutes(1)))
    func hostile() throws {
        for piece in ["/", "%25", #"\\"#, "%5C", "/%2f", "a"] {
            let text = String(repeating: piece, count: 60_000 / piece.utf8.count)
            #expect(Self.eraseText(text) == nil)
            #expect(try Self.erase(text) == nil)
            let withPerson = text + " " + Self.email
            #expect(Self.eraseText(withPerson)?.hasSuffix("[erased]") == true)
        }
    }

    @Test("a short id is not looked for in random letters, where it would turn up by chance")
    func shortInBase64() throws { #expect(try Self.erase(Self.base64("by bob1."), Person(id: "bob1")) == nil) }

    @Test("any three encodings one in another, each of any characters, are seen through")
    func randomEncodings() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<300 {
            var note =
                ["", "to ", "=", "\n"].randomElement(using: &random)! + [Self.email, "U-000002", "Mei Olsen"].randomElement(using: &random)!
                + ["", " now", "&a=b", "\""].randomElement(using: &random)!
            for _ in 0..<Int.random(in: 1...3, using: &random) { note = Self.encode(note, &random) }
            let erased = try #require(try Self.erase(note), "seed \(seed): \(note)")
            #expect(erased.contains("[erased]"), "seed \(seed): \(note) → \(erased)")
            let isClean = Array(erased.utf8).withUnsafeBytes { bytes in
                UndoneText.forEachReading(of: bytes, depth: 4) { reading in
                    let shown = String(decoding: reading.bytes, as: UTF8.self).lowercased()
                    return !shown.contains("olsen") && !shown.contains("000002")
                }
            }
            #expect(isClean, "seed \(seed): \(note) → \(erased)")
        }
    }

    /// Every second character or so, as a URL or as JSON does it.
    private static func encode(_ text: String, _ random: inout SeededRandom) -> String {
        let isJSON = Bool.random(using: &random)
        return text.unicodeScalars.map { scalar in
            let mustBe = isJSON ? "\"\\\n".unicodeScalars.contains(scalar) : scalar == "%"
            guard mustBe || Bool.random(using: &random) else { return String(scalar) }
            let digits = String(scalar.value, radix: 16, uppercase: Bool.random(using: &random))
            return isJSON ? "\\u" + String(repeating: "0", count: 4 - digits.count) + digits : "%" + (digits.count < 2 ? "0" : "") + digits
        }.joined()
    }
}
