/// What a word is, for the index and for questions alike.
///
/// A word is a run of letters, digits, `_` and characters beyond ASCII, lower-cased. A `-` joins when a digit follows, `.`
/// and `:` join between two digits: addresses, versions, dates and ids such as `TCK-390706` are one word, which makes
/// them selective; `billing-refund` and `acme.example.com` are several.
enum Words {
    /// Longer runs are cut here, on both sides: they are encoded data, and nobody types them.
    static let longest = 128

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    @inline(__always)
    static func isWordByte(_ byte: UInt8) -> Bool { lowered[Int(byte)] != 0 }

    /// Lower case of every byte that can stand in a word, 0 for the others. Never freed, never written again.
    nonisolated(unsafe) static let lowered: UnsafePointer<UInt8> = {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        for value in 0..<256 {
            let byte = UInt8(value)
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): table[value] = byte | 0x20
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): table[value] = byte
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
        while at < count, lowered[Int(text[at])] == 0 { at &+= 1 }
        var length = 0
        var union: UInt8 = 0
        while at < count, length < longest {
            let byte = text[at]
            let low = lowered[Int(byte)]
            if low != 0 {
                scratch[length] = low
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
