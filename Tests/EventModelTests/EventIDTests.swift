import TestSupport
import Testing

@testable import EventModel

@Suite("EventID")
struct EventIDTests {
    private static func random(_ random: inout SeededRandom) -> EventID {
        EventID(
            received: Int64.random(in: 0..<1 << 48, using: &random), node: UInt16.random(in: 0..<1 << 12, using: &random),
            tenant: UInt32.random(in: 0..<UInt32(Limits.tenants), using: &random),
            position: UInt64.random(in: 0..<Limits.positions, using: &random))
    }

    @Test("any id reads back as it was written, in either case, with RFC 9562's version and variant")
    func roundTrip() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<5000 {
            let id = Self.random(&random)
            let text = id.description
            #expect(EventID(text) == id)
            #expect(EventID(text.uppercased()) == id)
            let characters = Array(text)
            #expect(characters.count == 36 && characters[14] == "7" && "89ab".contains(characters[19]), "\(text)")
        }
    }

    @Test("the limits of every part survive")
    func limits() {
        let largest = EventID(received: 1 << 48 - 1, node: 0xFFF, tenant: UInt32(Limits.tenants) - 1, position: Limits.positions - 1)
        #expect(largest.description == "ffffffff-ffff-7fff-bfff-ffffffffffff")
        #expect(EventID(largest.description) == largest)
        let smallest = EventID(received: 0, node: 0, tenant: 0, position: 0)
        #expect(smallest.description == "00000000-0000-7000-8000-000000000000")
        #expect(EventID(smallest.description) == smallest)
        #expect(EventID(received: 0, node: 0xFFFF, tenant: 0, position: 0).node == 0xFFF)
    }

    @Test("ids sort as text by time received and, for one tenant, by position")
    func order() {
        var random = SeededRandom(seed: 12)
        for _ in 0..<2000 {
            var (left, right) = (Self.random(&random), Self.random(&random))
            #expect((left.received < right.received) == (left.description < right.description))
            right.received = left.received
            right.node = left.node
            right.tenant = left.tenant
            left.position = right.position &- 1 & (Limits.positions - 1)
            #expect((left.position < right.position) == (left.description < right.description))
        }
    }

    @Test(
        "what is no UUIDv7 is refused",
        arguments: [
            "", "0", "01a160e8-5cee-4231-a6a5-6f61d4e2ec53", "01a160e8-5cee-7231-c6a5-6f61d4e2ec53", "01a160e8-5cee-7231-06a5-6f61d4e2ec53",
            "01a160e85cee7231a6a56f61d4e2ec53", "01a160e8-5cee-7231-a6a5-6f61d4e2ec5", "01a160e8-5cee-7231-a6a5-6f61d4e2ec530",
            "01a160e8-5cee-7231-a6a5-6f61d4e2ec5g", "{1a160e8-5cee-7231-a6a5-6f61d4e2ec5}", "01a160e8_5cee-7231-a6a5-6f61d4e2ec53",
            "01a160e-85cee-7231-a6a5-6f61d4e2ec53", "01a160e8-5cee-7231-a6a5-6f61d4e2ec5é",
        ])
    func malformed(text: String) { #expect(EventID(text) == nil) }
}
