import Glibc

/// A gzip member without content, which carries up to ``capacity`` bytes in its header's extra field (RFC 1952, section
/// 2.3.1.1): every reader of gzip passes over it.
///
/// The members of an index follow each other and all but the last are full, so that a place in the index tells the place in
/// the file by arithmetic.
enum IndexMember {
    /// Bytes of the index in one member. The field holds up to 65,531, but DuckDB, which reads gzip through a buffer of 32 KiB,
    /// refuses a member whose header does not fit in there together with the footer of the one before (`GZIP_HEADER_MAXSIZE`
    /// in its gzip_file_system.cpp). A round number below that is easier to find by hand.
    static let capacity = 32_000
    /// ID1 ID2, CM 8, FLG.FEXTRA, no time, no XFL, OS unknown; XLEN; the subfield's two letters; its length.
    static let headerBytes = 16
    /// An empty final block of deflate, CRC-32 and length of nothing.
    static let footer: [UInt8] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    static let overhead = headerBytes + footer.count
    static let fullLength = capacity + overhead

    /// How every data member begins: gzip, deflate, no flags, no time.
    static let dataMagic: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]
    static let magic: [UInt8] = [0x1F, 0x8B, 8, 4, 0, 0, 0, 0]
    /// What every member of gzip has of it, whoever wrote it; the flags follow.
    static let gzipMagic: [UInt8] = [0x1F, 0x8B, 8]

    /// Whether a member of gzip may begin so (RFC 1952, section 2.3): any flags but reserved ones, any time, XFL and OS.
    static func mayBegin(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count > gzipMagic.count && bytes.starts(with: gzipMagic) && bytes[3] & 0xE0 == 0
    }

    /// The second letter of the subfield's name; the first is `D`.
    enum Kind: UInt8 {
        case index = 0x42
        case trailer = 0x54
    }

    static func encode(_ payload: some Collection<UInt8>, _ kind: Kind, into target: inout [UInt8]) {
        precondition(payload.count <= capacity)
        let length = UInt16(payload.count)
        target += magic
        target += [0, 255]
        withUnsafeBytes(of: (length + 4).littleEndian) { target.append(contentsOf: $0) }
        target += [UInt8(ascii: "D"), kind.rawValue]
        withUnsafeBytes(of: length.littleEndian) { target.append(contentsOf: $0) }
        target.append(contentsOf: payload)
        target += footer
    }

    /// Where the payload stands in the member that `bytes` begin with, and what kind it is; `nil` when they do not begin with
    /// a whole one. Time, XFL and OS may be any.
    static func payload(of bytes: UnsafeRawBufferPointer) -> (kind: Kind, range: Range<Int>)? {
        guard bytes.count >= overhead, bytes.starts(with: magic.prefix(4)), bytes[12] == UInt8(ascii: "D"),
            let kind = Kind(rawValue: bytes[13])
        else { return nil }
        let extra = Int(bytes[10]) | Int(bytes[11]) << 8
        let length = Int(bytes[14]) | Int(bytes[15]) << 8
        guard extra == length + 4, length <= capacity, bytes.count >= length + overhead,
            bytes[(headerBytes + length)..<(overhead + length)].elementsEqual(footer)
        else { return nil }
        return (kind, headerBytes..<headerBytes + length)
    }

    /// The bytes of the file, from the first index member on, that hold the bytes `range` of the index.
    static func fileRange(_ range: Range<Int>) -> Range<Int> {
        if range.isEmpty { return 0..<0 }
        return place(range.lowerBound)..<place(range.upperBound - 1) + 1
    }

    private static func place(_ offset: Int) -> Int { offset / capacity * fullLength + headerBytes + offset % capacity }

    /// Bytes that an index of `count` bytes takes in the file.
    static func fileLength(_ count: Int) -> Int { count + (count + capacity - 1) / capacity * overhead }

    /// Takes the members' frames out of what was read from ``fileRange(_:)``.
    static func unframed(_ raw: ArraySlice<UInt8>, _ range: Range<Int>) -> [UInt8] {
        let end = range.lowerBound % capacity + range.count
        if end <= capacity { return Array(raw) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var at = raw.startIndex
        var left = range.count
        var room = capacity - range.lowerBound % capacity
        while left > 0 {
            let taken = min(room, left)
            bytes += raw[at..<at + taken]
            at += taken + overhead
            left -= taken
            room = capacity
        }
        return bytes
    }
}
