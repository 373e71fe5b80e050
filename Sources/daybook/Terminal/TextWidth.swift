/// Text as it may stand in one cell of a terminal.
enum TextWidth {
    /// Events carry what strangers typed: control characters could move the cursor or rewrite the screen, and
    /// direction marks could show a text other than it is.
    static func harmless(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHarmful) else { return text }
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { clean.append(isHarmful(scalar) ? "·" : scalar) }
        return String(clean)
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Columns that `text` takes: two for East Asian wide characters and emoji.
    static func columns(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + columns($1) }
    }

    private static func columns(_ character: Character) -> Int {
        switch character.unicodeScalars.first!.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            2
        default: 1
        }
    }

    /// Exactly `width` columns: filled with spaces, or cut with an ellipsis.
    static func fit(_ text: String, _ width: Int, right: Bool = false) -> String {
        let taken = columns(text)
        if taken <= width {
            let fill = String(repeating: " ", count: width - taken)
            return right ? fill + text : text + fill
        }
        var cut = ""
        var used = 0
        for character in text {
            let next = columns(character)
            guard used + next < width else { break }
            cut.append(character)
            used += next
        }
        return width > 0 ? cut + "…" + String(repeating: " ", count: width - used - 1) : ""
    }
}
