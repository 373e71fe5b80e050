import Testing

@testable import EventModel

@Suite("JSONDiagnosis")
struct JSONDiagnosisTests {
    @Test(
        "a refusal names the byte and the field",
        arguments: [
            (#"{"a":tru}"#, "a", "byte 8"), (#"{"a":1,}"#, "", "byte 7"), (#"{"a" 1}"#, "a", "byte 5"),
            (#"{"actor":{"id":"u"#, "actor.id", "byte"),
            (#"{"a":[1,2"#, "a", "byte 9"), ("{\"a\":\"x\u{1}\"}", "a", "byte 7"), (#"{"a":"\x"}"#, "a", "byte 7"),
            (#"{"a":"\u12g4"}"#, "a", "byte 10"),
            (#"{"a":"\ud800"}"#, "a", "byte"), (#"{"a":"\ud800\u0041"}"#, "a", "byte"), (#"{"a":"\udc00"}"#, "a", "byte"),
            (#"{"\udc00":1}"#, "", "byte"),
            (#"{"a":"\ud800\ud800"}"#, "a", "byte"), (#"{"a":01}"#, "a", "byte 6"), (#"{"a":1.}"#, "a", "byte 7"),
            (#"{"a":+1}"#, "a", "byte 5"),
            (#"{"a":NaN}"#, "a", "byte 5"), (#"{'a':1}"#, "", "byte 1"), (#"{"a":1} x"#, "", "byte 8"), (#"{"b":2,"a":-}"#, "a", "byte"),
            ("{\"a\":\"b\0c\"}", "a", "byte"),
            ("\0{}", "", "byte 0"), ("{\"a\":1}\0", "", "byte 7"), ("\u{FEFF}{\"a\":1}", "", "byte 0"), ("{\"a\"\u{A0}:1}", "a", "byte 4"),
            ("//c\n{}", "", "byte 0"),
        ])
    func places(text: String, field: String, place: String) {
        let reader = EventReader()
        let rejection = reader.rejection(text)
        #expect(rejection?.code == .invalidJSON, "\(rejection as Any)")
        #expect(rejection?.field == field)
        #expect(rejection?.message.contains(place) == true, "\(rejection?.message ?? "taken")")
    }

    @Test("bytes that are not UTF-8 are refused at their offset")
    func notUTF8() {
        let reader = EventReader()
        for bad in [
            [0x80], [0xC3], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80],
            [0xFF],
        ] as [[UInt8]] {
            for prefix in ["{\"a\":\"", "{\"", "{\"a\":\"é", "{\"a\":\"" + String(repeating: "x", count: 61)] {
                let rejection = reader.rejection(Array(prefix.utf8) + bad + Array("\":1\"}".utf8))
                #expect(rejection?.code == .invalidJSON)
                #expect(rejection?.message.contains("byte \(prefix.utf8.count)") == true, "\(rejection as Any)")
            }
        }
    }

    @Test(
        "a number that nothing holds is named with its field",
        arguments: [
            "1e400", "-1e400", "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890",
            "1" + String(repeating: "0", count: 400) + ".0",
        ])
    func numberRange(text: String) {
        let reader = EventReader()
        let rejection = reader.rejection(#"{"ok":1,"outer":{"big":[0,"# + text + "]}}")
        #expect(rejection?.code == .numberRange)
        #expect(rejection?.field == "outer.big")
        #expect(rejection?.message.contains("byte") == true)
    }
}
