import EventModel

/// `Failed password for {actor.id} from {source.ip} port {port} ssh2`: literal text with captures between, matched
/// from the first byte to the last in one pass without backtracking. A capture ends where the text behind it first
/// occurs; the last one may take the rest of the line.
///
/// Weaker than regular expressions on purpose: always linear, and a reader sees at once what is captured.
struct TextPattern {
    enum Piece {
        case text(Literal)
        /// `nil`: `{_}`, matched and not kept.
        case capture(FieldPath?)
    }

    var pieces: UnsafeBufferPointer<Piece>

    /// Offsets of the captures in `text`, one for each capture piece; `nil` when the pattern does not match.
    func match(_ text: UnsafeRawBufferPointer) -> [Range<Int>]? {
        var captures: [Range<Int>] = []
        var at = 0
        var open: Int? = nil
        for piece in pieces {
            switch piece {
            case .capture: open = at
            case .text(let literal):
                if let start = open {
                    guard let found = Self.find(literal.text, in: text, from: start + 1) else { return nil }
                    captures.append(start..<found)
                    at = found + literal.text.count
                    open = nil
                } else {
                    guard Self.has(literal.text, in: text, at: at) else { return nil }
                    at += literal.text.count
                }
            }
        }
        if let start = open {
            guard start < text.count else { return nil }
            captures.append(start..<text.count)
            at = text.count
        }
        return at == text.count ? captures : nil
    }

    @inline(__always)
    static func has(_ needle: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        guard offset + needle.count <= text.count else { return false }
        return needle.count == 0 || equal(needle.baseAddress!, text.baseAddress! + offset, needle.count)
    }

    @inline(__always)
    static func same(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        left.count == right.count && (left.count == 0 || equal(left.baseAddress!, right.baseAddress!, left.count))
    }

    @inline(__always)
    private static func equal(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
        var at = 0
        while at &+ 8 <= count {
            if left.loadUnaligned(fromByteOffset: at, as: UInt64.self) != right.loadUnaligned(fromByteOffset: at, as: UInt64.self) {
                return false
            }
            at &+= 8
        }
        while at < count {
            if left.load(fromByteOffset: at, as: UInt8.self) != right.load(fromByteOffset: at, as: UInt8.self) { return false }
            at &+= 1
        }
        return true
    }

    static func find(_ needle: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard needle.count > 0, start <= text.count - needle.count else { return nil }
        var offset = start
        let last = text.count - needle.count
        // Two bytes are rare enough that the rest is hardly ever compared in vain.
        if needle.count >= 2 {
            let head = needle.loadUnaligned(as: UInt16.self)
            let base = text.baseAddress!
            while offset <= last {
                if base.loadUnaligned(fromByteOffset: offset, as: UInt16.self) == head, has(needle, in: text, at: offset) { return offset }
                offset &+= 1
            }
            return nil
        }
        while offset <= last {
            if text[offset] == needle[0] { return offset }
            offset &+= 1
        }
        return nil
    }
}
