import EventModel

/// The numbers under which blocks are found.
///
/// | from | to | what |
/// |---|---|---|
/// | 0 | 2^28 | words, `field=value` and whole values, by hash |
/// | 2^41 | 2^41 + 2^36 | identities: 26 bits of `original_id`'s hash, then 10 bits of the identity's rest |
///
/// 28 bits are enough to prune: with 20 million different terms in a day a lookup inflates one block too many every
/// thirteenth time. Each bit less saves an eighth of a byte a pair.
///
/// Identities keep `original_id` in front, so that one seek finds it for every tenant and producer, and the rest behind,
/// so that deduplication is not led astray by tenants that all number their events from 1. How many bits: among 10
/// million events of a day 26 send a lookup by `original_id` to 0.15 foreign blocks. And a new event meets a foreign
/// identity of a week of such days (70 million) once in a thousand times, as often as the filter in front of the runs
/// errs; such a one costs seeks in the runs, about 0.2 ms, so 0.2 µs an event. With 32 bits it would be 16 times that.
package enum Term {
    package static let ordinaryBits = 28
    static let identityBits = 36
    package static let identities: UInt64 = 1 << 41
    /// All terms are below this.
    static let end: UInt64 = 1 << 42

    private static let tailBits = UInt64(identityBits - Hash64.originalIDBits)
    private static let tailMask: UInt64 = (1 << tailBits) - 1

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

    /// Never 0. `identity` as in ``CommittedEvent``.
    @inline(__always)
    static func identity(_ identity: UInt64) -> UInt64 {
        identities | (identity >> UInt64(64 - Hash64.originalIDBits)) << tailBits | identity & tailMask
    }

    /// All identities with this `original_id`, whatever tenant and producer.
    static func identityRange(originalID: UnsafeRawBufferPointer) -> ClosedRange<UInt64> {
        let low = identities | Hash64.originalIDPrefix(originalID) << tailBits
        return low...low | tailMask
    }
}
