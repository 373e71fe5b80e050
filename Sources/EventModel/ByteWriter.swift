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

    /// Room for `extra` more bytes, counted from the end, and a ``stride`` behind them.
    @inline(__always)
    mutating func reserve(_ extra: Int) {
        if count + extra + Self.stride > capacity { grow(extra + Self.stride) }
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

    /// Bytes that ``put(padded:)`` may write, and read, behind a text.
    static let stride = 32

    /// Copies whole strides, so that a short text costs one. ``stride`` bytes behind the text must be readable, and room
    /// for the text reserved.
    @inline(__always)
    mutating func put(padded text: UnsafeRawPointer, _ length: Int) {
        let target = UnsafeMutableRawPointer(base + written)
        var at = 0
        repeat {
            target.storeBytes(
                of: text.loadUnaligned(fromByteOffset: at, as: SIMD4<UInt64>.self), toByteOffset: at, as: SIMD4<UInt64>.self)
            at &+= Self.stride
        } while at < length
        written &+= length
    }

    /// One byte, for which room is reserved.
    @inline(__always)
    mutating func put(_ byte: UInt8) {
        base[written] = byte
        written &+= 1
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

    /// A JSON string of any UTF-8 bytes; escapes only what RFC 8259 section 7 demands.
    public mutating func appendQuoted(escaping text: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        appendEscaped(text)
        append(UInt8(ascii: "\""))
    }

    /// The inside of such a string. Nearly all texts need no escape, so they are copied in one go up to the first.
    mutating func appendEscaped(_ text: UnsafeRawBufferPointer) {
        var rest = text
        while true {
            let clean = Self.cleanPrefix(rest)
            append(UnsafeRawBufferPointer(rebasing: rest[0..<clean]))
            guard clean < rest.count else { return }
            appendEscape(rest[clean])
            rest = UnsafeRawBufferPointer(rebasing: rest[(clean + 1)...])
        }
    }

    /// How many bytes at the beginning need no escape.
    @inline(__always)
    static func cleanPrefix(_ text: UnsafeRawBufferPointer) -> Int {
        var at = 0
        while at + 8 <= text.count {
            let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let quotes = word ^ 0x2222_2222_2222_2222
            let slashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
            // The lowest high bit that is set stands at the first such byte (Hacker's Delight, 6-1).
            let found =
                ((word &- 0x2020_2020_2020_2020) & ~word | (quotes &- 0x0101_0101_0101_0101) & ~quotes
                    | (slashes &- 0x0101_0101_0101_0101) & ~slashes) & 0x8080_8080_8080_8080
            if found != 0 { return at + found.trailingZeroBitCount &>> 3 }
            at += 8
        }
        while at < text.count, text[at] >= 0x20, text[at] != UInt8(ascii: "\""), text[at] != UInt8(ascii: "\\") { at += 1 }
        return at
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
