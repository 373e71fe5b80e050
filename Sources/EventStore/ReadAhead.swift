import Synchronization

/// Members that one lookup is about to need, inflated by its own thread and by those that have nothing to do: an actor's
/// events of a month lie in thirty members, and inflating them is nearly all that finding them costs.
final class ReadAhead: Sendable {
    struct Wanted: Sendable {
        var member: InflatedBlocks.Member
        var location: BlockLocation
        var directory: BlockDirectory
    }

    private let blocks: InflatedBlocks
    private let wanted: [Wanted]
    private let next = Atomic(0)
    private let left: Atomic<Int>
    private let inflated = Atomic(0)
    private let archiveBytes = Atomic(0)
    private let finished = Wake()

    init(_ wanted: [Wanted], _ blocks: InflatedBlocks) {
        self.blocks = blocks
        self.wanted = wanted
        left = Atomic(wanted.count)
    }

    /// Inflates what nobody else has begun.
    func work(_ inflater: borrowing Inflater) {
        while true {
            let index = next.add(1, ordering: .relaxed).oldValue
            guard index < wanted.count else { return }
            let one = wanted[index]
            if blocks.load(one.member, one.location, one.directory, inflater) {
                inflated.add(1, ordering: .relaxed)
                if one.location.isArchived { archiveBytes.add(Int(one.location.length), ordering: .relaxed) }
            }
            if left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { finished.signal() }
        }
    }

    /// Returns when all are there; says what had to be inflated.
    func wait(_ scanned: inout Scanned) {
        while left.load(ordering: .acquiring) > 0 { finished.wait(milliseconds: 100) }
        scanned.blocksInflated += inflated.load(ordering: .relaxed)
        scanned.archiveBytes += archiveBytes.load(ordering: .relaxed)
    }
}
