import Testing

@testable import EventStore

@Suite struct TextQueryTests {
    @Test("words are cut as the documentation of Words says")
    func words() {
        for (text, expected) in [
            ("Ana Diaz updated TCK-390706", ["ana", "diaz", "updated", "tck-390706"]),
            ("10.0.0.7:8080, v1.2.3", ["10.0.0.7:8080", "v1.2.3"]),
            ("billing-refund acme.example.com", ["billing", "refund", "acme", "example", "com"]),
            ("2026-11-20T10:00", ["2026-11-20t10:00"]),
            ("ÉCLAIR naïve ", ["éclair", "naïve"]), ("a_b.-1", ["a_b", "1"]), ("...", []), ("x-", ["x"]), ("end.5", ["end", "5"]),
            ("\u{212A}", ["\u{212A}"]), ("„Refund“ sofort… 5\u{A0}€", ["refund", "sofort", "5", "€"]),
            ("ª µm º×÷¿¡«ja»", ["ª", "µm", "º", "ja"]), ("日本、語。\u{3000}x—y‑z", ["日本", "語", "x", "y", "z"]),
            ("\u{2070}\u{207F}ÀÖØöøÿ ’s", ["\u{2070}\u{207F}àöøöøÿ", "s"]), ("Ã\u{C2}", ["ãâ"]),
        ] {
            #expect(Words.all(in: Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) } == expected)
        }
    }

    @Test("clauses are words, phrases, fields and their negations")
    func clauses() throws {
        let clauses = try TextQuery.parse("refund \"Billing refund\" -kind:access changes.role:\"Team lead\" 12:30").clauses
        #expect(clauses.map(\.negated) == [false, false, true, false, false])
        #expect(clauses.map(\.path) == [[], [], ["kind"], ["changes", "role"], []])
        #expect(
            clauses.map { String(decoding: $0.phrase.whole, as: UTF8.self) } == [
                "refund", "billing refund", "access", "team lead", "12:30",
            ])
    }

    @Test("before a colon only fields of events are paths, all else is words")
    func fields() throws {
        for (text, path, words) in [
            ("fe80::1", [], ["fe80", "1"]), ("https://hooks.example.com/v1", [], ["https", "hooks", "example", "com", "v1"]),
            ("user:\"Ana Diaz\"", [], ["user", "ana", "diaz"]), ("ip:10.0.0.7", ["source", "ip"], ["10.0.0.7"]),
            ("request_id:r1", ["request", "id"], ["r1"]), ("failure_class:timeout", ["failure", "class"], ["timeout"]),
            ("Kind:access", ["kind"], ["access"]), ("labels.k8s.io/name:web", ["labels", "k8s", "io/name"], ["web"]),
            ("summary:\"--\"", ["summary"], []), ("summary:--", ["summary"], []), ("12:30", [], ["12:30"]),
        ] as [(String, [String], [String])] {
            let clauses = try TextQuery.parse(text).clauses
            #expect(clauses.count == 1 && clauses[0].path == path, "\(text)")
            #expect(clauses[0].phrase.words.map { String(decoding: $0, as: UTF8.self) } == words, "\(text)")
        }
        for (text, instead) in [("id:019a", "/v1/events/ID"), ("seq:1", "tenant"), ("-received:2026", "from")] {
            #expect { try TextQuery.parse(text) } throws: { "\($0)".contains(instead) }
        }
    }

    @Test("a clause holds where its field, change or label does, and nowhere else")
    func matching() throws {
        let line = """
            {"seq":1,"id":"019ac3f0-1c00-7abc-8000-000000000001","received":"2026-11-20T10:00:00.000Z","time":"2026-11-20T10:00:00.000Z",\
            "tenant":"acme","kind":"activity","summary":"„refund“ by fe80::1, sofort…","changes":[{"field":"role","old":"a\\"}],[{","new":"b"},\
            {"old":{},"new":"admin"},{"field":"profile.email","op":"change","old":{"deep":["x"]},"new":"y"},{"old":[{"e":"z"}]}],\
            "source":{"ip":"10.0.0.7"},"labels":{"k8s.io/name":"web","a.b":{"c.d":"v"}},"unmapped":{"text":"--"}}
            """
        for (query, expected) in [
            ("changes.role:b", true), ("changes.role:admin", false), ("changes.profile.email:y", true), ("changes.profile.email:x", true),
            ("changes.profile.email:z", false), ("changes.new:admin", true), ("changes.field:profile.email", true),
            ("labels.k8s.io/name:web", true), ("labels.k8s.io:web", false), ("labels.a.b.c.d:v", true), ("labels.a.b:v", true),
            ("labels.a:v", false), ("unmapped.text:--", true), ("unmapped.text:\"--\"", true), ("refund", true), ("sofort", true),
            ("fe80::1", true), ("ip:10.0.0.7", true), ("ip:10.0.0.8", false), ("source.ip:10.0.0.7", true), ("-ip:10.0.0.7", false),
        ] {
            var matcher = try EventMatcher(filters: [], text: TextQuery.parse(query))
            let holds = Array(line.utf8).withUnsafeBytes { matcher.matches($0) }
            #expect(holds == expected, "\(query)")
        }
    }

    @Test("a query that cannot be meant is refused with its place")
    func refused() {
        for (text, offset) in [
            ("a -", 2), ("\"open", 0), ("kind:", 5), ("labels..b:c", 0), ("kind:\"\"", 5), ("a id:7", 2), ("a !!", 2), ("- x", 0),
        ] {
            do {
                _ = try TextQuery.parse(text)
                Issue.record("\(text) was taken")
            } catch {
                #expect(error.offset == offset)
            }
        }
    }
}
