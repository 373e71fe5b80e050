/// Finds a literal in bytes, letters regardless of case: its first and last byte in sixteen places at once, then the
/// rest (Wojciech Muła, "SIMD-friendly algorithms for substring searching").
struct NeedleSearch {
    private let needle: [UInt8]

    init(_ needle: [UInt8]) { self.needle = needle.map { $0 | 0x20 } }

    /// Offset of the first hit at or behind `from`; `nil` when there is none. May report what only looks alike.
    func first(in bytes: UnsafeRawBufferPointer, from: Int) -> Int? {
        let last = needle.count - 1
        guard bytes.count >= needle.count, from <= bytes.count - needle.count else { return nil }
        let base = bytes.baseAddress!
        let space = SIMD16<UInt8>(repeating: 0x20)
        let head = SIMD16<UInt8>(repeating: needle[0])
        let tail = SIMD16<UInt8>(repeating: needle[last])
        var at = from
        while at + last + 16 <= bytes.count {
            let left = ((base + at).loadUnaligned(as: SIMD16<UInt8>.self) | space) .== head
            let right = ((base + at + last).loadUnaligned(as: SIMD16<UInt8>.self) | space) .== tail
            let both = left .& right
            if any(both) {
                for lane in 0..<16 where both[lane] && isHit(base + at + lane) { return at + lane }
            }
            at += 16
        }
        while at + last < bytes.count {
            if isHit(base + at) { return at }
            at += 1
        }
        return nil
    }

    private func isHit(_ pointer: UnsafeRawPointer) -> Bool {
        for (index, byte) in needle.enumerated() where pointer.load(fromByteOffset: index, as: UInt8.self) | 0x20 != byte { return false }
        return true
    }
}
