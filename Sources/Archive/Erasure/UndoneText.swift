import Glibc

/// Text as it reads once its percent signs (RFC 3986, section 2.1) or its backslashes (RFC 8259, section 7) are undone, with
/// the place where each byte stood. What is found in it is replaced where it stands.
///
/// One kind at a time: where both were used one in another, undoing them together would take a half-written sequence of the
/// outer kind for text of the inner one.
struct UndoneText {
    enum Kind: CaseIterable {
        case percent, backslash

        fileprivate var mark: UInt8 { self == .percent ? UInt8(ascii: "%") : UInt8(ascii: "\\") }
    }

    private(set) var bytes: [UInt8] = []
    /// Of each byte, and one more for the end.
    private var places: [Int] = []

    /// `nil` where nothing is to be undone, as in most text.
    init?(_ text: UnsafeRawBufferPointer, _ kind: Kind) {
        self.init(text, kind) { $0 }
    }

    /// Undoes one more.
    private func undone(_ kind: Kind) -> UndoneText? { bytes.withUnsafeBytes { UndoneText($0, kind) { places[$0] } } }

    /// Visits every reading of `text` with one to `depth` encodings undone, of both kinds in every order, until `visit` says no.
    /// Returns whether it never did.
    static func forEachReading(of text: UnsafeRawBufferPointer, depth: Int, _ visit: (UndoneText) -> Bool) -> Bool {
        for kind in Kind.allCases {
            guard let reading = UndoneText(text, kind) else { continue }
            guard visit(reading), reading.forEachReading(depth: depth - 1, visit) else { return false }
        }
        return true
    }

    private func forEachReading(depth: Int, _ visit: (UndoneText) -> Bool) -> Bool {
        guard depth > 0 else { return true }
        for kind in Kind.allCases {
            guard let reading = undone(kind) else { continue }
            guard visit(reading), reading.forEachReading(depth: depth - 1, visit) else { return false }
        }
        return true
    }

    /// Where in the first text a range of ``bytes`` comes from.
    func source(of range: Range<Int>) -> Range<Int> { places[range.lowerBound]..<places[range.upperBound] }

    private init?(_ text: UnsafeRawBufferPointer, _ kind: Kind, _ place: (Int) -> Int) {
        guard let base = text.baseAddress, memchr(base, Int32(kind.mark), text.count) != nil else { return nil }
        bytes.reserveCapacity(text.count)
        places.reserveCapacity(text.count + 1)
        var at = 0
        var isUndone = false
        while at < text.count {
            guard text[at] == kind.mark, let (length, character) = Self.sequence(in: text, at) else {
                bytes.append(text[at])
                places.append(place(at))
                at += 1
                continue
            }
            isUndone = true
            for byte in character {
                bytes.append(byte)
                places.append(place(at))
            }
            at += length
        }
        places.append(place(text.count))
        if !isUndone { return nil }
    }

    /// How many bytes from a mark on stand for one character, or one byte of it, and which.
    private static func sequence(in text: UnsafeRawBufferPointer, _ at: Int) -> (length: Int, character: UTF8Bytes)? {
        if text[at] == Kind.percent.mark { return hex(text, at + 1, digits: 2).map { (3, UTF8Bytes(UInt8($0))) } }
        guard at + 1 < text.count else { return nil }
        if text[at + 1] == UInt8(ascii: "u") { return unicode(text, at) }
        return simple(text[at + 1]).map { (2, UTF8Bytes($0)) }
    }

    private static func simple(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        default: nil
        }
    }

    private static func unicode(_ text: UnsafeRawBufferPointer, _ at: Int) -> (length: Int, character: UTF8Bytes)? {
        guard let high = hex(text, at + 2, digits: 4) else { return nil }
        if let scalar = Unicode.Scalar(high) { return (6, UTF8Bytes(scalar)) }
        guard high & 0xFC00 == 0xD800, at + 7 < text.count, text[at + 6] == UInt8(ascii: "\\"), text[at + 7] == UInt8(ascii: "u"),
            let low = hex(text, at + 8, digits: 4), low & 0xFC00 == 0xDC00,
            let scalar = Unicode.Scalar(0x10000 + (high & 0x3FF) << 10 + low & 0x3FF)
        else { return nil }
        return (12, UTF8Bytes(scalar))
    }

    private static func hex(_ text: UnsafeRawBufferPointer, _ at: Int, digits: Int) -> UInt32? {
        guard at + digits <= text.count else { return nil }
        var value: UInt32 = 0
        for byte in text[at..<at + digits] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Up to four bytes, without an array for each.
    private struct UTF8Bytes: Sequence, IteratorProtocol {
        private var rest: UInt32
        private var count: Int

        init(_ byte: UInt8) { (rest, count) = (UInt32(byte), 1) }

        init(_ scalar: Unicode.Scalar) {
            (rest, count) = (0, 0)
            for byte in UTF8.encode(scalar)! {
                rest |= UInt32(byte) << (8 * UInt32(count))
                count += 1
            }
        }

        mutating func next() -> UInt8? {
            guard count > 0 else { return nil }
            defer { (rest, count) = (rest >> 8, count - 1) }
            return UInt8(truncatingIfNeeded: rest)
        }
    }
}
