import CDeflate
import Crypto
import EventModel
import EventStore
import Glibc

/// Writes a file of one tenant and day: data members as they come, then the index, then the trailer. Everything that the
/// manifest must tell is computed on the way, so that no byte is touched twice.
package struct ArchiveWriter: ~Copyable {
    private let path: String
    private let file: OpenDescriptor
    private var builder: IndexBuilder
    private var outgoing: [UInt8] = []
    private var written = 0
    private var fileHash = SHA256()
    private var contentHash = SHA256()
    private var blockHashes: [Digest] = []
    private var received: (first: Int64, last: Int64) = (0, 0)

    private static let writeBytes = 1 << 20

    /// `path`: must not exist; beside it a file with `.index` behind its name may appear for a moment. `afterSeq`: last `seq`
    /// of the tenant in the days before, 0 when there is none; what lies between it and the first line counts as a gap.
    /// Throws `ArchiveFormatError`.
    package init(path: String, tenant: UInt32, tenantName: String, day: Int64, afterSeq: UInt64) throws {
        try self.init(path: path, tenant: tenant, tenantName: tenantName, day: day, afterSeq: afterSeq, bounds: .standard)
    }

    init(path: String, tenant: UInt32, tenantName: String, day: Int64, afterSeq: UInt64, bounds: IndexBounds) throws {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw ArchiveFormatError.io(path: path, operation: "open", errno: errno) }
        self.path = path
        file = OpenDescriptor(descriptor)
        builder = IndexBuilder(
            ArchiveOwner(tenant: tenant, tenantName: tenantName, day: day), afterSeq: afterSeq, spillPath: path + ".index", bounds: bounds)
    }

    /// Appends `member`, the gzip member of `lines`: whole lines of the tenant, of this day, in the order of `seq`, each with
    /// its newline. `take` is given the hashes of the lines before the call returns.
    /// Throws `ArchiveFormatError`; then the file is worth nothing.
    package mutating func add(
        member: UnsafeRawBufferPointer, lines: UnsafeRawBufferPointer, _ take: (LeafLevels) throws -> Void = { _ in }
    ) throws {
        let lastSeq = builder.blocks.last?.lastSeq ?? 0
        guard Self.isMember(member, of: lines) else {
            throw ArchiveFormatError.refused(reason: "a member is not the gzip member of its lines", afterSeq: lastSeq)
        }
        do {
            try builder.add(lines, length: member.count)
        } catch let refusal as LineRefusal {
            throw ArchiveFormatError.refused(reason: refusal.reason, afterSeq: refusal.afterSeq)
        }
        noteReceived(lines)
        contentHash.update(bufferPointer: lines)
        blockHashes.append(builder.leaves.root)
        outgoing += member
        if outgoing.count >= Self.writeBytes { try writeOut() }
        try take(builder.leaves)
    }

    /// Header without flags, and the CRC-32 and length at its end (RFC 1952, section 2.3.1).
    private static func isMember(_ member: UnsafeRawBufferPointer, of lines: UnsafeRawBufferPointer) -> Bool {
        guard member.count > 18, member.starts(with: IndexMember.dataMagic) else { return false }
        let checksum = UInt32(littleEndian: member.loadUnaligned(fromByteOffset: member.count - 8, as: UInt32.self))
        let length = UInt32(littleEndian: member.loadUnaligned(fromByteOffset: member.count - 4, as: UInt32.self))
        return length == UInt32(truncatingIfNeeded: lines.count) && checksum == libdeflate_crc32(0, lines.baseAddress, lines.count)
    }

    private mutating func noteReceived(_ lines: UnsafeRawBufferPointer) {
        let lastStart = lines.dropLast().lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if builder.blocks.count == 1 { received.first = CanonicalLine(lines)?.received ?? 0 }
        received.last = CanonicalLine(UnsafeRawBufferPointer(rebasing: lines[lastStart...]))?.received ?? 0
    }

    private mutating func writeOut() throws {
        try outgoing.withUnsafeBytes {
            fileHash.update(bufferPointer: $0)
            try writeAll($0, to: file.number, at: written, path)
        }
        written += outgoing.count
        outgoing.removeAll(keepingCapacity: true)
    }

    /// Writes index and trailer and syncs the file, not its folder. At least one event was added.
    package mutating func finish() throws -> ArchiveContents {
        try writeOut()
        let finished = try builder.finish(dataLength: written)
        guard let first = finished.blocks.first, let last = finished.blocks.last else {
            preconditionFailure("a day without events has no file")
        }
        try write(finished)
        guard fsync(file.number) == 0 else { throw ArchiveFormatError.io(path: path, operation: "fsync", errno: errno) }
        var counts: [String: Int] = [:]
        for combination in finished.head.combinations { counts[combination.kind, default: 0] += finished.counts[combination.number] ?? 0 }
        return ArchiveContents(
            tenant: finished.head.tenant, tenantName: finished.head.tenantName, day: finished.head.day, events: finished.head.events,
            bytes: finished.head.bytes, firstSeq: first.firstSeq, lastSeq: last.lastSeq, firstReceived: received.first,
            lastReceived: received.last, minTime: finished.head.minTime, maxTime: finished.head.maxTime, firstPosition: first.firstPosition,
            lastPosition: last.lastPosition, fileBytes: written, fileSHA256: Digest(fileHash.finalize()),
            contentSHA256: Digest(contentHash.finalize()), lineChecksSHA256: finished.lineChecks, blocks: finished.blocks,
            blockHashes: blockHashes, counts: counts, gaps: finished.gaps, indexBytes: written - finished.trailer.dataLength)
    }

    private mutating func write(_ finished: IndexBuilder.Finished) throws {
        var at = 0
        while at < finished.index.count {
            let end = min(at + IndexMember.capacity, finished.index.count)
            IndexMember.encode(try finished.index.read(at..<end), .index, into: &outgoing)
            if outgoing.count >= Self.writeBytes { try writeOut() }
            at = end
        }
        IndexMember.encode(finished.trailer.encoded(), .trailer, into: &outgoing)
        try writeOut()
    }
}
