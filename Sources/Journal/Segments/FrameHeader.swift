import CChecksum

/// One frame is one group of events that were synced together.
///
/// Beside the lines stands a table with what numbering and followers need, so that neither recovery nor catching up
/// parses JSON: for 6 % more bytes a GiB is read back in about a second.
///
/// | offset | bytes | holds |
/// |---|---|---|
/// | 0 | 4 | `FF "DBF"`; 0xFF never occurs in UTF-8, so no line can look like the start of a frame |
/// | 4 | 4 | CRC-32C of everything from offset 8 to the frame's end |
/// | 8 | 4 | length of the whole frame |
/// | 12 | 4 | number of events |
/// | 16 | 8 | global position of the first event; the others follow without a gap |
/// | 24 | 8 | `received` of all its events, milliseconds since 1970 |
/// | 32 | 4 | number of the first tenant named in this frame |
/// | 36 | 4 | how many tenants are named, numbered on from there |
/// | 40 | 4 | length of the names in bytes |
/// | 44 | 4 | length of the lines in bytes |
/// | 48 | … | names: length (2), name |
/// | … | 32 an event | seq (8), event time (8), identity (8), tenant's number (4), length of the line (4) |
/// | … | … | canonical lines, each ending in a newline, as followers see them |
///
/// Zeros where a frame should begin are the end of the log.
struct FrameHeader {
    static let length = 48
    static let eventLength = 32
    static let magic = UInt32(0x4642_44FF)
    /// Offsets within a batch are 32 bits; a quarter of that keeps buffers sane and is far above any group.
    static let maxFrameBytes = 1 << 30

    var frameLength: Int
    var events: Int
    var firstPosition: UInt64
    var received: Int64
    var firstNamedTenant: UInt32
    var namedTenants: Int
    var namesLength: Int
    var linesLength: Int

    var tableOffset: Int { Self.length + namesLength }
    var linesOffset: Int { tableOffset + events * Self.eventLength }
    var endPosition: UInt64 { firstPosition + UInt64(events) }

    /// Writes all but the checksum.
    func write(to target: UnsafeMutableRawPointer) {
        target.put(Self.magic, at: 0)
        target.put(UInt32(frameLength), at: 8)
        target.put(UInt32(events), at: 12)
        target.put(firstPosition, at: 16)
        target.put(received, at: 24)
        target.put(firstNamedTenant, at: 32)
        target.put(UInt32(namedTenants), at: 36)
        target.put(UInt32(namesLength), at: 40)
        target.put(UInt32(linesLength), at: 44)
    }

    /// `nil` when this cannot be a header. Does not know whether the rest of the frame is there or right.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.length, bytes.number(UInt32.self, at: 0) == Self.magic else { return nil }
        frameLength = Int(bytes.number(UInt32.self, at: 8))
        events = Int(bytes.number(UInt32.self, at: 12))
        firstPosition = bytes.number(UInt64.self, at: 16)
        received = bytes.number(Int64.self, at: 24)
        firstNamedTenant = bytes.number(UInt32.self, at: 32)
        namedTenants = Int(bytes.number(UInt32.self, at: 36))
        namesLength = Int(bytes.number(UInt32.self, at: 40))
        linesLength = Int(bytes.number(UInt32.self, at: 44))
        guard events > 0, frameLength <= Self.maxFrameBytes, frameLength == linesOffset + linesLength else { return nil }
    }

    init(
        events: Int, firstPosition: UInt64, received: Int64, firstNamedTenant: UInt32, namedTenants: Int, namesLength: Int, linesLength: Int
    ) {
        self.events = events
        self.firstPosition = firstPosition
        self.received = received
        self.firstNamedTenant = firstNamedTenant
        self.namedTenants = namedTenants
        self.namesLength = namesLength
        self.linesLength = linesLength
        frameLength = 0
        frameLength = linesOffset + linesLength
    }
}
