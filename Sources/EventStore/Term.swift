import EventModel

/// The numbers under which blocks are found.
///
/// | from | to | what |
/// |---|---|---|
/// | 0 | 2^28 | words, `field=value` and whole values, by hash |
/// | 2^41 | 2^42 | identities: 27 bits of `original_id`'s hash, then 14 bits of the identity's |
///
/// 28 bits are enough to prune: with 20 million different terms in a day a lookup inflates one block too many every
/// thirteenth time. Each bit less saves an eighth of a byte a pair. Identities keep `original_id` in front, so that
/// one seek finds it for every tenant and producer, and the rest behind, so that deduplication is not led astray by
/// tenants that all number their events from 1.
enum Term {
    static let ordinaryBits = 28
    static let identityBits = 41
    static let identities: UInt64 = 1 << 41
    /// All terms are below this.
    static let end: UInt64 = 1 << 42

    private static let identityTail: UInt64 = 14

    @inline(__always)
    static func word(_ pointer: UnsafeRawPointer, _ count: Int) -> UInt64 {
        Hash64.hash(pointer: pointer, count: count, seed: 0) >> UInt64(64 - ordinaryBits)
    }

    static func word(_ word: [UInt8]) -> UInt64 { word.withUnsafeBytes { self.word($0.baseAddress!, $0.count) } }

    /// A whole value of several words, lower-cased.
    static func value(_ lowered: [UInt8]) -> UInt64 {
        lowered.withUnsafeBytes { Hash64.hash($0, seed: 0x76616c7565) } >> UInt64(64 - ordinaryBits)
    }

    @inline(__always)
    static func fieldHash(_ field: UInt8, _ value: UnsafeRawBufferPointer) -> UInt64 {
        Hash64.hash(pointer: value.baseAddress!, count: value.count, seed: UInt64(field) &* 0x9E37_79B9_7F4A_7C15)
    }

    @inline(__always)
    static func folded(_ hash: UInt64) -> UInt64 { hash >> UInt64(64 - ordinaryBits) }

    /// `originalID` as it is written in the line; never 0.
    @inline(__always)
    static func identity(originalID: UnsafeRawBufferPointer, identity: UInt64) -> UInt64 {
        identities | prefix(originalID) << identityTail | identity & ((1 << identityTail) - 1)
    }

    /// All identities with this `original_id`, whatever tenant and producer.
    static func identityRange(originalID: UnsafeRawBufferPointer) -> ClosedRange<UInt64> {
        let low = identities | prefix(originalID) << identityTail
        return low...low | ((1 << identityTail) - 1)
    }

    /// Regardless of ASCII case, because words typed into a search are.
    @inline(__always)
    private static func prefix(_ originalID: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = originalID.baseAddress else { return 0 }
        var state: UInt64 = 0x6f72_6967_696e_616c
        var at = 0
        // Setting the bit that tells letters' cases apart maps a few other characters together too; it only prunes.
        while at + 8 <= originalID.count {
            state = mix(state ^ ((base + at).loadUnaligned(as: UInt64.self) | 0x2020_2020_2020_2020))
            at += 8
        }
        var tail: UInt64 = 0
        while at < originalID.count {
            tail = tail << 8 | UInt64(originalID[at] | 0x20)
            at += 1
        }
        return mix(mix(state ^ tail) ^ UInt64(originalID.count)) >> UInt64(64 - 27)
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0xa076_1d64_78bd_642f).multipliedFullWidth(by: 0xe703_7ed1_a0b4_28db)
        return product.high ^ product.low
    }
}
