import EventModel
import Glibc

/// Where the next event of a group goes: its line, its entry for the followers and its entry in the frame's table.
///
/// The buffers were made for the whole group (every line at its longest), so nothing here checks for room.
struct Layout {
    private let lines: UnsafeMutableBufferPointer<UInt8>
    let events: UnsafeMutableBufferPointer<CommittedEvent>
    private let table: UnsafeMutableRawPointer
    private let prefix: LinePrefix
    private let position: UInt64
    /// Bytes of lines and number of events so far.
    private(set) var length = 0
    private(set) var count = 0

    init(
        lines: UnsafeMutableBufferPointer<UInt8>, events: UnsafeMutableBufferPointer<CommittedEvent>, table: UnsafeMutableRawPointer,
        position: UInt64, received: Timestamp, node: UInt16
    ) {
        self.lines = lines
        self.events = events
        self.table = table
        self.position = position
        prefix = LinePrefix(received: received, node: node)
    }

    @inline(__always)
    mutating func add(_ event: NormalisedEvent, _ body: UnsafeRawBufferPointer, tenant: UInt32, seq: UInt64) {
        let target = lines.baseAddress! + length
        let prefixLength = prefix.write(seq: seq, tenant: tenant, position: position + UInt64(count), to: target)
        if !body.isEmpty { memcpy(target + prefixLength, body.baseAddress!, body.count) }
        let lineLength = prefixLength + body.count + 1
        target[lineLength - 1] = UInt8(ascii: "\n")
        (events.baseAddress! + count).initialize(
            to: CommittedEvent(
                offset: UInt32(length), length: UInt32(lineLength), tenant: tenant, seq: seq, time: event.time, identity: event.identity))
        let entry = table + count * FrameHeader.eventLength
        entry.put(seq, at: 0)
        entry.put(event.time, at: 8)
        entry.put(event.identity, at: 16)
        entry.put(tenant, at: 24)
        entry.put(UInt32(lineLength), at: 28)
        length += lineLength
        count += 1
    }

    /// Whether the line placed as `index` ends in `content`, the part of a body that a repeated event must share. That
    /// begins with a key of the root, so no shorter content can match by chance.
    func line(_ index: Int, endsIn content: UnsafeRawBufferPointer) -> Bool {
        let event = events[index]
        let length = Int(event.length) - 1
        guard length >= content.count, let start = content.baseAddress else { return content.isEmpty }
        return memcmp(lines.baseAddress! + Int(event.offset) + length - content.count, start, content.count) == 0
    }
}
