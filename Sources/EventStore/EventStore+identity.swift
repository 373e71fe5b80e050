import EventModel
import Foundation
import GRDB
import Journal

/// What is known of identities: exactly for the window and for what was dropped, by filters beyond it.
struct IdentityMemory: ~Copyable {
    var filter: IdentityFilter
    var window = IdentityTable()
    let confirmed = ConfirmedEvents()

    init(filter: consuming IdentityFilter) { self.filter = filter }
}

/// The blocks that confirming read last, one a tenant. Events that are sent again come in their old order, tenants
/// mixed, so the next answer mostly stands on the next line of its tenant's block.
final class ConfirmedEvents: @unchecked Sendable {
    // Unchecked: it is part of `IdentityMemory` and only touched while that is locked.
    struct Block {
        var lines: [UInt8]
        /// Behind the line that was confirmed last.
        var next = 0
        var use = 0
    }

    let inflater = Inflater()
    var blocks: [UInt32: Block] = [:]
    private var bytes = 0
    private var uses = 0
    private var quietBatches = 0
    /// Read from the journal.
    var batch: CommittedBatch?

    /// A block each of a few hundred tenants.
    private static let largestBytes = 32 << 20
    /// Memory is given back after this many batches without anything to confirm.
    private static let forgottenAfter = 1000

    func keep(_ lines: [UInt8], of tenant: UInt32) {
        uses += 1
        bytes += lines.count - (blocks[tenant]?.lines.count ?? 0)
        blocks[tenant] = Block(lines: lines, use: uses)
        while bytes > Self.largestBytes, blocks.count > 1, let oldest = blocks.min(by: { $0.value.use < $1.value.use }) {
            bytes -= oldest.value.lines.count
            blocks[oldest.key] = nil
        }
    }

    /// A match in the block of `tenant` that was read last.
    func next(of tenant: UInt32, _ match: (borrowing Block) -> (IdentityMatch, Int)?) -> IdentityMatch? {
        guard let index = blocks.index(forKey: tenant), let (answer, next) = match(blocks.values[index]) else { return nil }
        uses += 1
        blocks.values[index].next = next
        blocks.values[index].use = uses
        quietBatches = 0
        return answer
    }

    func wasQuiet() {
        quietBatches += 1
        guard quietBatches >= Self.forgottenAfter, !blocks.isEmpty || batch != nil else { return }
        removeAll()
    }

    func removeAll() {
        blocks = [:]
        bytes = 0
        batch = nil
    }
}

extension EventStore {
    public func look(identity: UInt64, tenant: UInt32, content body: UnsafeRawBufferPointer) -> IdentityMatch {
        look([IdentityQuestion(event: 0, identity: identity, tenant: tenant, content: body)]).first?.match ?? .unknown
    }

    /// New events end at the filters; anything else is confirmed on stored bytes. Where those cannot be read the answer
    /// is `unavailable`, never `unknown`.
    public func look(_ questions: [IdentityQuestion]) -> [IdentityAnswer] {
        let terms = questions.map { Term.identity($0.identity) }
        return identities.withLock { memory in
            let suspects = memory.filter.suspects(terms)
            if suspects.isEmpty {
                memory.confirmed.wasQuiet()
                return []
            }
            var answers: [IdentityAnswer] = []
            for index in suspects {
                guard let days = memory.filter.days(of: terms[index]) else { continue }
                let entry = memory.window.find(questions[index].identity, tenant: questions[index].tenant)
                let match = confirm(questions[index], entry, days, memory.confirmed)
                if match != .unknown { answers.append(IdentityAnswer(event: questions[index].event, match: match)) }
            }
            return answers
        }
    }

    /// `entry` is what the window knows, `days` are those of the partitions that may know it.
    private func confirm(
        _ question: IdentityQuestion, _ entry: IdentityTable.Entry?, _ days: ClosedRange<Int64>, _ confirmed: ConfirmedEvents
    ) -> IdentityMatch {
        guard let originalID = CanonicalLine.originalID(body: question.content) else { return .unknown }
        if let entry, let match = lookInWindow(entry, question.content, confirmed) { return match }
        if let match = confirmed.next(of: question.tenant, { Self.compareNext($0, originalID, question.content) }) { return match }
        return lookInPartitions(question, days, originalID, confirmed)
    }

    /// Called with each batch before the packer can take it and forget it again.
    func remember(_ batch: CommittedBatch, day: Int64, isWhole: Bool) {
        var terms: [UInt64] = []
        terms.reserveCapacity(batch.events.count)
        for event in batch.events where event.identity != 0 { terms.append(Term.identity(event.identity)) }
        if terms.isEmpty { return }
        batch.lines.withUnsafeBytes { lines in
            identities.withLock { memory in
                memory.filter.insert(terms, day: day)
                for (index, event) in batch.events.enumerated() where event.identity != 0 {
                    let position =
                        isWhole
                        ? batch.firstPosition + UInt64(index)
                        : CanonicalLine(UnsafeRawBufferPointer(rebasing: lines[Int(event.offset)..<Int(event.offset + event.length)]))?
                            .position ?? 0
                    memory.window.insert(IdentityTable.Entry(identity: event.identity, position: position, tenant: event.tenant))
                }
            }
        }
    }

    /// Packed events are found through the term runs from now on.
    func forgetIdentities(of blocks: [OpenBlock]) {
        for block in blocks {
            identities.withLock { memory in
                for index in 0..<block.view.count {
                    let event = block.view.events.base[index]
                    if event.identity != 0 { memory.window.remove(event.identity, tenant: block.view.tenant) }
                }
            }
        }
    }

    private enum Place {
        case batch(CommittedBatch)
        case block(BlockView)
        case dropped(Journal?)
        case packed
    }

    /// `nil` when the event was packed meanwhile, or is another one.
    private func lookInWindow(_ entry: IdentityTable.Entry, _ body: UnsafeRawBufferPointer, _ confirmed: ConfirmedEvents)
        -> IdentityMatch?
    {
        switch state.withLock({ Self.place(of: entry, &$0) }) {
        case .packed: return nil
        case .block(let view):
            let index = Self.firstIndex(view.count) { view.events.base[$0].position >= entry.position }
            return Self.compare(view.line(view.events.base[index]), body)
        case .batch(let batch): return Self.compare(entry.position, in: batch, body)
        case .dropped(let journal):
            if let batch = confirmed.batch, batch.firstPosition <= entry.position, entry.position < batch.endPosition {
                return Self.compare(entry.position, in: batch, body)
            }
            guard let batch = try? journal?.read(from: entry.position, limit: 1024).first, batch.firstPosition == entry.position else {
                return .unavailable(reason: "the journal at position \(entry.position)")
            }
            confirmed.batch = batch
            return Self.compare(entry.position, in: batch, body)
        }
    }

    private static func place(of entry: IdentityTable.Entry, _ state: inout StoreState) -> Place {
        func holds(_ block: OpenBlock) -> Bool {
            let view = block.published
            return view.tenant == entry.tenant && view.count > 0 && view.events.base[0].position <= entry.position
                && entry.position <= view.events.base[view.count - 1].position
        }
        if let block = state.open[entry.tenant], holds(block) { return .block(block.published) }
        for block in state.ready where holds(block) { return .block(block.published) }
        let index = firstIndex(state.fresh.count) { state.fresh[$0].endPosition > entry.position }
        if index < state.fresh.count, state.fresh[index].batch.firstPosition <= entry.position { return .batch(state.fresh[index].batch) }
        if let dropped = state.droppedFrom, entry.position >= dropped { return .dropped(state.journal) }
        return .packed
    }

    /// The first of `count` ordered things for which `isBehind` holds; `count` when none.
    private static func firstIndex(_ count: Int, _ isBehind: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBehind(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private static func compare(_ position: UInt64, in batch: CommittedBatch, _ body: UnsafeRawBufferPointer) -> IdentityMatch? {
        batch.lines.withUnsafeBytes { lines in
            func line(_ index: Int) -> UnsafeRawBufferPointer {
                let event = batch.events[index]
                return UnsafeRawBufferPointer(rebasing: lines[Int(event.offset)..<Int(event.offset + event.length)])
            }
            // Not simply counted from the first: a replayed batch lacks what was packed before.
            let index = firstIndex(batch.events.count) { CanonicalLine(line($0))?.position ?? .max >= position }
            guard index < batch.events.count else { return nil }
            return compare(line(index), body)
        }
    }

    private func lookInPartitions(
        _ question: IdentityQuestion, _ days: ClosedRange<Int64>, _ originalID: UnsafeRawBufferPointer, _ confirmed: ConfirmedEvents
    ) -> IdentityMatch {
        let term = Term.identity(question.identity)
        let tenant = question.tenant
        let partitions = state.withLock { state in
            state.days.filter { days.contains($0.key) && $0.value.tenants[tenant] != nil }.sorted { $0.key > $1.key }.map(\.value.partition)
        }
        var scanned = Scanned()
        var unreadable: String?
        for partition in partitions {
            do {
                let directory = try directory(nil, of: partition)
                var found: [UInt32] = []
                try partition.read { database in
                    try RunTable.lookup(term...term, runs: try RunTable.runs(database), database, into: &found, seeks: &scanned.termSeeks)
                }
                for number in found where directory.contains(number) && directory[number].tenant == tenant {
                    guard let lines = inflated.lines(of: number, in: directory, day: partition.day, confirmed.inflater, scanned: &scanned)
                    else {
                        noteDamagedBlock(partition, number)
                        unreadable = "block \(number) of \(Partition.name(day: partition.day))"
                        continue
                    }
                    confirmed.keep(Array(lines), of: tenant)
                    if let match = confirmed.next(of: tenant, { Self.compareNext($0, originalID, question.content) }) { return match }
                }
            } catch {
                noteDamage(partition, error)
                unreadable = "\(partition.path) (\(error))"
            }
        }
        return unreadable.map { .unavailable(reason: $0) } ?? .unknown
    }

    /// Looks through a block, starting behind the last match; the answer with the end of the line it stands on.
    private static func compareNext(
        _ block: borrowing ConfirmedEvents.Block, _ wanted: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer
    ) -> (IdentityMatch, Int)? {
        let first = block.next
        return block.lines.withUnsafeBytes { lines in
            for range in [first..<lines.count, 0..<first] {
                var start = range.lowerBound
                while start < range.upperBound, let end = lineEnd(lines, start) {
                    let line = UnsafeRawBufferPointer(rebasing: lines[start..<end])
                    start = end + 1
                    guard let head = CanonicalLine(line), let own = CanonicalLine.originalID(body: head.body), same(own, wanted) else {
                        continue
                    }
                    if let match = compare(line, body) { return (match, start) }
                }
            }
            return nil
        }
    }

    /// `nil` when producer or `original_id` differ: the same tenant is presumed.
    private static func compare(_ line: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) -> IdentityMatch? {
        guard let head = CanonicalLine(line) else { return nil }
        let own = head.body
        // The stored line ends in the content: all of the body, or all behind its time where the producer gave none.
        if own.count >= body.count, same(UnsafeRawBufferPointer(rebasing: own[(own.count - body.count)...]), body) {
            return .duplicate(seq: head.seq)
        }
        guard let left = CanonicalLine.originalID(body: own), let right = CanonicalLine.originalID(body: body), same(left, right),
            producer(own) == producer(body)
        else { return nil }
        return .conflict(seq: head.seq)
    }

    private static func same(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        left.count == right.count && (left.count == 0 || equal(left.baseAddress!, right.baseAddress!, left.count))
    }

    private static func producer(_ body: UnsafeRawBufferPointer) -> [UInt8] {
        var scratch = FilterScratch()
        scratch.cursor.startFields(body)
        while scratch.cursor.next() {
            if scratch.isAt(root: "producer", key: "name") { return Array(scratch.cursor.value) }
        }
        return []
    }

    /// Fills the filters from the identities in the runs of the window's days, oldest first.
    func rememberIdentities() {
        let windowDays = Int64(configuration.identityWindow.components.seconds / 86_400)
        let days = state.withLock { state -> [(Int64, Partition)] in
            guard let last = state.days.keys.max() else { return [] }
            return state.days.filter { $0.key >= last - windowDays }.sorted { $0.key < $1.key }.map { ($0.key, $0.value.partition) }
        }
        for (day, partition) in days {
            do {
                try partition.read { database in
                    for run in try RunTable.runs(database) where run.identities > 0 {
                        var terms: [UInt64] = []
                        terms.reserveCapacity(run.identities)
                        try RunTable.forEachIdentity(run, database) { terms.append($0) }
                        identities.withLock { $0.filter.insert(terms, day: day) }
                    }
                }
            } catch {
                noteDamage(partition, error)
                logger.error(
                    "identities of \(Partition.name(day: day)) cannot be read, so duplicates of that day are not recognised: \(error)")
            }
        }
    }
}
