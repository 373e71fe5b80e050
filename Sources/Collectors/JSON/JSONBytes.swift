/// Writes JSON straight into bytes. Answers are small and their shape is fixed, so an encoder that looks at types at run
/// time would cost more than the work it describes.
public struct JSONBytes: Sendable {
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    public init() {}

    public mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    public mutating func object(_ members: (inout JSONBytes) -> Void) { nest(UInt8(ascii: "{"), UInt8(ascii: "}"), members) }

    public mutating func array(_ elements: (inout JSONBytes) -> Void) { nest(UInt8(ascii: "["), UInt8(ascii: "]"), elements) }

    private mutating func nest(_ open: UInt8, _ close: UInt8, _ content: (inout JSONBytes) -> Void) {
        separate()
        bytes.append(open)
        needsComma = false
        content(&self)
        bytes.append(close)
        needsComma = true
    }

    public mutating func key(_ name: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func member(_ name: String, _ value: String?) {
        key(name)
        if let value { string(value) } else { raw("null".utf8) }
    }

    public mutating func member(_ name: String, _ value: some BinaryInteger) {
        key(name)
        raw(String(value).utf8)
    }

    public mutating func member(_ name: String, _ value: Bool) {
        key(name)
        raw((value ? "true" : "false").utf8)
    }

    public mutating func string(_ value: String) {
        separate()
        quote(value)
        needsComma = true
    }

    /// Bytes that are JSON already.
    public mutating func raw(_ json: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { text in
            // Names and nearly all values have nothing to escape, and are appended whole.
            var start = 0
            for (index, byte) in text.enumerated() where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                bytes.append(contentsOf: text[start..<index])
                escape(byte)
                start = index + 1
            }
            bytes.append(contentsOf: text[start...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case 0x0A: bytes += "\\n".utf8
        case 0x0D: bytes += "\\r".utf8
        case 0x09: bytes += "\\t".utf8
        case 0..<0x20: bytes += ("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8
        default: bytes += [UInt8(ascii: "\\"), byte]
        }
    }
}
