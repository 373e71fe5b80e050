import Testing

@testable import EventModel

@Suite("Tenants")
struct TenantTests {
    @Test("a name is what every file system takes", arguments: ["t", "T-1_a.b", "0", "a..b", String(repeating: "x", count: 64)])
    func taken(name: String) { #expect(TenantName.isValid(name)) }

    @Test(
        "anything else is refused",
        arguments: ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a\0", "é", "a:b", "a\n", "*", String(repeating: "x", count: 65)])
    func refused(name: String) { #expect(!TenantName.isValid(name)) }

    @Test("numbers are dense from 0, stay, and lead back to their names")
    func directory() {
        let directory = TenantDirectory()
        for index in 0..<100 { #expect(directory.register("t\(index)") == UInt32(index)) }
        for index in 0..<100 {
            #expect(directory.register("t\(index)") == UInt32(index))
            #expect(directory.number(of: "t\(index)") == UInt32(index))
            #expect(directory.name(of: UInt32(index)) == "t\(index)")
        }
        #expect(directory.count == 100 && directory.names.count == 100)
        #expect(directory.name(of: 100) == nil && directory.number(of: "t100") == nil)
    }

    @Test("a batch names each tenant once")
    func batch() {
        var batch = NormalisedBatch()
        #expect(["a", "b", "a", "a", "c", "b"].map { batch.tenantIndex($0) } == [0, 1, 0, 0, 2, 1])
        #expect(batch.tenants == ["a", "b", "c"])
    }
}
