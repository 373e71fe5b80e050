import EventModel

extension EventStore {
    /// Day and tenant come from the id, the block from the directory, the line from its position.
    func find(_ id: EventID) throws(SearchError) -> [UInt8]? {
        let snapshot = snapshot(tenants: [id.tenant], times: .min..<(.max))
        var found: [UInt8]?
        snapshot.forEachFresh(tenants: [id.tenant], times: .min..<(.max)) { line, _, position, copy in
            if position == id.position, found == nil { found = Array(copy()) }
        }
        if let found { return Self.has(id, found) ? found : nil }
        let day = Timestamp(milliseconds: id.received).dayNumber
        guard let state = snapshot.days.first(where: { $0.partition.day == day }), state.tenants[id.tenant] != nil else { return nil }
        let directory = try directory(state.directory, of: state.partition)
        guard let number = directory.number(tenant: id.tenant, position: id.position) else { return nil }
        var scanned = Scanned()
        guard let lines = inflated.lines(of: number, in: directory, day: day, upTo: .block, Inflater(), scanned: &scanned) else {
            noteDamagedBlock(state.partition, number)
            throw SearchError.unreadable(partition: Partition.name(day: day), reason: "block \(number) is damaged")
        }
        return lines.withUnsafeBytes { bytes in
            var start = 0
            while let end = lineEnd(bytes, start) {
                let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                if let head = CanonicalLine(line), head.position == id.position { return Self.has(id, Array(line)) ? Array(line) : nil }
                start = end + 1
            }
            return nil
        }
    }

    private static func has(_ id: EventID, _ line: [UInt8]) -> Bool {
        line.withUnsafeBytes { CanonicalLine($0)?.id.elementsEqual(id.description.utf8) ?? false }
    }
}

/// Reads events in the order they were committed. Blocks are opened when their first position comes up, and at most as
/// many are open as tenants have events there.
struct Replay: ~Copyable {
    /// Events from this position on.
    private let first: UInt64
    private let tenant: UInt32?
    private let limit: Int
    private let store: EventStore
    private let inflater = Inflater()

    private struct Waiting: Comparable {
        var firstPosition: UInt64
        var partition: Partition
        var number: UInt32
        var directory: BlockDirectory

        static func < (left: Waiting, right: Waiting) -> Bool { left.firstPosition < right.firstPosition }
        static func == (left: Waiting, right: Waiting) -> Bool { left.firstPosition == right.firstPosition }
    }

    private struct Line: Comparable {
        var position: UInt64
        var line: ArraySlice<UInt8>

        static func < (left: Line, right: Line) -> Bool { left.position < right.position }
        static func == (left: Line, right: Line) -> Bool { left.position == right.position }
    }

    /// `position`: the last one that was seen; `nil` before the first.
    init(after position: UInt64?, tenant: UInt32?, limit: Int, store: EventStore) {
        first = position.map { $0 + 1 } ?? 0
        self.tenant = tenant
        self.limit = limit
        self.store = store
    }

    mutating func run() throws(SearchError) -> [ReplayedEvent] {
        let tenants = tenant.map { Set([$0]) }
        let snapshot = store.snapshot(tenants: tenants, times: .min..<(.max))
        var lines = Heap<Line>()
        snapshot.forEachFresh(tenants: tenants, times: .min..<(.max)) { _, _, own, copy in
            if own >= first { lines.insert(Line(position: own, line: copy())) }
        }
        var waiting = Heap<Waiting>()
        for day in snapshot.days {
            let summaries = tenant.map { number in day.tenants[number].map { [$0] } ?? [] } ?? Array(day.tenants.values)
            guard summaries.contains(where: { $0.lastPosition >= first }) else { continue }
            let directory = try store.directory(day.directory, of: day.partition)
            waiting.insert(contentsOf: blocks(directory, day.partition))
        }
        var answer: [ReplayedEvent] = []
        while answer.count < limit {
            if let block = waiting.first, block.firstPosition <= lines.first?.position ?? .max {
                _ = waiting.popFirst()
                open(block, &lines)
            } else if let line = lines.popFirst() {
                answer.append(ReplayedEvent(position: line.position, line: Array(line.line)))
            } else {
                break
            }
        }
        return answer
    }

    private func blocks(_ directory: BlockDirectory, _ partition: Partition) -> [Waiting] {
        let numbers = tenant.map { directory.numbers[$0] ?? [] } ?? (0..<directory.lastNumber).map { $0 + 1 }
        return numbers.compactMap { number in
            let entry = directory[number]
            guard entry.lastPosition >= first else { return nil }
            return Waiting(firstPosition: entry.firstPosition, partition: partition, number: number, directory: directory)
        }
    }

    private func open(_ block: Waiting, _ lines: inout Heap<Line>) {
        var scanned = Scanned()
        guard
            let bytes = store.inflated.lines(
                of: block.number, in: block.directory, day: block.partition.day, inflater, scanned: &scanned)
        else {
            store.noteDamagedBlock(block.partition, block.number)
            return
        }
        bytes.withUnsafeBytes { raw in
            var start = 0
            while let end = lineEnd(raw, start) {
                if let head = CanonicalLine(UnsafeRawBufferPointer(rebasing: raw[start..<end])), head.position >= first {
                    lines.insert(Line(position: head.position, line: bytes[bytes.startIndex + start..<bytes.startIndex + end]))
                }
                start = end + 1
            }
        }
    }
}
