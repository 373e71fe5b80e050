import EventStore

/// One open file as a lookup asks it.
final class ArchivedIndex: OlderDayIndex {
    let blocks: OlderBlocks
    private let file: ArchiveFile

    /// Throws when the file is another one than the catalogue says.
    init(_ file: ArchiveFile, of day: OlderDay) throws {
        guard file.tenant == day.tenant, file.day == day.day else {
            throw ArchiveFormatError.damaged(
                path: file.source.name, offset: 0, length: file.source.count,
                reason: "it is of the tenant number \(file.tenant) and day \(file.day), not \(day.tenant) and \(day.day)")
        }
        self.file = file
        blocks = OlderBlocks(
            tenant: day.tenant, source: ArchivedMembers(source: file.source),
            blocks: try file.blocks().map { block in
                OlderBlock(
                    events: block.events, minTime: block.minTime, maxTime: block.maxTime, firstPosition: block.firstPosition,
                    lastPosition: block.lastPosition, offset: block.offset, length: block.length, bytes: block.bytes)
            })
    }

    /// Of the index, since it was opened.
    var bytesRead: Int { file.scanned.bytes }
    var notes: [String] { file.notes }

    func prepare(_ range: ClosedRange<UInt64>) { file.prepare(range) }

    func candidates(_ range: ClosedRange<UInt64>, bytesRead: inout Int) throws -> [UInt32] {
        let before = self.bytesRead
        defer { bytesRead += self.bytesRead - before }
        return try file.candidates(range)
    }

    func rollups(
        bytesRead: inout Int, _ visit: (_ hour: Int64, _ kind: String, _ action: String, _ outcome: String, _ count: Int) -> Void
    ) throws {
        let before = self.bytesRead
        defer { bytesRead += self.bytesRead - before }
        let combinations = Dictionary(try file.combinations().map { ($0.number, $0) }) { first, _ in first }
        try file.rollups(hours: .min ... .max) { hour, number, count in
            let combination = combinations[number]
            visit(hour, combination?.kind ?? "", combination?.action ?? "", combination?.outcome ?? "", Int(count))
        }
    }
}

/// Members of a file, wherever it lies.
private struct ArchivedMembers: MemberSource {
    let source: any ByteSource

    var path: String { source.name }

    func prepare(_ range: Range<Int>) { source.prepare(range) }

    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
        guard offset >= 0, offset + target.count <= source.count, let bytes = try? source.read(offset..<offset + target.count),
            bytes.count == target.count
        else { return false }
        target.copyBytes(from: bytes)
        return true
    }
}
