import EventModel

/// All places an event can lie in, taken at one moment: each event is in exactly one of them.
struct StoreSnapshot {
    var fresh: [FreshBatch] = []
    var blocks: [BlockView] = []
    var days: [(partition: Partition, tenants: [UInt32: TenantSummary], directory: BlockDirectory?)] = []
    /// Where to ask for all days but `held`.
    var older: (any OlderDays)?
    /// Every day of which the store has anything, whoever it is of.
    var held: Set<Int64> = []

    /// Takes out what archives answer.
    mutating func leaveOut(_ yielded: Set<Int64>) {
        if yielded.isEmpty { return }
        fresh.removeAll { yielded.contains($0.day) }
        blocks.removeAll { yielded.contains($0.day) }
        days.removeAll { yielded.contains($0.partition.day) }
    }

    /// Visits the window's events of `tenants` within `times`; each line with its newline.
    func forEachFresh(
        tenants: Set<UInt32>?, times: Range<Int64>,
        _ visit: (_ line: UnsafeRawBufferPointer, _ key: EventKey, _ position: UInt64, _ copy: () -> ArraySlice<UInt8>) -> Void
    ) {
        for view in blocks where view.minTime < times.upperBound && view.maxTime >= times.lowerBound {
            for index in 0..<view.count {
                let event = view.events.base[index]
                guard times.contains(event.time) else { continue }
                let line = view.line(event)
                visit(line, EventKey(time: event.time, seq: event.seq, tenant: view.tenant), event.position) { ArraySlice(line.dropLast()) }
            }
        }
        for entry in fresh where entry.minTime < times.upperBound && entry.maxTime >= times.lowerBound {
            let batch = entry.batch
            batch.lines.withUnsafeBytes { lines in
                for event in batch.events where times.contains(event.time) && (tenants?.contains(event.tenant) ?? true) {
                    let range = Int(event.offset)..<Int(event.offset + event.length)
                    let line = UnsafeRawBufferPointer(rebasing: lines[range])
                    let position = CanonicalLine(line)?.position ?? 0
                    visit(line, EventKey(time: event.time, seq: event.seq, tenant: event.tenant), position) {
                        batch.lines[range.lowerBound..<range.upperBound - 1]
                    }
                }
            }
        }
    }
}
