import EventModel
import Foundation
import Synchronization

@testable import EventStore

/// Archived days in memory, made from what the store gives a seal: what lookups cross over to, without any file format.
final class MemoryArchive: OlderDays {
    final class File: OlderDayIndex {
        let day: OlderDay
        let blocks: OlderBlocks
        /// Sorted pairs of a term and the number of a block.
        private let terms: [(term: UInt64, block: UInt32)]
        private let counts: [(hour: Int64, kind: String, action: String, outcome: String)]

        init(_ day: OlderDay, _ blocks: OlderBlocks, _ terms: [(UInt64, UInt32)], _ counts: [(Int64, String, String, String)]) {
            self.day = day
            self.blocks = blocks
            self.terms = terms.sorted { $0 < $1 }
            self.counts = counts
        }

        func candidates(_ range: ClosedRange<UInt64>, bytesRead: inout Int) throws -> [UInt32] {
            bytesRead += 100
            return terms.filter { range.contains($0.term) }.map(\.block)
        }

        func rollups(bytesRead: inout Int, _ visit: (Int64, String, String, String, Int) -> Void) throws {
            bytesRead += 10
            for row in counts { visit(row.hour, row.kind, row.action, row.outcome, 1) }
        }
    }

    struct Bytes: MemberSource {
        let path = "memory"
        let bytes: [UInt8]

        func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
            guard offset + target.count <= bytes.count else { return false }
            bytes.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + target.count])) }
            return true
        }
    }

    struct Broken: Error {}

    private struct State {
        var files: [File] = []
        var sealed: [Int64: Int] = [:]
        var broken: Set<Int64> = []
        var damage: [String] = []
        var probe: (@Sendable () -> Void)?
        var isNear = false
        var opened = 0
    }

    private let state = Mutex(State())

    var damage: [String] { state.withLock { $0.damage } }
    var fileCount: Int { state.withLock { $0.files.count } }

    func breakDay(_ day: Int64) { state.withLock { _ = $0.broken.insert(day) } }

    /// Whether files may be fetched before their turn, as from a disk.
    func setNear(_ isNear: Bool) { state.withLock { $0.isNear = isNear } }

    /// How often a file was opened.
    var opened: Int { state.withLock { $0.opened } }

    /// Called each time a file is opened.
    func probe(_ probe: (@Sendable () -> Void)?) { state.withLock { $0.probe = probe } }

    /// Seals days and drops them from the store.
    func take(_ days: some Sequence<Int64>, of store: EventStore) throws {
        for day in days {
            try seal(day, of: store)
            try store.drop(day: day)
        }
    }

    /// Everything the store has of a day; the members are checked to hold the tenant's lines in the order of `seq`.
    func seal(_ day: Int64, of store: EventStore) throws {
        guard let reader = try store.openDay(day) else { return }
        var made: [File] = []
        for tenant in reader.day.tenants { made.append(try Self.file(tenant, reader)) }
        state.withLock { state in
            state.files += made
            state.sealed[day] = reader.day.events
        }
    }

    private static func file(_ tenant: StoredTenant, _ reader: StoredDayReader) throws -> File {
        var bytes: [UInt8] = []
        var blocks: [OlderBlock] = []
        var terms: [(UInt64, UInt32)] = []
        var counts: [(Int64, String, String, String)] = []
        var collector = TermCollector()
        var events = 0
        var lastSeq: UInt64 = 0
        try reader.members(of: tenant.number) { member, lines in
            collector.removeAll()
            collector.startBlock(0, bytes: lines.count)
            var block = OlderBlock(
                events: 0, minTime: .max, maxTime: .min, firstPosition: .max, lastPosition: 0, offset: bytes.count, length: member.count,
                bytes: lines.count)
            var start = 0
            while let end = lineEnd(lines, start) {
                let line = UnsafeRawBufferPointer(rebasing: lines[start..<end])
                let head = CanonicalLine(line)!
                precondition(head.seq > lastSeq && EventID(String(decoding: head.id, as: UTF8.self))!.tenant == tenant.number)
                lastSeq = head.seq
                _ = collector.add(line: start..<end + 1, of: lines, identity: LineIdentity(head.body).identity)
                block.events += 1
                block.minTime = min(block.minTime, head.time)
                block.maxTime = max(block.maxTime, head.time)
                block.firstPosition = min(block.firstPosition, head.position)
                block.lastPosition = max(block.lastPosition, head.position)
                counts.append(count(line, head.time))
                start = end + 1
            }
            precondition(start == lines.count)
            let number = UInt32(blocks.count + 1)
            for pair in collector.ordinary + collector.identities { terms.append((pair >> TermCollector.blockBits, number)) }
            events += block.events
            blocks.append(block)
            bytes += Array(member)
        }
        precondition(events == tenant.events && lastSeq == tenant.lastSeq)
        let day = OlderDay(
            tenant: tenant.number, tenantName: tenant.name, day: reader.day.day, events: tenant.events, minTime: tenant.minTime,
            maxTime: tenant.maxTime)
        return File(day, OlderBlocks(tenant: tenant.number, source: Bytes(bytes: bytes), blocks: blocks), terms, counts)
    }

    private static func count(_ line: UnsafeRawBufferPointer, _ time: Int64) -> (Int64, String, String, String) {
        let object = try! JSONSerialization.jsonObject(with: Data(line)) as! [String: Any]
        func text(_ key: String) -> String { object[key] as? String ?? "" }
        return (Int64((Double(time) / 3_600_000).rounded(.down)), text("kind"), text("action"), text("outcome"))
    }

    // MARK: OlderDays

    func days(tenants: Set<UInt32>?, times: Range<Int64>, order: SearchOrder, after key: OlderDayKey?, limit: Int) throws -> [OlderDay] {
        let files = state.withLock { $0.files }
        let isBefore: (OlderDayKey, OlderDayKey) -> Bool = order == .descending ? { $1 < $0 } : { $0 < $1 }
        var found: [OlderDay] = []
        for day in files.map(\.day) where tenants?.contains(day.tenant) ?? true {
            guard day.minTime < times.upperBound, day.maxTime >= times.lowerBound else { continue }
            if let key, !isBefore(key, day.key(order)) { continue }
            found.append(day)
        }
        found.sort { isBefore($0.key(order), $1.key(order)) }
        return Array(found.prefix(limit))
    }

    func day(_ day: Int64, tenant: UInt32) throws -> OlderDay? {
        state.withLock { $0.files.first { $0.day.day == day && $0.day.tenant == tenant }?.day }
    }

    func events(day: Int64) -> Int? { state.withLock { $0.sealed[day] } }

    func prepare(_ day: OlderDay) -> Bool { state.withLock { $0.isNear } }

    func open(_ day: OlderDay, bytesRead: inout Int) throws -> (any OlderDayIndex)? {
        let (file, isBroken, probe) = state.withLock { state in
            state.opened += 1
            return (state.files.first { $0.day == day }, state.broken.contains(day.day), state.probe)
        }
        probe?()
        guard let file, !isBroken else { throw Broken() }
        bytesRead += 1000
        return file
    }

    func isWhole(_ day: OlderDay) -> Bool { state.withLock { !$0.broken.contains(day.day) } }

    func noteDamage(_ day: OlderDay, reason: String) {
        state.withLock { $0.damage.append("\(Partition.name(day: day.day)) \(day.tenantName): \(reason)") }
    }
}
