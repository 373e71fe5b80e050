import DaybookClient
import Testing

@testable import daybook

@Suite("Tables")
struct TableTests {
    func event(_ text: String) -> JSONText { JSONText(Array(text.utf8))! }

    static let login = """
        {"time":"2026-11-20T12:34:56.789Z","tenant":"acme","kind":"access","type":"access.login","action":"login","outcome":"failure",\
        "actor":{"type":"user","id":"u1","email":"ana@example.com"},"summary":"login failed on agent portal via saml, for the third time today"}
        """

    @Test("no line is wider than the window", arguments: [80, 100, 132, 200])
    func width(columns: Int) {
        var table = EventTable(width: columns, colours: false)
        let lines = table.render([event(Self.login), event(Self.login)])
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { TextWidth.columns($0) <= columns })
        #expect(lines[1].hasPrefix("2026-11-20 12:34:56  acme"))
        #expect(lines[1].contains("ana@ex") && lines[1].contains("login fai"))
    }

    @Test(
        "narrow windows go without some columns", arguments: [(79, "KIND"), (70, "TENANT"), (59, "OUTCOME"), (59, "ACTOR"), (40, "ACTION")])
    func narrow(columns: Int, missing: String) {
        var table = EventTable(width: columns, colours: false)
        let lines = table.render([event(Self.login)])
        #expect(lines.allSatisfy { TextWidth.columns($0) <= columns })
        #expect(!lines[0].contains(missing) && lines[0].hasPrefix("TIME") && lines[0].contains("SUMMARY"))
    }

    @Test("the heading stands once, and later rows keep its columns")
    func pages() {
        var table = EventTable(width: 160, colours: false)
        let first = table.render([event(Self.login)])
        let second = table.render([event(Self.login)])
        #expect(first.count == 2 && second.count == 1 && first[1] == second[0])
    }

    @Test("failures show what failed instead of an actor")
    func subjects() {
        let row = EventTable.row(
            event(#"{"kind":"webhook_failure","webhook":{"id":"wh_1","name":"CRM"},"failure":{"message":"timed out"}}"#))
        #expect(row[3] == "CRM" && row[6] == "timed out")
    }

    @Test("text of strangers cannot move the cursor or turn its direction")
    func harmless() {
        #expect(TextWidth.harmless("a\u{1B}[2Jb\u{202E}c\nd\u{9B}e") == "a·[2Jb·c·d·e")
        var table = Table([.init(title: "A", most: 20)], width: 40, colours: false)
        #expect(table.render([["\u{1B}]0;x\u{7}"]])[1] == "·]0;x·")
    }

    @Test("wide characters take two columns and are never cut in half")
    func wide() {
        #expect(TextWidth.columns("日本") == 4)
        #expect(TextWidth.fit("日本語", 4) == "日… ")
        #expect(TextWidth.fit("ab", 4) == "ab  " && TextWidth.fit("ab", 4, right: true) == "  ab" && TextWidth.fit("abcdef", 4) == "abc…")
    }

    @Test("counts are a table with the asked fields")
    func counts() {
        let rows = JSONText(Array(#"[{"kind":"access","day":"2026-11-20","count":12345}]"#.utf8))!.elements!
        #expect(
            CountCommand.render(rows, by: ["kind", "day"], width: 80, colours: false) == [
                "KIND    DAY          COUNT", "access  2026-11-20  12,345",
            ])
    }

    @Test("numbers and durations read as people write them")
    func numbers() {
        #expect(Numbers.grouped(-1_234_567) == "-1,234,567" && Numbers.grouped(999) == "999")
        #expect(Numbers.fixed(1234.567, 2) == "1,234.57" && Numbers.fixed(0.05, 1) == "0.1" && Numbers.fixed(7, 0) == "7")
        #expect(Numbers.bytes(1536) == "1.5 KiB" && Numbers.duration(microseconds: 1500) == "1.50 ms")
        #expect(ProgressBar.render(title: "x", done: 5, total: 10, note: "n", width: 4) == "x ██░░ 50 % n")
    }
}
