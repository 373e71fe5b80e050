/// What a word is, for the index and for questions alike.
///
/// A word is a run of letters, digits, `_` and characters beyond ASCII, lower-cased; typographic signs and spaces are none
/// of these (``separatorLength(_:_:_:)``), so that „refund“ and refund… are the word refund. A `-` joins when a digit follows, `.`
/// and `:` join between two digits: addresses, versions, dates and ids such as `TCK-390706` are one word, which makes
/// them selective; `billing-refund` and `acme.example.com` are several.
enum Words {
    /// Longer runs are cut here, on both sides: they are encoded data, and nobody types them.
    static let longest = 128

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// Lower case of every byte that can stand in a word, 0 for the others and for those with which a separator beyond
    /// ASCII may begin: only these need a second look. Never freed, never written again.
    nonisolated(unsafe) static let lowered: UnsafePointer<UInt8> = {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        for value in 0..<256 {
            let byte = UInt8(value)
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): table[value] = byte | 0x20
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): table[value] = byte
            case 0xC2, 0xC3, 0xE2, 0xE3: table[value] = 0
            default: table[value] = byte >= 0x80 ? byte : 0
            }
        }
        return UnsafePointer(table)
    }()

    /// Finds the next word of `text` at or behind `at`, writes it lower-cased into `scratch` (``longest`` bytes) and
    /// returns its length there; 0 when there is none. `at` ends behind the word.
    @inline(__always)
    static func next(
        in text: UnsafePointer<UInt8>, count: Int, at: inout Int, scratch: UnsafeMutablePointer<UInt8>, lowered: UnsafePointer<UInt8>
    ) -> Int {
        while at < count, lowered[Int(text[at])] == 0 {
            if text[at] >= 0x80 {
                let length = separatorLength(text, count, at)
                if length == 0 { break }
                at &+= length
            } else {
                at &+= 1
            }
        }
        var length = 0
        var union: UInt8 = 0
        while at < count, length < longest {
            let byte = text[at]
            let low = lowered[Int(byte)]
            if low != 0 {
                scratch[length] = low
                union |= byte
            } else if byte >= 0x80 {
                guard separatorLength(text, count, at) == 0 else { break }
                scratch[length] = byte
                union |= byte
            } else {
                guard length > 0, at + 1 < count, isDigit(text[at + 1]),
                    byte == UInt8(ascii: "-") || ((byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")) && isDigit(text[at - 1]))
                else { break }
                scratch[length] = byte
            }
            length &+= 1
            at &+= 1
        }
        return union < 0x80 ? length : lowerBeyondASCII(scratch, length)
    }

    /// Bytes of the separator beyond ASCII that begins at `at`, 0 when none does: U+00A0–00BF but for the letters ª µ º,
    /// × and ÷, U+2000–206F (spaces, dashes, quotes, dots), U+3000–3003 (ideographic space, comma, full stop).
    @inline(never)
    static func separatorLength(_ text: UnsafePointer<UInt8>, _ count: Int, _ at: Int) -> Int {
        guard at + 1 < count else { return 0 }
        let second = text[at + 1]
        switch text[at] {
        case 0xC2: return second >= 0xA0 && second != 0xAA && second != 0xB5 && second != 0xBA ? 2 : 0
        case 0xC3: return second == 0x97 || second == 0xB7 ? 2 : 0
        case 0xE2:
            guard at + 2 < count else { return 0 }
            return second == 0x80 || (second == 0x81 && text[at + 2] <= 0xAF) ? 3 : 0
        case 0xE3:
            guard at + 2 < count else { return 0 }
            return second == 0x80 && text[at + 2] <= 0x83 ? 3 : 0
        default: return 0
        }
    }

    @inline(never)
    private static func lowerBeyondASCII(_ scratch: UnsafeMutablePointer<UInt8>, _ length: Int) -> Int {
        let low = lower(UnsafeRawBufferPointer(start: scratch, count: length))
        guard low.count <= longest else { return length }
        for (index, byte) in low.enumerated() { scratch[index] = byte }
        return low.count
    }

    /// Lower case of UTF-8 text. A character beyond ASCII never becomes one of ASCII (the Kelvin sign would), so that a
    /// search for plain bytes finds every word of plain letters.
    static func lower(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        var low: [UInt8] = []
        low.reserveCapacity(text.count)
        if text.allSatisfy({ $0 < 0x80 }) {
            for byte in text { low.append(byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte) }
            return low
        }
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            if scalar.isASCII {
                let byte = UInt8(scalar.value)
                low.append(byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte)
            } else {
                let mapped = scalar.properties.lowercaseMapping
                low.append(contentsOf: mapped.utf8.contains { $0 < 0x80 } ? Array(Character(scalar).utf8) : Array(mapped.utf8))
            }
        }
        return low
    }

    static func lower(_ text: [UInt8]) -> [UInt8] { text.withUnsafeBytes { lower($0) } }

    /// Whether one of the words finds the value as well as the whole of it would: an e-mail with a digit in front of the
    /// `@`. `mei.olsen1@acme.example.com` has the word olsen1, which lies in the same blocks as the address and would
    /// only be written twice.
    static func holdsTellingWord(_ value: UnsafeRawBufferPointer) -> Bool {
        guard let sign = value.firstIndex(of: UInt8(ascii: "@")) else { return false }
        return value[..<sign].contains(where: isDigit)
    }

    static func all(in text: [UInt8]) -> [[UInt8]] {
        var words: [[UInt8]] = []
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: longest) { scratch in
            text.withUnsafeBufferPointer { source in
                guard let base = source.baseAddress else { return }
                var at = 0
                while true {
                    let length = next(in: base, count: source.count, at: &at, scratch: scratch.baseAddress!, lowered: lowered)
                    if length == 0 { break }
                    words.append(Array(UnsafeBufferPointer(start: scratch.baseAddress!, count: length)))
                }
            }
        }
        return words
    }
}
