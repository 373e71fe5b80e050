import EventModel

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension BodySplitter {
    /// Every line is an event; blank ones are counted and left out.
    mutating func scanLines() {
        while scanned < count, events.count < Self.sliceEvents {
            guard let found = memchr(base + scanned, 0x0A, count - scanned) else {
                scanned = count
                return
            }
            let newline = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            scanned = newline + 1
            completeLine(newline)
        }
    }

    /// The line from `start` to `newline`, with a carriage return before it or without.
    mutating func completeLine(_ newline: Int) {
        var end = newline
        if end > start, byte(end - 1) == 0x0D { end -= 1 }
        if overlongBytes == 0, isBlank(start..<end) {
            start = min(newline + 1, count)
            line += 1
        } else {
            complete(end: end, next: min(newline + 1, count))
        }
    }

    func isBlank(_ range: Range<Int>) -> Bool {
        for at in range where !Self.isSpace(byte(at)) { return false }
        return true
    }

    @inline(__always)
    func byte(_ at: Int) -> UInt8 { base.load(fromByteOffset: at, as: UInt8.self) }

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// What the first byte that is no space says about a body of `application/json`.
    mutating func detect() {
        while scanned < count, Self.isSpace(byte(scanned)) {
            if byte(scanned) == 0x0A { line += 1 }
            scanned += 1
        }
        start = scanned
        guard scanned < count else { return }
        switch byte(scanned) {
        case UInt8(ascii: "["):
            mode = .array
            line = 1
            scanned += 1
            start = scanned
        case UInt8(ascii: "{"):
            // Blank lines before it count, as they do among lines.
            mode = recordsKey == nil ? .values : .wrapper
        default: mode = .lines
        }
    }
}
