import EventModel

/// `Failed password for {actor.id...} from {source.ip} port {port} ssh2`: literal text with captures between, matched
/// from the first byte to the last in one pass without backtracking. A capture ends where the text behind it first
/// occurs; the last one may take the rest of the line.
///
/// One capture may be `{name...}`: it takes as much as it can. What stands behind it is then matched from the end of the
/// line towards it, and kept captures there are single words. That is for what a stranger chooses: a user called
/// `x from 9.9.9.9 port 1` must not choose where he comes from.
///
/// Weaker than regular expressions on purpose: always linear, and a reader sees at once what is captured.
struct TextPattern {
    enum Piece {
        case text(Literal)
        /// `nil`: `{_}`, matched and not kept.
        case capture(FieldPath?)
    }

    var pieces: UnsafeBufferPointer<Piece>
    /// Index of the capture that takes as much as it can; `nil` where none does.
    var longest: Int?

    /// Offsets of the captures in `text`, one for each capture piece; `nil` when the pattern does not match.
    func match(_ text: UnsafeRawBufferPointer) -> [Range<Int>]? {
        var at = 0
        guard let longest else {
            guard var captures = matchForwards(pieces[...], text, &at) else { return nil }
            if case .capture? = pieces.last {
                guard at < text.count else { return nil }
                captures.append(at..<text.count)
                at = text.count
            }
            return at == text.count ? captures : nil
        }
        var end = text.count
        guard let before = matchForwards(pieces[..<longest], text, &at), let behind = matchBackwards(longest + 1, text, at, &end),
            at < end
        else { return nil }
        return before + [at..<end] + behind
    }

    /// Moves `at` behind what matched. A capture at the very end stays open: it begins at `at`.
    private func matchForwards(_ pieces: Slice<UnsafeBufferPointer<Piece>>, _ text: UnsafeRawBufferPointer, _ at: inout Int)
        -> [Range<Int>]?
    {
        var captures: [Range<Int>] = []
        var isOpen = false
        for piece in pieces {
            guard case .text(let literal) = piece else {
                isOpen = true
                continue
            }
            if isOpen {
                guard let found = Self.find(literal.text, in: text, from: at + 1) else { return nil }
                captures.append(at..<found)
                at = found
                isOpen = false
            } else if !Self.has(literal.text, in: text, at: at) {
                return nil
            }
            at += literal.text.count
        }
        return captures
    }

    /// Matches the pieces from `first` on from the end of the text, not beyond `start`, and moves `end` before them.
    private func matchBackwards(_ first: Int, _ text: UnsafeRawBufferPointer, _ start: Int, _ end: inout Int) -> [Range<Int>]? {
        var captures: [Range<Int>] = []
        var open: FieldPath??
        for piece in pieces[first...].reversed() {
            switch piece {
            case .capture(let place): open = .some(place)
            case .text(let literal):
                var found = end - literal.text.count
                if let place = open {
                    // One byte at least is the capture's.
                    found -= 1
                    while found >= start, !Self.has(literal.text, in: text, at: found) { found -= 1 }
                    guard found >= start else { return nil }
                    let capture = found + literal.text.count..<end
                    if place != nil, text[capture].contains(0x20) { return nil }
                    captures.insert(capture, at: 0)
                    open = nil
                } else if found < start || !Self.has(literal.text, in: text, at: found) {
                    return nil
                }
                end = found
            }
        }
        return captures
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
