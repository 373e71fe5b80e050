import Testing

@testable import EventStore

@Suite("Search for a literal")
struct NeedleSearchTests {
    @Test("every place of needles of all lengths is found, in texts that end anywhere around sixteen bytes")
    func places() {
        for count in 1...70 {
            for length in 1...min(count, 20) {
                let needle = (0..<length).map { UInt8(ascii: "a") + UInt8($0 % 7) }
                for place in 0...count - length {
                    var text = [UInt8](repeating: UInt8(ascii: "."), count: count)
                    for (index, byte) in needle.enumerated() { text[place + index] = index % 2 == 0 ? byte : byte ^ 0x20 }
                    text.withUnsafeBytes { text in
                        #expect(NeedleSearch(needle).first(in: text, from: 0) == place)
                        #expect(NeedleSearch(needle).first(in: text, from: place) == place)
                        #expect(NeedleSearch(needle).first(in: text, from: place + 1) == nil)
                    }
                }
            }
        }
    }

    @Test("what begins or ends like the needle is no hit, nor is anything beyond the end")
    func misses() {
        Array("refunds refu nd efund refunt eefund".utf8).withUnsafeBytes { text in
            #expect(NeedleSearch(Array("refund".utf8)).first(in: text, from: 1) == nil)
            #expect(NeedleSearch(Array("eefund ".utf8)).first(in: text, from: 0) == nil)
            #expect(NeedleSearch(Array("refund".utf8)).first(in: text, from: 1000) == nil)
        }
    }

    @Test("the smallest of a heap are told in order and stay")
    func smallest() {
        var heap = Heap<Int>()
        heap.insert(contentsOf: [5, 3, 9, 1, 7])
        #expect(heap.smallest(3) == [1, 3, 5] && heap.count == 5)
        #expect(heap.smallest(9) == [1, 3, 5, 7, 9] && heap.popFirst() == 1)
    }
}
