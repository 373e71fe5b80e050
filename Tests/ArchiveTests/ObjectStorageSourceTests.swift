import Foundation
import Testing

@testable import Archive

@Suite struct ObjectStorageSourceTests {
    @Test func aShortObjectIsOpenAndReadWithOneRequest() throws {
        let fixture = try ObjectStorageFixture()
        let bytes = ObjectStorageFixture.bytes(5000)
        fixture.stub.store("a", bytes)
        let source = try ObjectSource(fixture.storage(), "a")
        #expect(source.count == 5000)
        #expect(try source.read(17..<4000) == Array(bytes[17..<4000]))
        #expect(try source.read(0..<5000) == bytes)
        #expect(try source.read(9..<9) == [])
        #expect(fixture.stub.asked.count == 1)
    }

    @Test func anIndexLongerThanTheEndTakesOneMore() throws {
        let fixture = try ObjectStorageFixture()
        let bytes = ObjectStorageFixture.bytes(1 << 20)
        fixture.stub.store("a", bytes)
        let source = try ObjectSource(fixture.storage(), "a")
        #expect(try source.read(bytes.count - 100..<bytes.count) == Array(bytes.suffix(100)))
        #expect(try source.read(500_000..<900_000) == Array(bytes[500_000..<900_000]))
        #expect(fixture.stub.asked.count == 2)
    }

    @Test func aWalkReadsFurtherAheadEachTime() throws {
        let fixture = try ObjectStorageFixture()
        let bytes = ObjectStorageFixture.bytes(3 << 20)
        fixture.stub.store("a", bytes)
        let source = try ObjectSource(fixture.storage(), "a")
        var read: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 10_000) { read += try source.read(start..<min(bytes.count, start + 10_000)) }
        #expect(read == bytes)
        // 315 reads; the pieces double from 64 KiB.
        #expect(fixture.stub.asked.count < 20)
    }

    @Test func rangesThatLieNearAreFetchedTogether() throws {
        let fixture = try ObjectStorageFixture()
        let bytes = ObjectStorageFixture.bytes(3 << 20)
        fixture.stub.store("a", bytes)
        let source = try ObjectSource(fixture.storage(), "a")
        let ranges = [900_000..<900_100, 100_000..<130_000, 200_000..<200_500, 2_000_000..<2_000_001]
        try source.prefetch(ranges)
        #expect(fixture.stub.asked.count == 4)
        for range in ranges { #expect(try source.read(range) == Array(bytes[range])) }
        #expect(fixture.stub.asked.count == 4)
    }

    @Test func aReplacedObjectIsNoticed() throws {
        let fixture = try ObjectStorageFixture()
        fixture.stub.store("a", ObjectStorageFixture.bytes(1 << 20))
        let source = try ObjectSource(fixture.storage(), "a")
        fixture.stub.store("a", ObjectStorageFixture.bytes(1 << 20, seed: 2))
        let error = #expect(throws: ObjectStorageError.self) { _ = try source.read(0..<10) }
        guard case .differs = error else { Issue.record("\(String(describing: error))"); return }
    }

    @Test func randomReadsGiveTheObjectsBytes() throws {
        let fixture = try ObjectStorageFixture()
        let bytes = ObjectStorageFixture.bytes(2 << 20)
        fixture.stub.store("a", bytes)
        let source = try ObjectSource(fixture.storage(), "a", endBytes: 1000)
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<200 {
            let start = next(bytes.count)
            let range = start..<min(bytes.count, start + 1 + next(200_000))
            #expect(try source.read(range) == Array(bytes[range]), "seed \(seed), \(range)")
        }
    }
}
