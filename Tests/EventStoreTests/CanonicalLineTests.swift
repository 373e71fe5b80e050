import EventModel
import Foundation
import TestSupport
import Testing

@Suite struct CanonicalLineTests {
    /// Writes a random value canonically and notes its scalars.
    private struct Maker {
        var random: SeededRandom
        var scalars: [(path: [String], value: String, isString: Bool)] = []

        mutating func string() -> (plain: String, written: String) {
            let plain = (0..<random.below(20)).map { _ in
                random.pick(["a", "B", "7", " ", "é", "漢", "\"", "\\", "\n", "\u{01}", "/", "{", "]", ",", ":"])
            }.joined()
            var writer = ByteWriter(capacity: 64)
            Array(plain.utf8).withUnsafeBytes { writer.appendQuoted(escaping: $0) }
            return (plain, String(decoding: writer.bytes, as: UTF8.self))
        }

        mutating func value(_ path: [String], _ depth: Int) -> String {
            switch random.below(depth > 5 ? 3 : 5) {
            case 0, 1:
                let (plain, written) = string()
                scalars.append((path, plain, true))
                return written
            case 2:
                let text = random.pick(["0", "-12.5e3", "true", "false", "null", "12345678901234567890"])
                scalars.append((path, text, false))
                return text
            case 3: return "[" + (0..<random.below(4)).map { _ in value(path, depth + 1) }.joined(separator: ",") + "]"
            default: return object(path, depth + 1)
            }
        }

        mutating func object(_ path: [String], _ depth: Int) -> String {
            "{"
                + (0..<random.below(4)).map { index in
                    let key = "k\(index)\(random.below(3))"
                    return "\"\(key)\":" + value(path + [key], depth)
                }.joined(separator: ",") + "}"
        }
    }

    @Test("the cursor meets every scalar of random lines with its path", arguments: [1, 2, 3])
    func walk(seed: UInt64) {
        var maker = Maker(random: SeededRandom(seed: seed))
        var cursor = CanonicalLineCursor()
        var plain: [UInt8] = []
        for _ in 0..<500 {
            maker.scalars.removeAll()
            let text = Array(maker.object([], 0).utf8)
            var found: [(path: [String], value: String, isString: Bool)] = []
            text.withUnsafeBytes { line in
                cursor.start(line)
                while cursor.next() {
                    let path = (1...cursor.depth).map { String(decoding: cursor.key($0), as: UTF8.self) }.filter { !$0.isEmpty }
                    if cursor.isEscaped { CanonicalLine.unescape(cursor.value, into: &plain) } else { plain = Array(cursor.value) }
                    found.append((path, String(decoding: plain, as: UTF8.self), cursor.isString))
                }
            }
            #expect(found.map(\.path) == maker.scalars.map(\.path), "seed \(seed)")
            #expect(found.map(\.value) == maker.scalars.map(\.value), "seed \(seed)")
            #expect(found.map(\.isString) == maker.scalars.map(\.isString), "seed \(seed)")
        }
    }

    @Test("the head tells seq, times and position without parsing")
    func head() {
        var feed = EventFeed(seed: 4)
        _ = feed.batch(200)
        for event in feed.events {
            Array(event.line.utf8).withUnsafeBytes { bytes in
                let line = CanonicalLine(bytes)
                #expect(line?.seq == event.seq && line?.time == event.time && line?.position == event.position)
                #expect(line.map { String(decoding: $0.body, as: UTF8.self) } == event.body)
                #expect(line.map { String(decoding: $0.id, as: UTF8.self) } == event.id)
            }
        }
        Array("{\"seq\":1}".utf8).withUnsafeBytes { #expect(CanonicalLine($0) == nil) }
    }

    @Test("original_id is the root's own, wherever others stand")
    func originalID() {
        let time = "\"time\":\"2026-11-20T10:00:00.000Z\""
        for (body, expected) in [
            ("\(time),\"original_id\":\"a/1\"}", "a/1"), ("\(time),\"original_id\":\"q\\\"\"}", "q\\\""),
            ("\(time),\"original_id\":\"\"}", ""),
            ("\(time),\"original_id\":\"x\",\"unmapped\":{\"original_id\":\"y\"}}", "x"),
            ("\(time),\"unmapped\":{\"original_id\":\"yyyyyy\"}}", nil),
            ("\(time),\"kind\":\"original_id\"}", nil), ("\"tenant\":\"acme\",\"kind\":\"something\",\"original_id\":\"z\"}", "z"),
        ] as [(String, String?)] {
            Array(body.utf8).withUnsafeBytes { bytes in
                #expect(CanonicalLine.originalID(body: bytes).map { String(decoding: $0, as: UTF8.self) } == expected)
            }
        }
    }
}
