/// Finds what may be base64 in text, in either alphabet of RFC 4648, and decodes it. Where in a run of its letters an
/// encoding begins is not known (a path may stand before it), so a run is decoded from each of its first four letters: one
/// of them is right. Runs that are decoded have four letters at least.
struct Base64Text {
    private let values: [UInt8]

    private static let none: UInt8 = 0xFF
    static let starts = 0..<4

    init() {
        var values = [UInt8](repeating: Self.none, count: 256)
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        for (value, letter) in letters.utf8.enumerated() { values[Int(letter)] = UInt8(value) }
        for letter in "+-".utf8 { values[Int(letter)] = 62 }
        for letter in "/_".utf8 { values[Int(letter)] = 63 }
        self.values = values
    }

    /// What may be an encoding in a run: all of it from each of ``starts``, and `longest` letters behind those letters that paths
    /// and names have between words. What stands before such a one may be no base64, and its bytes no part of a word.
    func encodings(in text: UnsafeRawBufferPointer, _ run: Range<Int>, longest: Int) -> some Sequence<Range<Int>> {
        let whole = Self.starts.lazy.map { run.lowerBound + $0..<run.upperBound }
        let behind = run.lazy.filter { values[Int(text[$0])] >= 62 }.map { $0 + 1..<min($0 + 1 + longest, run.upperBound) }
        return [AnySequence(whole), AnySequence(behind)].joined()
    }

    /// How many letters in a row hold so many bytes at least.
    static func letters(of bytes: Int) -> Int { (bytes * 8 + 5) / 6 }

    /// The next run of at least `least` letters, its padding not included.
    func run(in text: UnsafeRawBufferPointer, from: Int, least: Int) -> Range<Int>? {
        values.withUnsafeBufferPointer { values in
            var start = from
            while start + least <= text.count {
                // A byte that is no letter rules out every run across it: the last one first.
                var at = start + least - 1
                while at >= start, values[Int(text[at])] != Self.none { at -= 1 }
                guard at < start else {
                    start = at + 1
                    continue
                }
                var end = start + least
                while end < text.count, values[Int(text[end])] != Self.none { end += 1 }
                return start..<end
            }
            return nil
        }
    }

    /// Room that all runs of so many letters need, decoded from each of ``starts`` and with a byte behind each.
    static func room(for letters: Int) -> Int { letters * 4 }

    /// Writes the bytes that these letters hold; returns how many.
    func decode(_ text: UnsafeRawBufferPointer, _ letters: Range<Int>, into bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
        values.withUnsafeBufferPointer { values in
            var bits: UInt32 = 0
            var count = 0
            var written = 0
            for at in letters {
                bits = bits << 6 | UInt32(values[Int(text[at])])
                count += 6
                if count >= 8 {
                    count -= 8
                    bytes[written] = UInt8(truncatingIfNeeded: bits >> UInt32(count))
                    written += 1
                }
            }
            return written
        }
    }
}
