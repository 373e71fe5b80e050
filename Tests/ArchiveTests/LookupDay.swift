import EventModel
import Foundation

@testable import Archive
@testable import EventStore

/// A file of one tenant and day, made from a seed, and what its events say.
struct LookupDay {
    struct Event {
        var id: String
        var seq: UInt64
        var time: Int64
        var actor: String
        var kind: String
        var original: String
        var line: String
    }

    static let names: [UInt32: String] = [1: "acme", 2: "globex"]

    let row: OlderDay
    let path: String
    private(set) var events: [Event] = []

    /// `late`: every tenth event is that many days older than the day it was received on.
    init(seed: UInt64, tenant: UInt32, day: Int64, firstSeq: UInt64, count: Int, late: Int64 = 20, folder: String) throws {
        path = "\(folder)/\(tenant)-\(day).gz"
        var state = seed &* 1000 &+ UInt64(day)
        func below(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        for index in 0..<count {
            let received = day * 86_400_000 + Int64(index) * (86_400_000 / Int64(count))
            let time = received - Int64(below(3_600_000)) - (index % 10 == 9 ? late * 86_400_000 : 0)
            let seq = firstSeq + UInt64(index)
            let id = EventID(received: received, node: 7, tenant: tenant, position: UInt64(day) * 10_000 + UInt64(index) * 2).description
            let (actor, kind, original) = ("u\(below(30))", ["activity", "access"][below(2)], "O-\(tenant)-\(day)-\(index)")
            let line =
                "{\"seq\":\(seq),\"id\":\"\(id)\",\"received\":\"\(Timestamp(milliseconds: received))\",\"time\":\"\(Timestamp(milliseconds: time))\",\"tenant\":\"\(Self.names[tenant]!)\",\"kind\":\"\(kind)\",\"type\":\"a.b\",\"action\":\"login\",\"outcome\":\"success\",\"severity\":\"low\",\"actor\":{\"type\":\"user\",\"id\":\"\(actor)\"},\"summary\":\"word\(below(50)) and \(below(1000))\",\"original_id\":\"\(original)\"}"
            events.append(Event(id: id, seq: seq, time: time, actor: actor, kind: kind, original: original, line: line))
        }
        row = OlderDay(
            tenant: tenant, tenantName: Self.names[tenant]!, day: day, events: count, minTime: events.map(\.time).min()!,
            maxTime: events.map(\.time).max()!)
        try write(afterSeq: firstSeq - 1)
    }

    private func write(afterSeq: UInt64) throws {
        var writer = try ArchiveWriter(path: path, tenant: row.tenant, tenantName: row.tenantName, day: row.day, afterSeq: afterSeq)
        let deflater = Deflater(level: 6)
        for start in stride(from: 0, to: events.count, by: 40) {
            let lines = events[start..<min(start + 40, events.count)].flatMap { Array($0.line.utf8) + [UInt8(ascii: "\n")] }
            var member = [UInt8](repeating: 0, count: deflater.largestMember(of: lines.count))
            let length = member.withUnsafeMutableBytes { member in lines.withUnsafeBytes { deflater.member(of: $0, into: member) } }
            try member.withUnsafeBytes { member in
                try lines.withUnsafeBytes { try writer.add(member: UnsafeRawBufferPointer(rebasing: member[..<length]), lines: $0) }
            }
        }
        _ = try writer.finish()
    }
}

/// The catalogue of a test: rows in memory.
final class LookupRows: ArchivedDayRows {
    private let list: [OlderDay]

    init(_ list: [OlderDay]) { self.list = list }

    func rows(tenants: Set<UInt32>?, times: Range<Int64>, order: SearchOrder, after key: OlderDayKey?, limit: Int) throws -> [OlderDay] {
        let isBefore: (OlderDayKey, OlderDayKey) -> Bool = order == .descending ? { $1 < $0 } : { $0 < $1 }
        var found: [OlderDay] = []
        for day in list where tenants?.contains(day.tenant) ?? true {
            guard day.minTime < times.upperBound, day.maxTime >= times.lowerBound else { continue }
            if let key, !isBefore(key, day.key(order)) { continue }
            found.append(day)
        }
        found.sort { isBefore($0.key(order), $1.key(order)) }
        return Array(found.prefix(limit))
    }

    func row(tenant: UInt32, day: Int64) throws -> OlderDay? { list.first { $0.tenant == tenant && $0.day == day } }

    func events(day: Int64) -> Int? { nil }
}
