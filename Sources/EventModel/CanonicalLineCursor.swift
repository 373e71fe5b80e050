/// Walks the scalar values of canonical lines in order, without allocation: the reader's side of the writer that
/// made them. It trusts its input, because only lines that this program wrote, and whose checksum held, come here;
/// it never reads outside of the line all the same.
///
/// One cursor serves many lines: `start(_:)`, then `next()` until it says no.
public struct CanonicalLineCursor: ~Copyable {
    @usableFromInline var base: UnsafePointer<UInt8>
    @usableFromInline var end = 0
    @usableFromInline var at = 0
    /// Bit n says that container n is an object.
    @usableFromInline var objects: UInt64 = 0
    /// Where the current key of every open container lies, start << 32 | length; 0 in arrays.
    @usableFromInline let keys: UnsafeMutablePointer<UInt64>

    /// Containers around the current value; 1 for a root field.
    public var depth = 0
    public var valueStart = 0
    public var valueEnd = 0
    /// Whether the value is a string; otherwise it is a number, `true`, `false` or `null`.
    public var isString = false
    /// Whether the string holds backslashes.
    public var isEscaped = false

    /// As many containers as one 64-bit word can describe; events have at most ``Limits/depth`` and a few around them.
    @usableFromInline static var deepest: Int { 62 }

    public init() {
        keys = .allocate(capacity: Self.deepest + 2)
        keys.initialize(repeating: 0, count: Self.deepest + 2)
        base = UnsafePointer(bitPattern: 8)!
    }

    deinit { keys.deallocate() }

    /// `line` must stay where it is until the walk is over.
    @inlinable
    public mutating func start(_ line: UnsafeRawBufferPointer) {
        base = line.baseAddress!.assumingMemoryBound(to: UInt8.self)
        end = line.count
        at = 0
        depth = 0
    }

    /// The current value: of a string, the bytes between its quotes as they are written.
    @inlinable
    public var value: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + valueStart, count: valueEnd - valueStart) }

    /// The key of container `level` (1 is the root) on the way to the current value; empty in arrays.
    @inlinable
    public func key(_ level: Int) -> UnsafeRawBufferPointer {
        let packed = keys[level]
        return UnsafeRawBufferPointer(start: base + Int(packed >> 32), count: Int(packed & 0xFFFF_FFFF))
    }

    /// Moves to the next scalar; `false` behind the last.
    @inlinable
    public mutating func next() -> Bool {
        while at < end {
            switch base[at] {
            case UInt8(ascii: ","):
                at &+= 1
                if objects &>> UInt64(depth) & 1 != 0 { readKey() }
            case UInt8(ascii: "{"):
                guard depth < Self.deepest else { return false }
                at &+= 1
                depth &+= 1
                objects |= 1 &<< UInt64(depth)
                if at < end, base[at] == UInt8(ascii: "\"") { readKey() }
            case UInt8(ascii: "["):
                guard depth < Self.deepest else { return false }
                at &+= 1
                depth &+= 1
                objects &= ~(1 &<< UInt64(depth))
                keys[depth] = 0
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                at &+= 1
                depth &-= 1
                if depth <= 0 { return false }
            case UInt8(ascii: "\""):
                valueStart = at &+ 1
                valueEnd = closingQuote(from: valueStart)
                isString = true
                at = valueEnd &+ 1
                return true
            default:
                valueStart = at
                isString = false
                isEscaped = false
                while at < end, base[at] != UInt8(ascii: ","), base[at] != UInt8(ascii: "}"), base[at] != UInt8(ascii: "]"), base[at] > 0x20
                { at += 1 }
                valueEnd = at
                return at > valueStart
            }
        }
        return false
    }

    @inlinable @inline(__always)
    mutating func readKey() {
        let start = at &+ 1
        let stop = closingQuote(from: start)
        keys[depth] = UInt64(start) << 32 | UInt64(stop - start)
        at = stop &+ 2
    }

    /// Index of the quote that ends the string starting at `from`; eight bytes a step (Hacker's Delight, 6-1).
    @inlinable @inline(__always)
    mutating func closingQuote(from: Int) -> Int {
        isEscaped = false
        var index = from
        while index &+ 8 <= end {
            let word = UInt64(littleEndian: UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self))
            let quotes = word ^ 0x2222_2222_2222_2222
            let slashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
            let found =
                ((quotes &- 0x0101_0101_0101_0101) & ~quotes | (slashes &- 0x0101_0101_0101_0101) & ~slashes) & 0x8080_8080_8080_8080
            if found == 0 {
                index &+= 8
                continue
            }
            index &+= found.trailingZeroBitCount &>> 3
            if base[index] == UInt8(ascii: "\"") { return index }
            isEscaped = true
            index += 2
        }
        while index < end {
            if base[index] == UInt8(ascii: "\"") { return index }
            if base[index] == UInt8(ascii: "\\") {
                isEscaped = true
                index += 1
            }
            index += 1
        }
        return end
    }
}
