import CChecksum
import EventModel

/// A whole frame in memory whose checksum is right; valid as long as the bytes it was made from.
struct FrameView {
    let header: FrameHeader
    let bytes: UnsafeRawBufferPointer

    /// `nil` when the bytes do not begin with a whole and undamaged frame.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let header = FrameHeader(bytes), header.frameLength <= bytes.count else { return nil }
        let checksum = cchecksum_crc32c(0, bytes.baseAddress! + 8, header.frameLength - 8)
        guard checksum == bytes.number(UInt32.self, at: 4) else { return nil }
        self.header = header
        self.bytes = UnsafeRawBufferPointer(rebasing: bytes[..<header.frameLength])
    }

    /// Tenants first seen in this frame.
    var names: [(number: UInt32, name: String)] {
        var names: [(number: UInt32, name: String)] = []
        var at = FrameHeader.length
        for index in 0..<header.namedTenants {
            let length = Int(bytes.number(UInt16.self, at: at))
            names.append((header.firstNamedTenant + UInt32(index), String(decoding: bytes[at + 2..<at + 2 + length], as: UTF8.self)))
            at += 2 + length
        }
        return names
    }

    func tenant(ofEvent index: Int) -> UInt32 { bytes.number(UInt32.self, at: entry(index) + 24) }
    func seq(ofEvent index: Int) -> UInt64 { bytes.number(UInt64.self, at: entry(index)) }

    /// The events from `position` on, at most `limit`.
    func batch(from position: UInt64, limit: Int) -> CommittedBatch {
        let skipped = position > header.firstPosition ? Int(position - header.firstPosition) : 0
        let taken = skipped..<min(header.events, skipped + max(1, min(limit, header.events)))
        var start = header.linesOffset
        for index in 0..<skipped { start += Int(bytes.number(UInt32.self, at: entry(index) + 28)) }
        var offset = 0
        var events: [CommittedEvent] = []
        events.reserveCapacity(taken.count)
        for index in taken {
            let at = entry(index)
            let length = bytes.number(UInt32.self, at: at + 28)
            events.append(
                CommittedEvent(
                    offset: UInt32(offset), length: length, tenant: bytes.number(UInt32.self, at: at + 24),
                    seq: bytes.number(UInt64.self, at: at), time: bytes.number(Int64.self, at: at + 8),
                    identity: bytes.number(UInt64.self, at: at + 16)))
            offset += Int(length)
        }
        return CommittedBatch(
            firstPosition: header.firstPosition + UInt64(skipped), received: header.received, lines: Array(bytes[start..<start + offset]),
            events: events)
    }

    private func entry(_ index: Int) -> Int { header.tableOffset + index * FrameHeader.eventLength }
}
