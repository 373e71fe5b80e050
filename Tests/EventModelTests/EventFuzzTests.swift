import TestSupport
import Testing

@testable import EventModel

@Suite("Events under mutation")
struct EventFuzzTests {
    private static let seeds = [
        event(), event(#""unmapped":{"a":[1,2.5e-3,{"b":null}],"actor.colour":"x"},"actor.colour":1"#),
        event(
            #""target":{"type":"ticket","id":"TCK-1","name":"a \"quoted\" \\ name"},"changes":[{"field":"status","old":"open","new":null},{"field":"n","old":1,"by":"x"}]"#
        ),
        event(
            #""time":"2026-10-22T00:00:03.310+02:00","source":{"ip":"60.97.229.36","user_agent":"Mozilla/5.0 (é😀)"},"auth":{"mfa":true},"status_code":"404","portal":"api""#
        ),
        event(
            #" "labels" : { "k" : "\u0041\ud83d\ude00" , "" : [ ] } , "attempt":{"number":3,"max":"5","duration_ms":12.5},"failure":{"class":"dns","details":{"x":false}}"#
        ),
        #"{"message":"not canonical at all","n":[[[]],{},[{"a":{}}]],"big":18446744073709551615}"#,
    ]
    private static let pieces = [
        "\"", "\\", "{", "}", "[", "]", ",", ":", "\\u0061", "\\ud800", "\\\"", "null", "1e400", "-", "0", "\u{0}", "\u{FEFF}", "\"a\":1,",
        "\"actor\":{},", "é", " ", "\n",
        "true", "99999999999999999999",
    ].map { Array($0.utf8) }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        let at = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: if !bytes.isEmpty { bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...6, using: &random)))
        case 3: bytes.insert(contentsOf: pieces.randomElement(using: &random)!, at: at)
        case 4:
            // A piece of the event once more: doubled keys, values in wrong places.
            let end = min(bytes.count, at + Int.random(in: 1...40, using: &random))
            bytes.insert(contentsOf: Array(bytes[at..<end]), at: Int.random(in: 0...bytes.count, using: &random))
        default: if !bytes.isEmpty { bytes[at] = pieces.randomElement(using: &random)![0] }
        }
    }

    /// 50,000 rounds over five seeds. The judge of what must be taken is the plain reader, which shares no code.
    @Test(
        "mutated events are taken exactly when they are strict JSON, and what is written is taken again",
        arguments: [31, 32, 33, 34, 35] as [UInt64])
    func mutations(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let reader = EventReader()
        var written = 0
        for round in 0..<10_000 {
            var bytes = Array(Self.seeds.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) { Self.mutate(&bytes, &random) }
            let rejection = reader.rejection(bytes)
            let plain = try? StrictReader.read(bytes)
            let isObject = if case .object = plain { true } else { false }
            if (rejection == nil) != isObject || (rejection == nil && reader.value() != plain) {
                Issue.record("seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self)): \(rejection as Any)")
            }
            if let rejection {
                if rejection.code == .invalidJSON, !rejection.message.contains("byte"), !bytes.isEmpty {
                    Issue.record("seed \(seed), round \(round): no place in \(rejection) for \(String(decoding: bytes, as: UTF8.self))")
                }
                continue
            }
            guard let body = try? reader.write() else { continue }
            written += 1
            let again = (try? reader.parse(body)).flatMap { try? reader.write() }
            if (try? StrictReader.read(body)) == nil || again != body {
                Issue.record(
                    "seed \(seed), round \(round): wrote \(String(decoding: body, as: UTF8.self)), then \(String(decoding: again ?? [], as: UTF8.self))"
                )
            }
        }
        #expect(written > 200)
    }

    /// Members under canonical and other names with values that mostly fit no type.
    @Test("random documents put upon an event are refused or written as valid JSON that loses nothing", arguments: [41, 42] as [UInt64])
    func documents(seed: UInt64) throws {
        var maker = DocumentMaker(seed: seed)
        let reader = EventReader()
        var written = 0
        for round in 0..<3000 {
            let document = maker.make()
            let names = (0..<3).map { _ in CanonicalSchema.names.randomElement(using: &maker.random)! }
            let extra = Set(names + ["custom"]).subtracting(["tenant", "kind", "type", "action", "outcome", "severity", "actor"])
                .map { "\"\($0)\":" + String(decoding: document.text, as: UTF8.self) }.joined(separator: ",")
            try reader.parse(event(extra))
            guard let body = try? reader.write() else { continue }
            written += 1
            let root = try StrictReader.read(body)
            if root["unmapped"]?["custom"] != document.value {
                Issue.record("seed \(seed), round \(round): custom is lost in \(String(decoding: body, as: UTF8.self))")
            }
            try reader.parse(body)
            if try reader.write() != body {
                Issue.record("seed \(seed), round \(round): not the same twice: \(String(decoding: body, as: UTF8.self))")
            }
        }
        #expect(written > 100)
    }
}
