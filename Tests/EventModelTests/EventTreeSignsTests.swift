import TestSupport
import Testing

@testable import EventModel

@Suite("EventTree.mayHoldSigns")
struct EventTreeSignsTests {
    @Test(
        "a text of the source has a sign where one of = : < % is in it or dashes are, and nowhere else", arguments: [1, 2, 3] as [UInt64])
    func signs(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let reader = EventReader(symbols: SymbolTable(names: ["a", "b", "c", "d"]))
        let bytes = Array("abcdefghijk =:<%>;$/0".utf8)
        let dashes = Array("--xabc".utf8)
        for _ in 0..<3000 {
            let texts = ["a", "b", "c", "d"].map { _ in
                let plain = Bool.random(using: &random)
                return String(
                    decoding: (0..<Int.random(in: 0...150, using: &random)).map { _ in
                        plain ? dashes.randomElement(using: &random)! : bytes[Int.random(in: 0..<bytes.count, using: &random)]
                    }, as: UTF8.self)
            }
            try reader.parse("{" + zip(["a", "b", "c", "d"], texts).map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",") + "}")
            for (name, text) in zip(["a", "b", "c", "d"], texts) {
                let node = reader.tree.child(of: .root, reader.tree.symbols.symbol(name))
                let wanted = text.utf8.contains { "=:<%".utf8.contains($0) } || text.contains("---")
                // Two dashes may lie in two blocks.
                if !wanted, text.contains("--") { continue }
                if reader.tree.mayHoldSigns(node) != wanted { Issue.record("seed \(seed): \(texts), \(name)") }
            }
        }
    }

    @Test("what does not lie in the source may always hold one")
    func elsewhere() throws {
        let reader = EventReader(symbols: SymbolTable(names: ["a"]))
        try reader.parse(#"{"a":"x\ny"}"#)
        let escaped = reader.tree.mayHoldSigns(reader.tree.child(of: .root, reader.tree.symbols.symbol("a")))
        let made = reader.tree.mayHoldSigns(reader.tree.makeString("a=b"))
        #expect(escaped && made)
    }
}

@Suite("EventTree.time")
struct EventTreeTimeTests {
    @Test("a time is read anew when the text of its node changes, and with every event")
    func memory() throws {
        let reader = EventReader()
        for text in ["2026-10-22T00:00:02.522Z", "2026-10-22T00:00:03.522Z"] {
            try reader.parse(#"{"time":"\#(text)"}"#)
            let node = reader.tree.child(of: .root, CanonicalSchema.symbol("time"))
            let read = reader.tree.time(of: node)
            let known = reader.tree.knownTime(of: node)
            #expect(read == Timestamp(text) && known == read)
            for other in ["2020-01-01T00:00:00.000Z", "no time", "2021-01-01T00:00:00.000+01:00"] {
                var other = other
                other.withUTF8 { reader.tree.setString(node, UnsafeRawBufferPointer($0)) }
                let known = reader.tree.knownTime(of: node)
                let read = reader.tree.time(of: node)
                #expect(known == Timestamp(other) && read == known)
            }
        }
    }
}
