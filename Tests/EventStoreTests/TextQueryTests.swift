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
            ("\u{212A}", ["\u{212A}"]),
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

    @Test("a query that cannot be meant is refused with its place")
    func refused() {
        for (text, offset) in [("a -", 2), ("\"open", 0), ("kind:", 5), ("a..b:c", 0), ("a !!", 2), ("- x", 0)] {
            do {
                _ = try TextQuery.parse(text)
                Issue.record("\(text) was taken")
            } catch {
                #expect(error.offset == offset)
            }
        }
    }
}
