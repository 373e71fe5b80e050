import CChecksum

/// The payload of the last member of a file, ``length`` bytes with its frame: where everything else of the index is.
struct ArchiveTrailer: Equatable {
    /// A part of the index, in bytes of the index.
    struct Section: Equatable {
        var offset: Int
        var length: Int
        /// CRC-32C.
        var checksum: UInt32

        var range: Range<Int> { offset..<offset + length }
    }

    /// Bytes of data members, which begin the file; the index begins behind them.
    var dataLength: Int
    /// Bytes of the index, its members' frames not counted.
    var indexLength: Int
    var directory: Section
    var blocks: Section
    var head: Section

    static let magic: [UInt8] = Array("daybook\n".utf8)
    static let version: UInt32 = 1
    static let payloadBytes = 84
    static let length = payloadBytes + IndexMember.overhead

    /// Bytes of the file from the begin.
    var fileLength: Int { dataLength + IndexMember.fileLength(indexLength) + Self.length }

    func encoded() -> [UInt8] {
        var writer = SectionWriter()
        for byte in Self.magic { writer.fixed(byte) }
        writer.fixed(Self.version)
        writer.fixed(UInt32(IndexMember.capacity))
        writer.fixed(UInt64(dataLength))
        writer.fixed(UInt64(indexLength))
        for section in [directory, blocks, head] {
            writer.fixed(UInt64(section.offset))
            writer.fixed(UInt32(section.length))
            writer.fixed(section.checksum)
        }
        writer.fixed(crc32c(writer.bytes))
        return writer.bytes
    }

    /// `payload`: of the trailer's member; `fileLength`: of the file it was found at the end of.
    init(_ payload: [UInt8], fileLength: Int) throws(IndexDamage) {
        guard payload.count == Self.payloadBytes, payload.starts(with: Self.magic) else { throw IndexDamage("the trailer is missing") }
        var reader = SectionReader(Array(payload[Self.magic.count...]))
        let version = try reader.fixed(UInt32.self)
        let capacity = try reader.fixed(UInt32.self)
        let lengths = (try reader.fixed(UInt64.self), try reader.fixed(UInt64.self))
        var sections: [Section] = []
        for _ in 0..<3 {
            let offset = try reader.fixed(UInt64.self)
            sections.append(
                Section(
                    offset: Int(truncatingIfNeeded: offset), length: Int(try reader.fixed(UInt32.self)),
                    checksum: try reader.fixed(UInt32.self)))
        }
        guard try reader.fixed(UInt32.self) == crc32c(Array(payload.dropLast(4))) else {
            throw IndexDamage("the trailer's checksum does not match")
        }
        guard version == Self.version, capacity == IndexMember.capacity else { throw IndexDamage("the index is of version \(version)") }
        dataLength = Int(truncatingIfNeeded: lengths.0)
        indexLength = Int(truncatingIfNeeded: lengths.1)
        (directory, blocks, head) = (sections[0], sections[1], sections[2])
        guard (0...fileLength).contains(dataLength), (0...fileLength).contains(indexLength), self.fileLength == fileLength,
            sections.allSatisfy({ $0.offset >= 0 && $0.offset <= indexLength && $0.length <= indexLength - $0.offset })
        else { throw IndexDamage("the trailer belongs to a file of another length") }
    }

    init(dataLength: Int, indexLength: Int, directory: Section, blocks: Section, head: Section) {
        self.dataLength = dataLength
        self.indexLength = indexLength
        self.directory = directory
        self.blocks = blocks
        self.head = head
    }
}

func crc32c(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { crc32c($0) } }

func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 { cchecksum_crc32c(0, bytes.baseAddress, bytes.count) }
