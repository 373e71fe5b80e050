import CSearch

/// Finds a literal in bytes, letters regardless of case.
struct NeedleSearch {
    private let needle: [UInt8]

    /// `needle` is not empty.
    init(_ needle: [UInt8]) { self.needle = needle.map { $0 | 0x20 } }

    /// Offset of the first hit at or behind `from`; `nil` when there is none. May report what only looks alike.
    func first(in bytes: UnsafeRawBufferPointer, from: Int) -> Int? {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        let place = csearch_first(base, bytes.count, from, needle, needle.count)
        // Swift takes size_t for Int, so CSEARCH_NONE is -1 here.
        return place < 0 ? nil : place
    }
}
