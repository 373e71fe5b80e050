import EventModel
import Testing

@testable import Pipelines

@Suite("TenantMemory")
struct TenantMemoryTests {
    private func slot(_ memory: inout TenantMemory, _ name: String) -> Int? {
        let padded = Array(name.utf8) + [UInt8](repeating: 0x41, count: EventTree.textPadding)
        return padded.withUnsafeBytes { memory.slot(UnsafeRawBufferPointer(rebasing: $0[0..<name.utf8.count])) }
    }

    @Test("every tenant has one index a batch, in the order they come, however many there are")
    func indices() throws {
        var memory = TenantMemory()
        for names in [(0..<3000).map { "tenant-\($0)-of-many-with-a-long-name" }, (0..<5000).map { "t\($0)" }, ["t7", "x", "t7"]] {
            memory.beginBatch()
            var batch = NormalisedBatch()
            for name in names + names.reversed() {
                let slot = try #require(slot(&memory, name))
                let index = memory.index(slot, &batch)
                #expect(batch.tenants[Int(index)] == name)
            }
            var seen: Set<String> = []
            #expect(batch.tenants == names.filter { seen.insert($0).inserted })
        }
    }

    @Test("names that share their first 16 bytes are two tenants")
    func longNames() throws {
        var memory = TenantMemory()
        var batch = NormalisedBatch()
        memory.beginBatch()
        for name in ["abcdefghijklmnop", "abcdefghijklmnopq", "abcdefghijklmnopr", "abcdefgh", "abcdefghi"] {
            let slot = try #require(slot(&memory, name))
            _ = memory.index(slot, &batch)
        }
        #expect(batch.tenants.count == 5)
    }

    @Test("what is no tenant's name has no slot, before and after valid ones")
    func invalid() {
        var memory = TenantMemory()
        for _ in 0..<2 {
            for name in ["", ".", ".a", "a b", "\u{E9}", String(repeating: "a", count: 65)] {
                #expect(slot(&memory, name) == nil, "\(name)")
            }
            #expect(slot(&memory, String(repeating: "a", count: 64)) != nil)
        }
    }

    @Test("a batch that already holds tenants of others gets none twice")
    func sharedBatch() throws {
        var memory = TenantMemory()
        var batch = NormalisedBatch()
        memory.beginBatch()
        _ = batch.tenantIndex("b")
        for (name, index) in [("a", UInt32(1)), ("b", 0), ("c", 2), ("a", 1)] {
            let slot = try #require(slot(&memory, name))
            #expect(memory.index(slot, &batch) == index)
        }
    }
}
