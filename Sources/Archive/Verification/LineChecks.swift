import Crypto
import EventStore

/// The first two bytes of each line's leaf hash, out of a file's index. The manifest signs their hash, so that it does not
/// matter where and how they are found: also behind data that was changed, and before bytes that were appended.
enum LineChecks {
    /// How far from the end a trailer is looked for.
    private static let searchBytes = 1 << 20

    /// `nil` when the index does not hold what `digest` is the SHA-256 of. Throws what the source throws.
    static func read(_ source: any ByteSource, digest: Digest) throws -> [UInt16]? {
        let start = max(0, source.count - searchBytes)
        let end = try source.read(start..<source.count)
        let found = try end.withUnsafeBytes { bytes in
            var at = bytes.count - ArchiveTrailer.length
            while at >= 0 {
                let member = UnsafeRawBufferPointer(rebasing: bytes[at...])
                if member[0] == IndexMember.magic[0], let (kind, range) = IndexMember.payload(of: member), kind == .trailer,
                    let checks = try read(source, trailer: Array(member[range]), at: start + at), Digest(of: Self.bytes(checks)) == digest
                {
                    return checks as [UInt16]?
                }
                at -= 1
            }
            return nil
        }
        return found
    }

    private static func read(_ source: any ByteSource, trailer payload: [UInt8], at offset: Int) throws -> [UInt16]? {
        guard payload.count == ArchiveTrailer.payloadBytes else { return nil }
        // The trailer says how long the data is; where lines were changed it is longer or shorter by now.
        let lengths = payload.withUnsafeBytes { bytes in
            (0..<2).map { Int(truncatingIfNeeded: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16 + 8 * $0, as: UInt64.self))) }
        }
        guard lengths.allSatisfy({ (0..<1 << 48).contains($0) }) else { return nil }
        do {
            let sealed = lengths[0] + IndexMember.fileLength(lengths[1]) + ArchiveTrailer.length
            var trailer = try ArchiveTrailer(payload, fileLength: sealed)
            trailer.dataLength = offset - IndexMember.fileLength(trailer.indexLength)
            guard trailer.dataLength >= 0 else { return nil }
            return try ArchiveIndex(trailer, FramedIndex(source, trailer, tail: [])).lineChecks()
        } catch is IndexDamage { return nil }
    }

    static func bytes(_ checks: [UInt16]) -> [UInt8] { checks.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }

    /// What is wrong with the rest of the index, in sentences: every page is read, a part of all terms at a time.
    static func faults(_ source: any ByteSource) throws -> [String] {
        let file = try ArchiveFile.open(source)
        _ = try file.blocks()
        _ = try file.lineChecks()
        let parts: UInt64 = 64
        let width = UInt64.max / parts
        for part in 0..<parts where file.notes.isEmpty {
            _ = try file.candidates(part * width...(part == parts - 1 ? .max : part * width + width - 1))
        }
        try file.rollups(hours: .min ... .max) { _, _, _ in }
        return file.notes
    }
}
