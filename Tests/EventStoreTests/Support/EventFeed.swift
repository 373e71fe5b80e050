import EventModel
import Foundation
import TestSupport

/// Makes canonical lines of some tenants directly, as the journal would deliver them.
struct EventFeed {
    struct Event {
        var tenant: UInt32
        var seq: UInt64
        var position: UInt64
        var time: Int64
        var identity: UInt64
        /// Without the newline.
        var line: String
        var id: String

        var body: String { String(line[line.range(of: "\"time\":")!.lowerBound...]) }
    }

    var random: SeededRandom
    var position: UInt64 = 0
    var seqs: [UInt32: UInt64] = [:]
    /// 2026-11-20T10:00Z.
    var received: Int64 = 1_795_168_800_000
    private(set) var events: [Event] = []

    static let tenants = ["acme", "globex", "initech", "umbra", "northwind-01"]
    static let first = ["Ana", "Béla", "Chloé", "Dara", "Ürsel", "Mei"]
    static let last = ["Diaz", "Novák", "O\\\"Neil", "Chen", "Back\\\\slash"]
    static let words = [
        "billing", "refund", "Outage", "naïve", "ÉCLAIR", "v1.2.3", "10.0.0.7", "TCK-4711", "acme.example.com", "half-life", "a_b", "x",
        "„sofort“…", "10\u{A0}µs",
    ]

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// `count` events of one batch; `change` may replace the body's tail.
    mutating func batch(_ count: Int, millisecondsLater: Int64 = 5) -> CommittedBatch {
        received += millisecondsLater
        let made = (0..<count).map { _ in make() }
        events += made
        return Self.batch(made, received: received)
    }

    static func batch(_ events: [Event], received: Int64) -> CommittedBatch {
        var lines: [UInt8] = []
        var list: [CommittedEvent] = []
        for event in events {
            let offset = lines.count
            lines += Array(event.line.utf8) + [UInt8(ascii: "\n")]
            list.append(
                CommittedEvent(
                    offset: UInt32(offset), length: UInt32(lines.count - offset), tenant: event.tenant, seq: event.seq, time: event.time,
                    identity: event.identity))
        }
        return CommittedBatch(firstPosition: events.first!.position, received: received, lines: lines, events: list)
    }

    private mutating func make() -> Event {
        let tenant = UInt32(min(random.below(Self.tenants.count), random.below(Self.tenants.count)))
        let time = received - Int64(random.below(3 * 86_400_000))
        let kind = random.pick(["activity", "access", "webhook_failure"])
        let action = kind == "access" ? random.pick(["login", "logout"]) : random.pick(["create", "update", "other"])
        let outcome = random.pick(["success", "success", "success", "failure", "denied"])
        let person = random.below(40)
        var body =
            "\"time\":\"\(Timestamp(milliseconds: time))\",\"tenant\":\"\(Self.tenants[Int(tenant)])\",\"kind\":\"\(kind)\",\"type\":\"thing.\(action)\""
        body += ",\"action\":\"\(action)\",\"outcome\":\"\(outcome)\",\"severity\":\"informational\""
        body +=
            ",\"actor\":{\"type\":\"user\",\"id\":\"u\(person)\",\"name\":\"\(Self.first[person % 6]) \(Self.last[person % 5])\",\"email\":\"P\(person).x@ex\(person % 3).example.com\"}"
        let text = (0..<random.below(6)).map { _ in random.pick(Self.words) }.joined(separator: random.pick([" ", ", ", "-", "\\n", "/"]))
        body += ",\"category\":\"\(random.pick(["tickets", "settings", "security area"]))\",\"summary\":\"\(text)\""
        if random.below(2) == 0 {
            body += ",\"target\":{\"type\":\"ticket\",\"id\":\"TCK-\(random.below(3000))\",\"name\":\"\(random.pick(Self.words))\"}"
        }
        if random.below(3) == 0 {
            let field = random.pick(["role", "status", "Priority"])
            body +=
                ",\"changes\":[{\"field\":\"\(field)\",\"op\":\"change\",\"old\":\(random.pick(["\"open\"", "\"admin\"", "null", "3"])),\"new\":\(random.pick(["\"closed\"", "\"admin\"", "true", "{\"deep\":\"value \(person)\"}"]))}]"
        }
        if kind == "webhook_failure" { body += ",\"status_code\":\(random.pick([500, 502, 404]))" }
        body += ",\"source\":{\"ip\":\"10.\(person).0.\(random.below(4))\"}"
        if kind == "access" { body += ",\"portal\":\"agent\",\"brand\":\"northwind-01-brand\(random.below(3))\"" }
        body += ",\"producer\":{\"name\":\"app\"}"
        var identity: UInt64 = 0
        if random.below(5) > 0 {
            let original = "Ev/\(position)-\(random.below(1000))"
            body += ",\"original_id\":\"\(original)\""
            identity = Self.identity(tenant: Self.tenants[Int(tenant)], original: original)
        }
        if random.below(7) == 0 { body += ",\"unmapped\":{\"deep\":{\"list\":[\"rare\(random.below(500))\",{\"k\":7}]}}" }
        return add(tenant: tenant, time: time, body: body + "}", identity: identity)
    }

    /// Counts events that ``add(tenant:time:body:identity:)`` made.
    mutating func keep(_ made: [Event]) { events += made }

    mutating func add(tenant: UInt32, time: Int64, body: String, identity: UInt64) -> Event {
        let seq = (seqs[tenant] ?? 0) + 1
        seqs[tenant] = seq
        let id = EventID(received: received, node: 7, tenant: tenant, position: position).description
        let line = "{\"seq\":\(seq),\"id\":\"\(id)\",\"received\":\"\(Timestamp(milliseconds: received))\",\(body)"
        defer { position += 1 }
        return Event(tenant: tenant, seq: seq, position: position, time: time, identity: identity, line: line, id: id)
    }

    static func identity(tenant: String, producer: String = "app", original: String) -> UInt64 {
        let (tenant, producer, original) = (Array(tenant.utf8), Array(producer.utf8), Array(original.utf8))
        return tenant.withUnsafeBytes { tenant in
            producer.withUnsafeBytes { producer in
                original.withUnsafeBytes { Hash64.identity(tenant: tenant, producer: producer, originalID: $0) }
            }
        }
    }
}
