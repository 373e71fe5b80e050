import Synchronization

/// What was inflated lately, within a limit of bytes: consecutive pages of one question, neighbouring blocks and repeated
/// deliveries of one batch meet the same members.
///
/// Of a member of which only one block is wanted no more is inflated than reaches to the end of that block. Gzip's CRC
/// says nothing about a part, so the block's own checksum must vouch for it. Where there is none, or it does not, all is
/// inflated and gzip's CRC decides. The other way round, a block that lies before its member's damage can still be read.
final class InflatedBlocks: Sendable {
    /// A member of a partition.
    struct Member: Hashable, Sendable {
        var day: Int64
        var piece: UInt32
        var offset: UInt64

        init(_ day: Int64, _ location: BlockLocation) {
            self.day = day
            piece = location.piece
            offset = location.offset
        }
    }

    /// How much of a member is worth inflating.
    enum Extent: Sendable {
        /// All of it: its other blocks will be asked for as well.
        case member
        /// What reaches to the end of the block.
        case block
    }

    private struct Kept {
        /// What the member inflates to, or the first part of it.
        var lines: [UInt8]
        /// Of those, the ones that are known to be right.
        var known: Range<Int>
        var use: Int
    }

    private struct State {
        var members: [Member: Kept] = [:]
        var bytes = 0
        var uses = 0
    }

    private let state = Mutex(State())
    private let largestBytes: Int

    init(largestBytes: Int) { self.largestBytes = largestBytes }

    /// The lines of block `number`; `nil` when they are damaged.
    func lines(
        of number: UInt32, in directory: BlockDirectory, day: Int64, upTo extent: Extent = .member, _ inflater: borrowing Inflater,
        scanned: inout Scanned
    ) -> ArraySlice<UInt8>? {
        let entry = directory[number]
        guard let (lines, isNew) = lines(entry, directory, day, extent, inflater) else {
            scanned.blocksInflated += 1
            scanned.damagedBlocks += 1
            return nil
        }
        if isNew { scanned.blocksInflated += 1 }
        return lines[entry.range]
    }

    /// Sees to it that the block is among those kept; whether it had to be inflated.
    func load(_ number: UInt32, in directory: BlockDirectory, day: Int64, upTo extent: Extent, _ inflater: borrowing Inflater) -> Bool {
        lines(directory[number], directory, day, extent, inflater)?.isNew ?? false
    }

    /// Whether all or a part of it is kept.
    func keeps(_ member: Member) -> Bool { state.withLock { $0.members[member] != nil } }

    /// What the member inflates to, at least up to the end of the block.
    private func lines(_ entry: BlockEntry, _ directory: BlockDirectory, _ day: Int64, _ extent: Extent, _ inflater: borrowing Inflater)
        -> (lines: [UInt8], isNew: Bool)?
    {
        let key = Member(day, entry.location)
        let kept = use(key)
        // Of a part, what stands before the block that it was inflated for can be right too.
        if let kept, kept.known.contains(entry.range) || Self.isRight(kept.lines, entry) { return (kept.lines, false) }
        // A member that is met again may be met once more.
        return inflate(key, entry, directory, kept == nil ? extent : .member, inflater).map { ($0, true) }
    }

    func removeAll() {
        state.withLock { state in
            state.members = [:]
            state.bytes = 0
        }
    }

    private func use(_ key: Member) -> Kept? {
        state.withLock { state -> Kept? in
            state.uses += 1
            state.members[key]?.use = state.uses
            return state.members[key]
        }
    }

    private func inflate(
        _ key: Member, _ entry: BlockEntry, _ directory: BlockDirectory, _ extent: Extent, _ inflater: borrowing Inflater
    ) -> [UInt8]? {
        let location = entry.location
        guard let file = directory.files[location.piece], entry.range.upperBound <= Int(location.memberBytes) else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: Int(location.length), alignment: 16) { target -> [UInt8]? in
            guard file.read(into: target, at: Int(location.offset)) else { return nil }
            let member = UnsafeRawBufferPointer(target)
            if extent == .block, let lines = Self.start(of: member, entry, inflater) { return keep(lines, known: entry.range, key) }
            if let lines = inflater.bytes(of: member, count: Int(location.memberBytes)) { return keep(lines, known: lines.indices, key) }
            guard extent == .member, let lines = Self.start(of: member, entry, inflater) else { return nil }
            return keep(lines, known: entry.range, key)
        }
    }

    /// `nil` when that is nearly all of the member, or nothing vouches for it.
    private static func start(of member: UnsafeRawBufferPointer, _ entry: BlockEntry, _ inflater: borrowing Inflater) -> [UInt8]? {
        let end = entry.range.upperBound
        guard entry.location.checksum != 0, end <= Int(entry.location.memberBytes) / 8 * 7,
            let lines = inflater.start(of: member, count: end), isRight(lines, entry)
        else { return nil }
        return lines
    }

    private static func isRight(_ lines: [UInt8], _ entry: BlockEntry) -> Bool {
        guard entry.location.checksum != 0, entry.range.upperBound <= lines.count else { return false }
        return lines.withUnsafeBytes { crc32(UnsafeRawBufferPointer(rebasing: $0[entry.range])) } == entry.location.checksum
    }

    private func keep(_ lines: [UInt8], known: Range<Int>, _ key: Member) -> [UInt8] {
        state.withLock { state in
            let old = state.members[key]?.lines.count ?? 0
            guard lines.count > old, lines.count <= largestBytes else { return }
            state.members[key] = Kept(lines: lines, known: known, use: state.uses)
            state.bytes += lines.count - old
            while state.bytes > largestBytes, let oldest = state.members.min(by: { $0.value.use < $1.value.use }) {
                state.bytes -= oldest.value.lines.count
                state.members[oldest.key] = nil
            }
        }
        return lines
    }
}
