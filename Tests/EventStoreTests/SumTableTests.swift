import TestSupport
import Testing

@testable import EventStore

@Suite struct SumTableTests {
    @Test("sums are those of a dictionary, also of keys that differ in few bits, and a taken table begins anew")
    func sums() {
        var random = SeededRandom(seed: 11)
        var table = SumTable()
        for round in 0..<4 {
            var expected: [UInt64: UInt64] = [:]
            for _ in 0..<20_000 {
                // Hours and combinations of one tenant, keys of nothing but low bits, 0, and any.
                let key: UInt64 =
                    switch random.below(4) {
                    case 0: UInt64(random.below(200)) << 18 | UInt64(random.below(30)) | 77 << 45
                    case 1: UInt64(random.below(1000))
                    case 2: UInt64(random.below(64)) << 58
                    default: random.next()
                    }
                table.add(1 + UInt64(random.below(3)), to: key)
                expected[key, default: 0] = table[key]!
            }
            #expect(table[0xDEAD_BEEF_DEAD_BEEF] == nil)
            let all = table.takeAll()
            #expect(all.count == expected.count, "round \(round)")
            #expect(Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0.count) }) == expected)
            #expect(table[0] == nil)
        }
    }

    @Test("each addition counts")
    func additions() {
        var table = SumTable()
        for index in 0..<10_000 { table.add(UInt64(index % 7 + 1), to: UInt64(index % 100)) }
        for key in 0..<100 {
            let expected = stride(from: key, to: 10_000, by: 100).reduce(0) { $0 + $1 % 7 + 1 }
            #expect(table[UInt64(key)] == UInt64(expected))
        }
    }
}
