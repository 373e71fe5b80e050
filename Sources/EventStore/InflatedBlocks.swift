import Synchronization

/// Members that were inflated lately, within a limit of bytes: consecutive pages of one question, neighbouring blocks
/// and repeated deliveries of one batch meet the same ones.
final class InflatedBlocks: Sendable {
    /// A member of a partition.
    struct Member: Hashable, Sendable {
        var day: Int64
        var piece: UInt32
        var offset: UInt64
    }

    private struct State {
        var members: [Member: (lines: [UInt8], use: Int)] = [:]
        var bytes = 0
        var uses = 0
    }

    private let state = Mutex(State())
    private let largestBytes: Int

    init(largestBytes: Int) { self.largestBytes = largestBytes }

    /// The lines of block `number`, a part of what its member holds; `nil` when the member is damaged.
    func lines(
        of number: UInt32, in directory: BlockDirectory, day: Int64, _ inflater: borrowing Inflater, scanned: inout Scanned
    ) -> ArraySlice<UInt8>? {
        let entry = directory[number]
        let start = Int(entry.location.start)
        guard let member = member(entry.location, directory, day, inflater, &scanned), start + Int(entry.bytes) <= member.count else {
            scanned.damagedBlocks += 1
            return nil
        }
        return member[start..<start + Int(entry.bytes)]
    }

    private func member(
        _ location: BlockLocation, _ directory: BlockDirectory, _ day: Int64, _ inflater: borrowing Inflater, _ scanned: inout Scanned
    ) -> [UInt8]? {
        let key = Member(day: day, piece: location.piece, offset: location.offset)
        if let known = use(key) { return known }
        scanned.blocksInflated += 1
        return inflate(key, location, directory, inflater)
    }

    /// Sees to it that the member is among those kept; whether it had to be inflated.
    func load(_ key: Member, _ location: BlockLocation, _ directory: BlockDirectory, _ inflater: borrowing Inflater) -> Bool {
        if use(key) != nil { return false }
        return inflate(key, location, directory, inflater) != nil
    }

    func removeAll() {
        state.withLock { state in
            state.members = [:]
            state.bytes = 0
        }
    }

    private func use(_ key: Member) -> [UInt8]? {
        state.withLock { state -> [UInt8]? in
            state.uses += 1
            state.members[key]?.use = state.uses
            return state.members[key]?.lines
        }
    }

    private func inflate(
        _ key: Member, _ location: BlockLocation, _ directory: BlockDirectory, _ inflater: borrowing Inflater
    ) -> [UInt8]? {
        guard let file = directory.files[location.piece] else { return nil }
        let lines = withUnsafeTemporaryAllocation(byteCount: Int(location.length), alignment: 16) { member -> [UInt8]? in
            guard file.read(into: member, at: Int(location.offset)) else { return nil }
            return inflater.bytes(of: UnsafeRawBufferPointer(member), count: Int(location.memberBytes))
        }
        if let lines { keep(lines, key) }
        return lines
    }

    private func keep(_ lines: [UInt8], _ key: Member) {
        state.withLock { state in
            guard state.members[key] == nil, lines.count <= largestBytes else { return }
            state.members[key] = (lines, state.uses)
            state.bytes += lines.count
            while state.bytes > largestBytes, let oldest = state.members.min(by: { $0.value.use < $1.value.use }) {
                state.bytes -= oldest.value.lines.count
                state.members[oldest.key] = nil
            }
        }
    }
}
