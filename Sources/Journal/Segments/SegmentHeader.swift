import CChecksum
import EventModel

/// The head of a segment file. It carries the tenant table as it stood when the segment began, so that one segment
/// alone gives back all numbering and the older ones can go.
///
/// All numbers are little-endian.
///
/// | offset | bytes | holds |
/// |---|---|---|
/// | 0 | 8 | `FF "DBJRNL" 00` |
/// | 8 | 4 | version, 2 (1 had identities of another kind in its frames) |
/// | 12 | 2 | node of this data folder |
/// | 14 | 2 | zero |
/// | 16 | 8 | global position the segment begins at |
/// | 24 | 8 | created, milliseconds since 1970 |
/// | 32 | 8 | `received` of the last event before the segment, so that it never runs backwards |
/// | 40 | 4 | number of tenants |
/// | 44 | 4 | length of the tenant table in bytes |
/// | 48 | 4 | CRC-32C of the tenant table |
/// | 52 | 4 | CRC-32C of bytes 0 to 51 |
/// | 56 | … | tenant table; the n-th entry is tenant number n: last seq (8), length of the name (2), name |
///
/// Frames follow at once (see ``FrameHeader``).
struct SegmentHeader: Equatable {
    static let fixedLength = 56
    static let magic: [UInt8] = [0xFF] + Array("DBJRNL".utf8) + [0]
    static let version: UInt32 = 2

    var node: UInt16
    var firstPosition: UInt64
    var created: Int64
    var lastReceived: Int64
    var tenants: [TenantState]

    func encoded() -> [UInt8] {
        var table: [UInt8] = []
        for tenant in tenants {
            table.append(littleEndian: tenant.lastSeq)
            table.append(littleEndian: UInt16(tenant.name.utf8.count))
            table.append(contentsOf: tenant.name.utf8)
        }
        var bytes = Self.magic
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: node)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: firstPosition)
        bytes.append(littleEndian: UInt64(bitPattern: created))
        bytes.append(littleEndian: UInt64(bitPattern: lastReceived))
        bytes.append(littleEndian: UInt32(tenants.count))
        bytes.append(littleEndian: UInt32(table.count))
        bytes.append(littleEndian: table.withUnsafeBytes { cchecksum_crc32c(0, $0.baseAddress, $0.count) })
        bytes.append(littleEndian: bytes.withUnsafeBytes { cchecksum_crc32c(0, $0.baseAddress, $0.count) })
        return bytes + table
    }

    /// Length of header and table when the fixed part is whole; the table is not looked at.
    static func length(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= fixedLength, bytes.prefix(8).elementsEqual(magic), bytes.number(UInt32.self, at: 8) == version,
            bytes.number(UInt32.self, at: 52) == cchecksum_crc32c(0, bytes.baseAddress, 52)
        else { return nil }
        return fixedLength + Int(bytes.number(UInt32.self, at: 44))
    }

    /// The version of a whole header that this program does not read.
    static func foreignVersion(_ bytes: UnsafeRawBufferPointer) -> UInt32? {
        guard bytes.count >= fixedLength, bytes.prefix(8).elementsEqual(magic),
            bytes.number(UInt32.self, at: 52) == cchecksum_crc32c(0, bytes.baseAddress, 52)
        else { return nil }
        let found = bytes.number(UInt32.self, at: 8)
        return found == version ? nil : found
    }

    /// `nil` when any bit of header or table is not as written.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let length = Self.length(bytes), length <= bytes.count else { return nil }
        let table = UnsafeRawBufferPointer(rebasing: bytes[Self.fixedLength..<length])
        guard bytes.number(UInt32.self, at: 48) == cchecksum_crc32c(0, table.baseAddress, table.count) else { return nil }
        node = bytes.number(UInt16.self, at: 12)
        firstPosition = bytes.number(UInt64.self, at: 16)
        created = Int64(bitPattern: bytes.number(UInt64.self, at: 24))
        lastReceived = Int64(bitPattern: bytes.number(UInt64.self, at: 32))
        tenants = []
        var at = 0
        for _ in 0..<bytes.number(UInt32.self, at: 40) {
            guard at + 10 <= table.count else { return nil }
            let nameLength = Int(table.number(UInt16.self, at: at + 8))
            guard at + 10 + nameLength <= table.count else { return nil }
            let name = String(decoding: table[at + 10..<at + 10 + nameLength], as: UTF8.self)
            tenants.append(TenantState(name: name, lastSeq: table.number(UInt64.self, at: at)))
            at += 10 + nameLength
        }
    }

    init(node: UInt16, firstPosition: UInt64, created: Int64, lastReceived: Int64, tenants: [TenantState]) {
        self.node = node
        self.firstPosition = firstPosition
        self.created = created
        self.lastReceived = lastReceived
        self.tenants = tenants
    }
}

/// A tenant and the last `seq` it was given; its number is its place in the list.
struct TenantState: Equatable {
    var name: String
    var lastSeq: UInt64
}
