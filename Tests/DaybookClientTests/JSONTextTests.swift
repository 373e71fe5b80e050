import Testing

@testable import DaybookClient

@Suite("JSON text")
struct JSONTextTests {
    @Test("members and elements keep the bytes they were written in")
    func keepsBytes() throws {
        let answer = try #require(
            JSONText(Array(#" {"events":[{"n":1.50,"s":"\u00e4 ]"} , [2,{}],"x"],"next_cursor":null,"t":true}"#.utf8)))
        let events = try #require(answer["events"]?.elements)
        #expect(events.map(\.shown) == [#"{"n":1.50,"s":"\u00e4 ]"}"#, "[2,{}]", "x"])
        #expect(events[0]["n"]?.number == 1.5)
        #expect(events[0]["s"]?.string == "ä ]")
        #expect(answer["next_cursor"]?.isNull == true)
        #expect(answer.members.map(\.name) == ["events", "next_cursor", "t"])
        #expect(answer["missing"] == nil)
    }

    @Test("every escape is undone; a lone surrogate becomes the replacement character")
    func escapes() {
        #expect(JSONText(Array(#""\"\\\/\b\f\n\r\t\ud83d\ude00 \ud800x""#.utf8))?.string == "\"\\/\u{8}\u{C}\n\r\t😀 \u{FFFD}x")
    }

    @Test("what is no JSON yields nothing and never traps")
    func garbage() {
        for text in ["", " ", "<html>", "{", "[1,", "\"abc", "{\"a\"", "{\"a\":", "\\", "[[[[", "{\"a\":\"\\", "\"\\u12\""] {
            let value = JSONText(Array(text.utf8))
            _ = value?.members
            _ = value?.elements
            _ = value?.string
        }
        var random = SystemRandomNumberGenerator()
        let seed = random.next()
        var state = seed
        for _ in 0..<20_000 {
            let bytes: [UInt8] = (0..<12).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Array("{}[]\",:\\u1a tn-".utf8)[Int(state >> 33) % 15]
            }
            let value = JSONText(bytes)
            #expect((value?.members.count ?? 0) < 12 && (value?.elements?.count ?? 0) < 13, "seed \(seed)")
            _ = value?.string
        }
    }
}
