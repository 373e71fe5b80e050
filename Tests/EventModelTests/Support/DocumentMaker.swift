import TestSupport

/// Random JSON documents together with the value they mean: space wherever it may stand, escapes where none is
/// needed, names that repeat between objects but never within one.
struct DocumentMaker {
    var random: SeededRandom
    private(set) var text: [UInt8] = []

    private static let names = [
        "", "a", "b", "id", "name", "type", "actor", "target", "changes", "unmapped", "labels", "details", "tenant", "a.b", "a\"", "a\\",
        "é",
        "e\u{301}", "😀", "line\nfeed", "\u{0}", "a rather long name that spans several machine words",
    ]
    private static let strings = [
        "", "a\"", "\\", "\\\\\"", "\u{1}\u{1f}\u{7f}", "é😀", "\u{2028}", "plain", "{\"not\":[1,2]}", "ends in a brace {",
    ]
    private static let numbers = [
        "0", "-0", "7", "-12", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "0.5", "-0.0", "1e5", "1E+5",
        "2.50e-7",
        "1e-400", "1.7976931348623157e308", "123456789.000000000000000000001",
    ]

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// A document whose root is an object.
    mutating func make() -> (text: [UInt8], value: JSONValue) {
        text.removeAll()
        space()
        let value = object(depth: 1)
        space()
        return (text, value)
    }

    private mutating func space() {
        while random.oneIn(3) { text.append([0x20, 0x09, 0x0A, 0x0D].randomElement(using: &random)!) }
    }

    private mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth < 7 ? 9 : 6), using: &random) {
        case 0:
            text += "null".utf8
            return .null
        case 1:
            let value = Bool.random(using: &random)
            text += "\(value)".utf8
            return .boolean(value)
        case 2, 3:
            let number = Self.numbers.randomElement(using: &random)!
            text += number.utf8
            return .number(number)
        case 4, 5:
            let string = Self.strings.randomElement(using: &random)! + Self.strings.randomElement(using: &random)!
            write(string)
            return .text(string)
        case 6: return array(depth: depth + 1)
        default: return object(depth: depth + 1)
        }
    }

    private mutating func object(depth: Int) -> JSONValue {
        var members: [JSONValue.Member] = []
        let chosen = Self.names.shuffled(using: &random).prefix(Int.random(in: 0...6, using: &random))
        text.append(UInt8(ascii: "{"))
        space()
        for name in chosen {
            if !members.isEmpty {
                text.append(UInt8(ascii: ","))
                space()
            }
            write(name)
            space()
            text.append(UInt8(ascii: ":"))
            space()
            members.append(JSONValue.Member(name: Array(name.utf8), value: value(depth: depth)))
            space()
        }
        text.append(UInt8(ascii: "}"))
        return .object(members)
    }

    private mutating func array(depth: Int) -> JSONValue {
        var elements: [JSONValue] = []
        text.append(UInt8(ascii: "["))
        space()
        for index in 0..<Int.random(in: 0...4, using: &random) {
            if index > 0 {
                text.append(UInt8(ascii: ","))
                space()
            }
            elements.append(value(depth: depth))
            space()
        }
        text.append(UInt8(ascii: "]"))
        return .array(elements)
    }

    /// A string literal, some of its characters escaped although they need not be.
    private mutating func write(_ string: String) {
        let escapesAll = random.oneIn(4)
        text.append(UInt8(ascii: "\""))
        for scalar in string.unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if mustEscape || escapesAll || random.oneIn(40) {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: random.oneIn(2))
                    text += ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8
                }
            } else {
                text += String(scalar).utf8
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}
