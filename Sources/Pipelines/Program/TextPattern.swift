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

    static func has(_ needle: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        guard offset + needle.count <= text.count else { return false }
        for index in 0..<needle.count where text[offset + index] != needle[index] { return false }
        return true
    }

    static func find(_ needle: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard needle.count > 0, start <= text.count - needle.count else { return nil }
        for offset in start...text.count - needle.count where has(needle, in: text, at: offset) { return offset }
        return nil
    }
}
