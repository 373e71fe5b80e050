/// A tree as the catalogue keeps it: number of leaves (8 bytes, little-endian), then the peaks, 32 bytes each.
extension CompactRange {
    var stored: [UInt8] { withUnsafeBytes(of: size.littleEndian) { Array($0) } + peaks.flatMap(\.bytes) }

    /// `nil` when the number of peaks is not that of the size.
    init?(stored bytes: [UInt8]) {
        guard bytes.count >= 8, (bytes.count - 8) % Digest.count == 0 else { return nil }
        let size = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        let peaks = stride(from: 8, to: bytes.count, by: Digest.count).compactMap { Digest(bytes[$0..<$0 + Digest.count]) }
        self.init(size: size, peaks: peaks)
    }
}
