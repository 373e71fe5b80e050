import EventModel
import Foundation
import TestSupport

@testable import Archive
@testable import EventStore

/// A day of one tenant made from a seed: canonical lines as the journal would deliver them, cut into members, and what a
/// file of them must answer, found by looking at each line.
struct FormatDay {
    struct Event {
        var seq: UInt64
        var position: UInt64
        var received: Int64
        var time: Int64
        var kind: String
        var action: String
        var outcome: String
        var actor: String
        /// A word that few other events have.
        var word: String
        var originalID: String?
        /// Without the newline.
        var line: [UInt8]
    }

    var tenant: UInt32 = 70_001
    var tenantName: String
    /// Days since 1970; 20,777 is 2026-11-20.
    var day: Int64
    private(set) var events: [Event] = []
    /// Lines of each member, and the member.
    private(set) var members: [(lines: [UInt8], member: [UInt8])] = []
    /// Events of each member.
    private(set) var blocks: [Range<Int>] = []

    /// `memberBytes`: lines that one member takes at most, unless one line alone is longer. `gaps`: chance in 100 that a seq
    /// is missing. `longest`: bytes of the summary of one event in the middle.
    init(
        seed: UInt64, events count: Int, memberBytes: Int, firstSeq: UInt64 = 1, gaps: Int = 0, longest: Int = 0,
        tenantName: String = "acme-01", day: Int64 = 20_777
    ) {
        self.tenantName = tenantName
        self.day = day
        var random = SeededRandom(seed: seed)
        var seq = firstSeq
        var position: UInt64 = 1000
        var received = day * 86_400_000 + 1
        for index in 0..<count {
            received = min(received + Int64(random.below(200)), day * 86_400_000 + 86_399_999)
            events.append(
                make(&random, seq: seq, position: position, received: received, filler: index == count / 2 ? longest : 0))
            seq += random.below(100) < gaps ? UInt64(2 + random.below(5)) : 1
            position += UInt64(1 + random.below(9))
        }
        cut(memberBytes)
    }

    private mutating func cut(_ memberBytes: Int) {
        let deflater = Deflater(level: 6)
        var start = 0
        while start < events.count {
            var lines: [UInt8] = []
            var end = start
            while end < events.count, end == start || lines.count + events[end].line.count + 1 <= memberBytes {
                lines += events[end].line + [UInt8(ascii: "\n")]
                end += 1
            }
            members.append((lines, Self.member(lines, deflater)))
            blocks.append(start..<end)
            start = end
        }
    }

    static func member(_ lines: [UInt8], _ deflater: borrowing Deflater = Deflater(level: 6)) -> [UInt8] {
        var target = [UInt8](repeating: 0, count: deflater.largestMember(of: lines.count))
        let length = target.withUnsafeMutableBytes { target in lines.withUnsafeBytes { deflater.member(of: $0, into: target) } }
        return Array(target[..<length])
    }

    private static let words = ["billing", "refund", "Outage", "naïve", "ÉCLAIR", "v1.2.3", "10.0.0.7", "TCK-4711", "a_b", "„sofort“…"]

    private func make(_ random: inout SeededRandom, seq: UInt64, position: UInt64, received: Int64, filler: Int) -> Event {
        let time = received - Int64(random.below(3 * 86_400_000))
        let kind = random.pick(["activity", "access", "webhook_failure"])
        let action = kind == "access" ? random.pick(["login", "logout"]) : random.pick(["create", "update", "other"])
        let outcome = random.pick(["success", "success", "failure"])
        let actor = "u\(random.below(40))"
        let word = "rare\(random.below(events.count + 10))"
        var body =
            "\"time\":\"\(Timestamp(milliseconds: time))\",\"tenant\":\"\(tenantName)\",\"kind\":\"\(kind)\",\"type\":\"thing.\(action)\""
        body += ",\"action\":\"\(action)\",\"outcome\":\"\(outcome)\",\"severity\":\"informational\""
        body += ",\"actor\":{\"type\":\"user\",\"id\":\"\(actor)\",\"name\":\"Ana O\\\"Neil\",\"email\":\"\(actor)@example.com\"}"
        body += ",\"category\":\"tickets\",\"summary\":\"\(random.pick(Self.words)) \(word) \(random.pick(Self.words))"
        body += String((0..<filler).map { _ in Character(UnicodeScalar(UInt8(97 + random.below(26)))) }) + "\""
        if random.below(3) == 0 { body += ",\"changes\":[{\"field\":\"role\",\"op\":\"change\",\"old\":null,\"new\":\"admin\"}]" }
        if random.below(4) > 0 { body += ",\"source\":{\"ip\":\"10.0.0.\(random.below(250))\"}" }
        switch random.below(6) {
        case 0: body += ",\"producer\":{\"name\":\"app\"}"
        case 1: body += ",\"producer\":{\"name\":\"app\",\"version\":\"1.\(random.below(3))\"}"
        case 2: body += ",\"producer\":{\"name\":\"q\\\"u}o,\\\"producer\\\":{\\\"name\\\":\\\"te\"}"
        case 3: body += ",\"producer\":{\"version\":\"7\"}"
        default: break
        }
        var original: String?
        if random.below(5) > 0 {
            original = "Ev/\(position)-\(random.below(1000))"
            body += ",\"original_id\":\"\(original!)\""
        }
        if random.below(9) == 0 { body += ",\"unmapped\":{\"producer\":{\"name\":\"deep\"},\"n\":7}" }
        let id = EventID(received: received, node: 7, tenant: tenant, position: position)
        let line = "{\"seq\":\(seq),\"id\":\"\(id)\",\"received\":\"\(Timestamp(milliseconds: received))\",\(body)}"
        return Event(
            seq: seq, position: position, received: received, time: time, kind: kind, action: action, outcome: outcome, actor: actor,
            word: word, originalID: original, line: Array(line.utf8))
    }

    var content: [UInt8] { members.flatMap(\.lines) }

    /// Writes the file and gives its bytes and what the writer says of it.
    func write(_ bounds: IndexBounds = .standard, afterSeq: UInt64 = 0) throws -> (
        bytes: [UInt8], contents: ArchiveContents, leaves: [Digest]
    ) {
        let folder = try FormatFolder()
        let path = folder.path + "/events.ndjson.gz"
        let result = try write(to: path, bounds, afterSeq: afterSeq)
        return (Array(try Data(contentsOf: URL(fileURLWithPath: path))), result.contents, result.leaves)
    }

    func write(to path: String, _ bounds: IndexBounds = .standard, afterSeq: UInt64 = 0) throws -> (
        contents: ArchiveContents, leaves: [Digest]
    ) {
        var leaves: [Digest] = []
        var writer = try ArchiveWriter(path: path, tenant: tenant, tenantName: tenantName, day: day, afterSeq: afterSeq, bounds: bounds)
        for (lines, member) in members {
            try lines.withUnsafeBytes { lines in
                try member.withUnsafeBytes { member in try writer.add(member: member, lines: lines) { leaves += $0.leaves } }
            }
        }
        return (try writer.finish(), leaves)
    }
}

/// A folder of its own that goes away with it.
final class FormatFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("archive-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
