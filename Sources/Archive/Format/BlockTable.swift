/// The blocks section. Members stand one behind the other from the file's begin, so a block needs no offset; most other
/// numbers are told by how far they are from the block before. About 20 bytes a block.
enum BlockTable {
    static func encoded(_ blocks: [ArchiveBlock]) -> [UInt8] {
        var writer = SectionWriter()
        writer.varint(blocks.count)
        var last = start
        for block in blocks {
            writer.varint(block.events)
            writer.varint(block.length)
            writer.varint(block.bytes)
            writer.varint(block.firstSeq &- last.lastSeq &- 1)
            writer.varint(block.lastSeq &- block.firstSeq &+ 1 &- UInt64(block.events))
            writer.varint(block.firstPosition &- last.lastPosition)
            writer.varint(block.lastPosition &- block.firstPosition)
            writer.signed(block.minTime &- last.minTime)
            writer.varint(UInt64(bitPattern: block.maxTime &- block.minTime))
            last = block
        }
        return writer.bytes
    }

    static func decoded(_ bytes: [UInt8]) throws(IndexDamage) -> [ArchiveBlock] {
        var reader = SectionReader(bytes)
        let count = try reader.count()
        var blocks: [ArchiveBlock] = []
        blocks.reserveCapacity(min(count, bytes.count))
        var last = start
        for _ in 0..<count {
            var block = start
            block.offset = last.offset + last.length
            block.events = try reader.count()
            block.length = try reader.count()
            block.bytes = try reader.count()
            block.firstSeq = last.lastSeq &+ (try reader.varint()) &+ 1
            block.lastSeq = block.firstSeq &+ (try reader.varint()) &+ UInt64(block.events) &- 1
            block.firstPosition = last.lastPosition &+ (try reader.varint())
            block.lastPosition = block.firstPosition &+ (try reader.varint())
            block.minTime = last.minTime &+ (try reader.signed())
            block.maxTime = block.minTime &+ Int64(bitPattern: try reader.varint())
            blocks.append(block)
            last = block
        }
        guard reader.isAtEnd else { throw IndexDamage("the table of blocks goes on behind its end") }
        return blocks
    }

    private static let start = ArchiveBlock(
        firstSeq: 0, lastSeq: 0, events: 0, minTime: 0, maxTime: 0, firstPosition: 0, lastPosition: 0, offset: 0, length: 0, bytes: 0)
}
