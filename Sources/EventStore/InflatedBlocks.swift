import Synchronization

/// Lines of blocks that were inflated lately, within a limit of bytes: consecutive pages of one question and repeated
/// deliveries of one batch meet the same blocks.
final class InflatedBlocks: Sendable {
    private struct Key: Hashable {
        var day: Int64
        var number: UInt32
    }

    private struct State {
        var blocks: [Key: (lines: [UInt8], use: Int)] = [:]
        var bytes = 0
        var uses = 0
    }

    private let state = Mutex(State())
    private let largestBytes: Int

    init(largestBytes: Int) { self.largestBytes = largestBytes }

    /// `nil` when the member is damaged.
    func lines(of number: UInt32, _ entry: BlockEntry, in partition: Partition, _ inflater: borrowing Inflater, scanned: inout Scanned)
        -> [UInt8]?
    {
        let key = Key(day: partition.day, number: number)
        let known = state.withLock { state -> [UInt8]? in
            state.uses += 1
            state.blocks[key]?.use = state.uses
            return state.blocks[key]?.lines
        }
        if let known { return known }
        scanned.blocksInflated += 1
        let lines = withUnsafeTemporaryAllocation(byteCount: Int(entry.length), alignment: 16) { member -> [UInt8]? in
            guard partition.members.read(into: member, at: Int(entry.offset)) else { return nil }
            return inflater.bytes(of: UnsafeRawBufferPointer(member), count: Int(entry.bytes))
        }
        guard let lines else {
            scanned.damagedBlocks += 1
            return nil
        }
        keep(lines, key)
        return lines
    }

    private func keep(_ lines: [UInt8], _ key: Key) {
        state.withLock { state in
            guard state.blocks[key] == nil, lines.count <= largestBytes else { return }
            state.blocks[key] = (lines, state.uses)
            state.bytes += lines.count
            while state.bytes > largestBytes, let oldest = state.blocks.min(by: { $0.value.use < $1.value.use }) {
                state.bytes -= oldest.value.lines.count
                state.blocks[oldest.key] = nil
            }
        }
    }
}
