/// A growing buffer of bytes that is written at its end and emptied without giving its memory back: the one place
/// canonical lines are built in.
public struct ByteWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    @usableFromInline var written = 0

    public init(capacity: Int = 4096) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// Bytes written so far.
    @inlinable public var count: Int { written }

    @inlinable public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    public mutating func removeAll() { written = 0 }

    /// Cuts what was written behind `count`.
    public mutating func truncate(to count: Int) {
        precondition(count <= self.count)
        written = count
    }

    /// Room for `extra` more bytes, counted from the end.
    @inline(__always)
    mutating func reserve(_ extra: Int) {
        if count + extra > capacity { grow(extra) }
    }

    @inline(never)
    private mutating func grow(_ extra: Int) {
        let wanted = max(capacity * 2, count + extra)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
        capacity = wanted
    }

    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        written += 1
    }

    @inline(__always)
    public mutating func append(_ text: UnsafeRawBufferPointer) {
        reserve(text.count)
        if let start = text.baseAddress { UnsafeMutableRawPointer(base + count).copyMemory(from: start, byteCount: text.count) }
        written += text.count
    }

    public mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    public mutating func append(decimal value: Int) { append(String(value)) }

    mutating func append(_ time: Timestamp) {
        reserve(Timestamp.textLength)
        time.write(to: base + count)
        written += Timestamp.textLength
    }

    /// A JSON string of bytes that need no escaping: no quote, backslash or control character among them.
    @inline(__always)
    mutating func appendQuoted(raw text: UnsafeRawBufferPointer) {
        reserve(text.count + 2)
        base[count] = UInt8(ascii: "\"")
        if let start = text.baseAddress { UnsafeMutableRawPointer(base + count + 1).copyMemory(from: start, byteCount: text.count) }
        base[count + 1 + text.count] = UInt8(ascii: "\"")
        written += text.count + 2
    }

    /// A JSON string of any UTF-8 bytes; escapes only what RFC 8259 section 7 demands.
    public mutating func appendQuoted(escaping text: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        appendEscaped(text)
        append(UInt8(ascii: "\""))
    }

    /// The inside of such a string.
    mutating func appendEscaped(_ text: UnsafeRawBufferPointer) {
        reserve(text.count)
        var start = 0
        for at in 0..<text.count where text[at] < 0x20 || text[at] == UInt8(ascii: "\"") || text[at] == UInt8(ascii: "\\") {
            append(UnsafeRawBufferPointer(rebasing: text[start..<at]))
            appendEscape(text[at])
            start = at + 1
        }
        append(UnsafeRawBufferPointer(rebasing: text[start...]))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
        case 0x08: append(UInt8(ascii: "b"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0D: append(UInt8(ascii: "r"))
        default:
            append("u00" as StaticString)
            append(byte >> 4 + UInt8(ascii: "0"))
            let low = byte & 0xF
            append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") - 10 + low)
        }
    }
}
