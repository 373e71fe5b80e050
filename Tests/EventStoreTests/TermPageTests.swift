import TestSupport
import Testing

@testable import EventStore

@Suite struct TermPageTests {
    private static func terms(_ random: inout SeededRandom, _ count: Int, _ blocks: ClosedRange<UInt32>) -> [(UInt64, [UInt32])] {
        var terms: Set<UInt64> = []
        for _ in 0..<count {
            terms.insert(random.below(3) == 0 ? Term.identities | random.next() >> 28 : random.next() >> UInt64(36 + random.below(20)))
        }
        return terms.sorted().map { term in
            let many = term >= Term.identities || random.below(10) > 0 ? 1 + random.below(3) : random.below(blocks.count)
            var list: Set<UInt32> = [blocks.lowerBound + UInt32(random.below(blocks.count))]
            for _ in 0..<many { list.insert(blocks.lowerBound + UInt32(random.below(blocks.count))) }
            return (term, list.sorted())
        }
    }

    @Test("pages give back every term with its blocks", arguments: [1, 2, 3, 64, 65, 5000])
    func roundTrip(blockCount: Int) {
        var random = SeededRandom(seed: UInt64(blockCount))
        let blocks = UInt32(77)...UInt32(76 + blockCount)
        let terms = Self.terms(&random, 3000, blocks)
        var writer = TermPageWriter(blocks: blocks, ordinary: 100, identities: 100_000)
        for (term, list) in terms { list.withUnsafeBufferPointer { writer.add(term, $0) } }
        writer.finish()
        var found: [(UInt64, [UInt32])] = []
        for page in writer.takePages() {
            page.body.withUnsafeBytes { body in
                var reader = TermPageReader(first: page.first, body: body)!
                while reader.next() {
                    var list: [UInt32] = []
                    reader.readBlocks(into: &list)
                    found.append((reader.term, list))
                }
            }
        }
        #expect(found.map(\.0) == terms.map(\.0))
        #expect(found.map(\.1) == terms.map(\.1))
    }

    @Test("one identity in a run of one block needs no bits behind the header")
    func smallest() throws {
        var writer = TermPageWriter(blocks: 5...5, ordinary: 0, identities: 1)
        [UInt32(5)].withUnsafeBufferPointer { writer.add(Term.identities | 99, $0) }
        writer.finish()
        let page = try #require(writer.takePages().first)
        #expect(page.body.count == TermPage.headerBytes)
        var found: [UInt32] = []
        try page.body.withUnsafeBytes { body in
            var reader = try #require(TermPageReader(first: page.first, body: body))
            while reader.next() { reader.readBlocks(into: &found) }
        }
        #expect(found == [5])
    }

    @Test("a damaged page ends and does not trap")
    func damaged() {
        var random = SeededRandom(seed: 3)
        let terms = Self.terms(&random, 2000, 1...500)
        var writer = TermPageWriter(blocks: 1...500, ordinary: 1500, identities: 700)
        for (term, list) in terms { list.withUnsafeBufferPointer { writer.add(term, $0) } }
        writer.finish()
        for page in writer.takePages() {
            for _ in 0..<20 {
                var body = page.body
                for _ in 0..<5 { body[12 + random.below(body.count - 12)] = UInt8(random.below(256)) }
                body.withUnsafeBytes { bytes in
                    guard var reader = TermPageReader(first: page.first, body: bytes) else { return }
                    var steps = 0
                    while reader.next(), steps < 100_000 {
                        reader.skipBlocks()
                        steps += 1
                    }
                }
            }
        }
    }

    @Test("sorting keeps the order of equal terms")
    func radix() {
        var random = SeededRandom(seed: 9)
        var sorter = RadixSorter()
        for count in [0, 1, 2, 1000, 70_000] {
            for (shift, bits) in [(20, 28), (20, 36), (0, 8)] {
                var list = (0..<count).map { _ in random.next() >> 2 }
                let expected = list.enumerated().sorted { left, right in
                    let mask: UInt64 = (1 << UInt64(bits)) - 1
                    let (a, b) = (left.element >> UInt64(shift) & mask, right.element >> UInt64(shift) & mask)
                    return a == b ? left.offset < right.offset : a < b
                }.map(\.element)
                sorter.sort(&list, shift: shift, bits: bits)
                #expect(list == expected)
            }
        }
    }

    @Test("rollup pages give back every row")
    func rollups() {
        var random = SeededRandom(seed: 10)
        let keys = Set(
            (0..<5000).map { _ in
                RollupKey.make(
                    tenant: UInt32(random.below(50)), hour: Int64(490_000 + random.below(800)), combination: UInt32(random.below(30)))
            }
        ).sorted()
        let rows = keys.map { (key: $0, count: UInt64(1 + random.below(100_000))) }
        var found: [(UInt64, UInt64)] = []
        for page in RollupPage.pages(rows) {
            page.body.withUnsafeBytes { RollupPage.read(first: page.first, body: $0) { found.append(($0, $1)) } }
        }
        #expect(found.map(\.0) == rows.map(\.key))
        #expect(found.map(\.1) == rows.map(\.count))
    }
}
