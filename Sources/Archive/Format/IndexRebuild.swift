import EventModel
import Foundation

/// Makes the index of a file again from its data members. Takes as long as reading the file, and the memory of a writer.
struct IndexRebuild: ~Copyable {
    struct Result {
        let index: ArchiveIndex
        let notes: [String]
    }

    private var builder: IndexBuilder
    private var unreadable: [UInt32] = []
    private var notes: [String] = []

    /// More notes than these say no more.
    private static let largestNotes = 100

    /// `known`: the table of blocks, where that part of the index is good, so that blocks keep their numbers. `dataLength`:
    /// where the index begins, if the trailer says so. Throws `ArchiveFormatError.damaged` when there is not one readable event.
    static func run(_ source: any ByteSource, known: [ArchiveBlock]?, dataLength: Int?) throws -> Result {
        var members = MemberStream(source, known: known, dataLength: dataLength)
        // Whose file it is tells the first member that can be read.
        var waiting: [ArchiveBlock] = []
        while let member = try members.next() {
            guard let lines = member.lines, let owner = lines.withUnsafeBytes({ ArchiveOwner(of: $0) }) else {
                waiting.append(member.block)
                continue
            }
            let firstSeq = lines.withUnsafeBytes { CanonicalLine($0)?.seq } ?? 1
            var rebuild = IndexRebuild(owner, afterSeq: max(1, firstSeq) - 1)
            for block in waiting { rebuild.leave(block, "no member begins here") }
            try rebuild.take(member)
            while let next = try members.next() { try rebuild.take(next) }
            if !members.isComplete { rebuild.leave(ArchiveBlock(unknown: source.count, length: 0), "the file ends before its index") }
            return try rebuild.finish()
        }
        throw ArchiveFormatError.damaged(path: source.name, offset: 0, length: source.count, reason: "not one event can be read")
    }

    private init(_ owner: ArchiveOwner, afterSeq: UInt64) {
        let spill = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-index-\(UUID().uuidString)").path
        builder = IndexBuilder(owner, afterSeq: afterSeq, spillPath: spill)
    }

    private mutating func take(_ member: MemberStream.Member) throws {
        guard let lines = member.lines else { return leave(member.block, member.reason ?? "it is damaged") }
        do {
            try lines.withUnsafeBytes { try builder.add($0, length: member.block.length) }
        } catch let refusal as LineRefusal {
            leave(member.block, "behind seq \(refusal.afterSeq): \(refusal.reason)")
        }
    }

    private mutating func leave(_ block: ArchiveBlock, _ reason: String) {
        builder.add(unreadable: block)
        unreadable.append(UInt32(builder.blocks.count))
        if notes.count < Self.largestNotes {
            notes.append("bytes \(block.offset) to \(block.offset + block.length) cannot be read: \(reason)")
        }
    }

    private mutating func finish() throws -> Result {
        let finished = try builder.finish(dataLength: builder.end)
        guard finished.head.events > 0 else {
            throw ArchiveFormatError.damaged(path: "", offset: 0, length: builder.end, reason: "not one event can be read")
        }
        return Result(index: ArchiveIndex(finished, blocks: Self.bounded(finished.blocks), unreadable: unreadable), notes: notes)
    }

    /// Unknown stretches lie between what is known around them.
    private static func bounded(_ blocks: [ArchiveBlock]) -> [ArchiveBlock] {
        var blocks = blocks
        var next: ArchiveBlock?
        for index in blocks.indices.reversed() {
            if blocks[index].events > 0 {
                next = blocks[index]
            } else {
                blocks[index].lastSeq = next.map { $0.firstSeq - 1 } ?? .max
                blocks[index].lastPosition = next.map { max(1, $0.firstPosition) - 1 } ?? .max
            }
        }
        var last: ArchiveBlock?
        for index in blocks.indices {
            if blocks[index].events > 0 {
                last = blocks[index]
            } else {
                blocks[index].firstSeq = last.map { $0.lastSeq + 1 } ?? 1
                blocks[index].firstPosition = last.map { $0.lastPosition + 1 } ?? 0
            }
        }
        return blocks
    }
}
