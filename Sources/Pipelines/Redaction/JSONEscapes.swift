/// The content of JSON strings as bytes, which need be no UTF-8: for what was refused.
enum JSONEscapes {
    /// Escapes that are none stay as they are.
    static func decode(_ text: some Sequence<UInt8>) -> [UInt8] {
        let text = Array(text)
        var output: [UInt8] = []
        var at = 0
        while at < text.count {
            guard text[at] == UInt8(ascii: "\\"), at + 1 < text.count else {
                output.append(text[at])
                at += 1
                continue
            }
            at += 2
            switch text[at - 1] {
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "u"):
                guard var code = unit(text, at) else {
                    output += [UInt8(ascii: "\\"), UInt8(ascii: "u")]
                    continue
                }
                at += 4
                if code & 0xFC00 == 0xD800, at + 1 < text.count, text[at] == UInt8(ascii: "\\"), text[at + 1] == UInt8(ascii: "u"),
                    let low = unit(text, at + 2), low & 0xFC00 == 0xDC00
                {
                    code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
                    at += 6
                }
                output += Array(String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
            case let other: output.append(other)
            }
        }
        return output
    }

    private static func unit(_ text: [UInt8], _ at: Int) -> UInt32? {
        guard at + 4 <= text.count else { return nil }
        return UInt32(String(decoding: text[at..<at + 4], as: UTF8.self), radix: 16)
    }

    /// With quotes.
    static func encode(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
            case 0x0A: output += Array("\\n".utf8)
            case 0x0D: output += Array("\\r".utf8)
            case 0x09: output += Array("\\t".utf8)
            case 0..<0x20: output += Array(("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8)
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
        return output
    }
}
