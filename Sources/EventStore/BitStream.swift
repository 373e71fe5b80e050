/// Writes numbers of any width in bits, lowest bit first.
struct BitWriter {
    /// Eight bytes are stored at a time where the next number belongs, so what lies behind `count` means nothing.
    private var room: [UInt8] = []
    private var count = 0
    private var pending: UInt64 = 0
    private var pendingBits = 0

    /// Whole bytes so far.
    var bytes: [UInt8] { Array(room[..<count]) }

    var bitCount: Int { count * 8 + pendingBits }

    /// `value` < 2^`width`, `width` ≤ 56.
    @inline(__always)
    mutating func write(_ value: UInt64, _ width: Int) {
        pending |= value << UInt64(pendingBits)
        pendingBits += width
        if count + 8 > room.count { grow() }
        let (word, at) = (pending.littleEndian, count)
        room.withUnsafeMutableBytes { $0.storeBytes(of: word, toByteOffset: at, as: UInt64.self) }
        let whole = pendingBits & ~7
        count += whole >> 3
        pending &>>= UInt64(whole)
        pendingBits -= whole
    }

    @inline(never)
    private mutating func grow() { room += repeatElement(0, count: max(256, room.count)) }

    /// Rice code: quotient in unary, rest in `k` bits. A quotient of ``BitReader/escape`` or more is written in full.
    @inline(__always)
    mutating func rice(_ value: UInt64, _ k: Int) {
        let quotient = value >> UInt64(k)
        if quotient < UInt64(BitReader.escape) {
            write((1 << quotient) - 1, Int(quotient) + 1)
            write(value & ((1 << UInt64(k)) - 1), k)
        } else {
            write((1 << UInt64(BitReader.escape)) - 1, BitReader.escape)
            write(value & 0xFFFF_FFFF, 32)
            write(value >> 32, 16)
        }
    }

    /// Elias gamma of `value` ≥ 1: short for small numbers.
    @inline(__always)
    mutating func gamma(_ value: UInt64) {
        let width = 63 - value.leadingZeroBitCount
        write((1 << UInt64(width)) - 1, width + 1)
        write(value & ((1 << UInt64(width)) - 1), width)
    }

    /// Truncated binary code of `value` < `count`, whose largest number has `width` bits: up to one bit less than those
    /// where `count` is no power of two.
    @inline(__always)
    mutating func truncated(_ value: UInt32, of count: UInt32, _ width: Int) {
        if width == 0 { return }
        let short = (1 << UInt64(width)) - UInt64(count)
        if UInt64(value) < short {
            write(UInt64(value), width - 1)
        } else {
            let code = UInt64(value) + short
            write(code >> 1, width - 1)
            write(code & 1, 1)
        }
    }

    /// What was written at a point, to come back to it.
    struct Mark {
        fileprivate var count: Int
        fileprivate var pending: UInt64
        fileprivate var pendingBits: Int
    }

    var mark: Mark { Mark(count: count, pending: pending, pendingBits: pendingBits) }

    mutating func cut(to mark: Mark) {
        count = mark.count
        pending = mark.pending
        pendingBits = mark.pendingBits
    }

    mutating func removeAll() {
        count = 0
        pending = 0
        pendingBits = 0
    }

    /// Fills the last byte with zeros.
    mutating func finish() {
        if pendingBits > 0 { write(0, 8 - pendingBits) }
    }
}

/// Reads what ``BitWriter`` wrote. Behind the end it reads zeros: a damaged page gives wrong numbers, not a crash.
struct BitReader {
    static let escape = 24

    private let base: UnsafePointer<UInt8>
    private let count: Int
    private var at = 0
    private var pending: UInt64 = 0
    private var pendingBits = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        base = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        count = bytes.count
    }

    @inline(__always)
    private mutating func fill() {
        if at + 8 <= count {
            pending |= UInt64(littleEndian: UnsafeRawPointer(base + at).loadUnaligned(as: UInt64.self)) << UInt64(pendingBits)
            let taken = (63 - pendingBits) >> 3
            at += taken
            pendingBits += taken << 3
            // Bits above `pendingBits` came along; they are the same ones that the next fill brings.
            pending &= pendingBits == 64 ? ~0 : (1 << UInt64(pendingBits)) - 1
            return
        }
        while pendingBits <= 56 {
            if at < count { pending |= UInt64(base[at]) << UInt64(pendingBits) }
            at += 1
            pendingBits += 8
        }
    }

    /// `width` ≤ 48.
    @inline(__always)
    mutating func read(_ width: Int) -> UInt64 {
        if pendingBits < width { fill() }
        let value = pending & ((1 << UInt64(width)) - 1)
        pending >>= UInt64(width)
        pendingBits -= width
        return value
    }

    /// Ones before the next zero, at most `limit` (≤ 40); takes the zero too where there is one.
    @inline(__always)
    private mutating func unary(_ limit: Int) -> Int {
        if pendingBits <= limit { fill() }
        let ones = min((~pending).trailingZeroBitCount, limit)
        let taken = ones < limit ? ones + 1 : limit
        pending >>= UInt64(taken)
        pendingBits -= taken
        return ones
    }

    @inline(__always)
    mutating func rice(_ k: Int) -> UInt64 {
        let quotient = unary(Self.escape)
        if quotient < Self.escape { return UInt64(quotient) << UInt64(k) | read(k) }
        let low = read(32)
        return low | read(16) << 32
    }

    @inline(__always)
    mutating func truncated(of count: UInt32, _ width: Int) -> UInt32 {
        if width == 0 { return 0 }
        let short = (1 << UInt64(width)) - UInt64(count)
        let code = read(width - 1)
        if code < short { return UInt32(truncatingIfNeeded: code) }
        return UInt32(truncatingIfNeeded: (code << 1 | read(1)) &- short)
    }

    @inline(__always)
    mutating func gamma() -> UInt64 {
        let width = unary(40)
        return 1 << UInt64(width) | read(width)
    }
}
