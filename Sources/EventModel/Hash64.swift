/// A fast 64-bit hash of bytes with good spread, for terms, identities and symbol tables. It is written into
/// files, so it never changes; it is not meant to withstand an attacker, and nothing relies on it for truth:
/// hashes prune, bytes decide.
///
/// Eight bytes a step through a folded 64×64→128 multiplication, as in wyhash (Wang Yi, public domain), whose
/// constants these are; shorter than its full mixing because keys here are short.
public enum Hash64 {
    @inline(__always)
    static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    @inlinable
    public static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        guard let base = bytes.baseAddress else { return hash(pointer: UnsafeRawPointer(bitPattern: 1)!, count: 0, seed: seed) }
        return hash(pointer: base, count: bytes.count, seed: seed)
    }

    /// Reads `count` bytes from `pointer`, none beyond.
    public static func hash(pointer: UnsafeRawPointer, count: Int, seed: UInt64) -> UInt64 {
        var state = seed ^ 0xa076_1d64_78bd_642f
        var at = 0
        while count - at > 8 {
            state = fold(state ^ load8(pointer + at), 0xe703_7ed1_a0b4_28db)
            at += 8
        }
        state = fold(state ^ loadTail(pointer + at, count - at), 0x8ebc_6af0_9c88_c6e3)
        return fold(state ^ UInt64(truncatingIfNeeded: count), 0x5899_65cc_7537_4cc3)
    }

    @inlinable @inline(__always)
    static func load8(_ pointer: UnsafeRawPointer) -> UInt64 {
        UInt64(littleEndian: pointer.loadUnaligned(as: UInt64.self))
    }

    /// 0 to 8 bytes in one word: the same for the same bytes.
    @inlinable @inline(__always)
    public static func short(_ pointer: UnsafeRawPointer, _ count: Int) -> UInt64 { loadTail(pointer, count) }

    /// 0 to 8 bytes as one little-endian word.
    @inlinable @inline(__always)
    static func loadTail(_ pointer: UnsafeRawPointer, _ count: Int) -> UInt64 {
        if count == 8 { return load8(pointer) }
        if count >= 4 {
            let low = UInt64(UInt32(littleEndian: pointer.loadUnaligned(as: UInt32.self)))
            let high = UInt64(UInt32(littleEndian: (pointer + count - 4).loadUnaligned(as: UInt32.self)))
            return low | high << 32
        }
        if count == 0 { return 0 }
        let first = UInt64(pointer.load(as: UInt8.self))
        let middle = UInt64((pointer + count / 2).load(as: UInt8.self))
        let last = UInt64((pointer + count - 1).load(as: UInt8.self))
        return first | middle << 8 | last << 16
    }

    /// Identity of an event for deduplication. Never 0, which means "no identity".
    ///
    /// The upper ``originalIDBits`` are ``originalIDPrefix(_:)``, so that events are found by `original_id` alone through
    /// their identities, and nobody has to look for it in the line again; the others depend on all three.
    public static func identity(tenant: UnsafeRawBufferPointer, producer: UnsafeRawBufferPointer, originalID: UnsafeRawBufferPointer)
        -> UInt64
    {
        let rest = hash(originalID, seed: hash(producer, seed: hash(tenant))) >> UInt64(originalIDBits)
        return max(1, originalIDPrefix(originalID) << UInt64(64 - originalIDBits) | rest)
    }

    public static let originalIDBits = 26

    /// The part of an identity that `originalID` alone decides, whatever tenant and producer. Regardless of ASCII case,
    /// because what is typed into a search is.
    public static func originalIDPrefix(_ originalID: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = originalID.baseAddress else { return 0 }
        var state: UInt64 = 0x6f72_6967_696e_616c
        var at = 0
        // Setting the bit that tells letters' cases apart maps a few other characters together too; it only prunes.
        while at + 8 <= originalID.count {
            state = fold(state ^ (load8(base + at) | 0x2020_2020_2020_2020), 0xe703_7ed1_a0b4_28db)
            at += 8
        }
        var tail: UInt64 = 0
        while at < originalID.count {
            tail = tail << 8 | UInt64(originalID[at] | 0x20)
            at += 1
        }
        state = fold(state ^ tail, 0x8ebc_6af0_9c88_c6e3)
        return fold(state ^ UInt64(originalID.count), 0x5899_65cc_7537_4cc3) >> UInt64(64 - originalIDBits)
    }
}
