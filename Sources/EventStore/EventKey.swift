import EventModel
import Foundation

/// Where an event stands in an answer: by time, then `seq`, then tenant. Packing and merging never change it, so it
/// serves as cursor.
struct EventKey: Sendable, Comparable {
    var time: Int64
    var seq: UInt64
    var tenant: UInt32

    static func < (left: EventKey, right: EventKey) -> Bool {
        if left.time != right.time { return left.time < right.time }
        if left.seq != right.seq { return left.seq < right.seq }
        return left.tenant < right.tenant
    }
}

/// An opaque text: order, key, as base64url (RFC 4648, section 5) of 21 bytes.
struct SearchCursor {
    var order: SearchOrder
    /// The last event that was given; the answer goes on behind it.
    var key: EventKey

    var text: String {
        var bytes: [UInt8] = [order == .descending ? 1 : 2]
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: key.time >> Int64(shift))) }
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: key.seq >> UInt64(shift))) }
        for shift in stride(from: 24, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: key.tenant >> UInt32(shift))) }
        return Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
    }

    init(order: SearchOrder, key: EventKey) {
        self.order = order
        self.key = key
    }

    init(_ text: String, order: SearchOrder) throws(SearchError) {
        let standard = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        guard text.utf8.count == 28, let bytes = Data(base64Encoded: standard), bytes.count == 21 else {
            throw SearchError.badCursor("not a cursor of this server: \(text.prefix(64))")
        }
        guard bytes[0] == (order == .descending ? 1 : 2) else { throw SearchError.badCursor("the cursor belongs to the other order") }
        self.order = order
        var number: UInt64 = 0
        func next(_ range: Range<Int>) -> UInt64 {
            number = 0
            for index in range { number = number << 8 | UInt64(bytes[index]) }
            return number
        }
        key = EventKey(time: Int64(bitPattern: next(1..<9)), seq: next(9..<17), tenant: UInt32(next(17..<21)))
    }
}
