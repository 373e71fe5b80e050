import Synchronization

/// Members that one lookup is about to need, in that order. An actor's events of a month lie in thirty members, and
/// inflating them is nearly all that finding them costs. So threads that have nothing to do help with it: they take what
/// comes next and nobody has begun, while the lookup's own thread inflates and searches the one it stands at. When a
/// helper is at that one just now, the lookup takes what comes next too, and waits only when there is nothing.
final class ReadAhead: Sendable {
    struct Wanted: Sendable {
        let block: UInt32
        let day: Int64
        let directory: BlockDirectory
        let extent: InflatedBlocks.Extent
        let member: InflatedBlocks.Member

        init(_ block: UInt32, in directory: BlockDirectory, day: Int64, upTo extent: InflatedBlocks.Extent) {
            self.block = block
            self.day = day
            self.directory = directory
            self.extent = extent
            member = InflatedBlocks.Member(day, directory[block].location)
        }
    }

    private struct State {
        /// What nobody has begun.
        var waiting: [Wanted] = []
        /// What helpers are at.
        var begun: [InflatedBlocks.Member] = []
        var asked: Set<InflatedBlocks.Member> = []
        var inflated = 0
        var archiveBytes = 0

        mutating func takeFirst() -> Wanted? { waiting.isEmpty ? nil : waiting.removeFirst() }
    }

    private let blocks: InflatedBlocks
    private let state = Mutex(State())
    private let progress = Wake()

    init(_ blocks: InflatedBlocks) { self.blocks = blocks }

    /// Asks for what is not there already of `more`, each member once; whether there is something to help with.
    func ask(for more: [Wanted]) -> Bool {
        let missing = more.filter { !blocks.keeps($0.member) }
        return state.withLock { state in
            for wanted in missing where state.asked.insert(wanted.member).inserted { state.waiting.append(wanted) }
            return !state.waiting.isEmpty
        }
    }

    /// Inflates what nobody has begun, until nothing is left.
    func help() {
        let inflater = Inflater()
        func begin() -> Wanted? {
            state.withLock { state in
                let next = state.takeFirst()
                if let next { state.begun.append(next.member) }
                return next
            }
        }
        while let next = begin() {
            load(next, inflater)
            state.withLock { state in state.begun.removeAll { $0 == next.member } }
            progress.signal()
        }
    }

    /// Returns when no helper is at it. If none was, it is left to the caller to inflate it.
    func reach(_ wanted: Wanted, _ inflater: borrowing Inflater) {
        state.withLock { state in state.waiting.removeAll { $0.member == wanted.member } }
        while state.withLock({ $0.begun.contains(wanted.member) }) {
            if let next = state.withLock({ $0.takeFirst() }) { load(next, inflater) } else { progress.wait(milliseconds: 100) }
        }
    }

    private func load(_ wanted: Wanted, _ inflater: borrowing Inflater) {
        guard blocks.load(wanted.block, in: wanted.directory, day: wanted.day, upTo: wanted.extent, inflater) else { return }
        let location = wanted.directory[wanted.block].location
        state.withLock { state in
            state.inflated += 1
            if location.isArchived { state.archiveBytes += Int(location.length) }
        }
    }

    /// Nothing more is needed; says what was inflated.
    func end(_ scanned: inout Scanned) {
        state.withLock { state in
            state.waiting.removeAll()
            scanned.blocksInflated += state.inflated
            scanned.archiveBytes += state.archiveBytes
        }
    }
}
