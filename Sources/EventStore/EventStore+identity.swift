import EventModel
import Foundation
import GRDB
import Journal

/// What is known of identities: exactly for the window, by filters beyond it.
struct IdentityMemory: ~Copyable {
    var filter: IdentityFilter
    var window = IdentityTable()

    init(filter: consuming IdentityFilter) { self.filter = filter }
}

extension EventStore {
    /// New events end at one question to the filters; anything else is confirmed on stored bytes.
    public func look(identity: UInt64, tenant: UInt32, content body: UnsafeRawBufferPointer) -> IdentityMatch {
        guard let originalID = CanonicalLine.originalID(body: body) else { return .unknown }
        let term = Term.identity(originalID: originalID, identity: identity)
        let (days, entry) = identities.withLock { memory -> (ClosedRange<Int64>?, IdentityTable.Entry?) in
            guard let days = memory.filter.days(of: term) else { return (nil, nil) }
            return (days, memory.window.find(identity))
        }
        guard let days else { return .unknown }
        if let entry, entry.tenant == tenant, let match = lookInWindow(entry, body) { return match }
        return lookInPartitions(term, days, tenant, body)
    }

    /// Called with each batch before the packer can take it and forget it again.
    func remember(_ batch: CommittedBatch, day: Int64) {
        batch.lines.withUnsafeBytes { lines in
            identities.withLock { memory in
                for event in batch.events where event.identity != 0 {
                    let body = UnsafeRawBufferPointer(rebasing: lines[Int(event.offset)..<Int(event.offset + event.length) - 1])
                    guard let originalID = CanonicalLine.originalID(body: body) else { continue }
                    memory.filter.insert(Term.identity(originalID: originalID, identity: event.identity), day: day)
                    memory.window.insert(IdentityTable.Entry(identity: event.identity, seq: event.seq, tenant: event.tenant))
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
                    if event.identity != 0 { memory.window.remove(event.identity) }
                }
            }
        }
    }

    private func lookInWindow(_ entry: IdentityTable.Entry, _ body: UnsafeRawBufferPointer) -> IdentityMatch? {
        let snapshot = snapshot(tenants: [entry.tenant], times: .min..<(.max))
        var match: IdentityMatch?
        snapshot.forEachFresh(tenants: [entry.tenant], times: .min..<(.max)) { line, key, _, _ in
            if key.seq == entry.seq, match == nil { match = Self.compare(line, body) }
        }
        return match
    }

    private func lookInPartitions(_ term: UInt64, _ days: ClosedRange<Int64>, _ tenant: UInt32, _ body: UnsafeRawBufferPointer)
        -> IdentityMatch
    {
        let partitions = state.withLock { state in
            state.days.filter { days.contains($0.key) && $0.value.tenants[tenant] != nil }.sorted { $0.key > $1.key }.map(\.value.partition)
        }
        var scanned = Scanned()
        let inflater = Inflater()
        for partition in partitions {
            guard let directory = try? directory(nil, of: partition) else { continue }
            var found: [UInt32] = []
            try? partition.read { database in
                try RunTable.lookup(term...term, runs: try RunTable.runs(database), database, into: &found, seeks: &scanned.termSeeks)
            }
            for number in found where directory.contains(number) && directory[number].tenant == tenant {
                guard let lines = inflated.lines(of: number, directory[number], in: partition, inflater, scanned: &scanned) else {
                    continue
                }
                if let match = lines.withUnsafeBytes({ Self.compareAll($0, body) }) { return match }
            }
        }
        return .unknown
    }

    private static func compareAll(_ lines: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) -> IdentityMatch? {
        guard let wanted = CanonicalLine.originalID(body: body) else { return nil }
        var start = 0
        while let end = lineEnd(lines, start) {
            let line = UnsafeRawBufferPointer(rebasing: lines[start..<end])
            start = end + 1
            guard let head = CanonicalLine(line), let own = CanonicalLine.originalID(body: head.body), same(own, wanted) else { continue }
            if let match = compare(line, body) { return match }
        }
        return nil
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
                        try RunTable.forEachIdentity(run, database) { term in identities.withLock { $0.filter.insert(term, day: day) } }
                    }
                }
            } catch {
                logger.error(
                    "identities of \(Partition.name(day: day)) cannot be read, so duplicates of that day are not recognised: \(error)")
            }
        }
    }
}
