import EventStore

/// The data members of a file in order, readable or not: as the table of blocks tells, or by walking.
struct MemberStream: ~Copyable {
    struct Member {
        /// What is known of it; without events when only its place is.
        var block: ArchiveBlock
        var lines: [UInt8]?
        /// Why there are no lines.
        var reason: String?
    }

    private let source: any ByteSource
    private let known: [ArchiveBlock]?
    private var index = 0
    private var walker: ArchiveWalker
    /// Where the index begins, as far as anybody knows.
    private let end: Int
    private let inflater = Inflater()
    /// Whether all data members were met, as far as anybody can tell: a file that was cut between two members looks like one
    /// that had no more.
    private(set) var isComplete = false

    init(_ source: any ByteSource, known: [ArchiveBlock]?, dataLength: Int?) {
        self.source = source
        self.known = known
        walker = ArchiveWalker(source)
        end = dataLength ?? source.count
    }

    mutating func next() throws -> Member? {
        if let known { return try next(of: known) }
        guard let step = try walker.next() else { return nil }
        if step.offset >= end { return complete() }
        var member = Member(block: ArchiveBlock(unknown: step.offset, length: step.length))
        switch step.part {
        case .lines(let lines): member.lines = lines
        case .index: return complete()
        case .damage(let reason):
            let begin = try source.read(step.offset..<step.offset + min(step.length, IndexMember.magic.count))
            if begin.elementsEqual(IndexMember.magic.prefix(begin.count)), begin.count > 3 { return complete() }
            member.reason = reason
        }
        return member
    }

    private mutating func complete() -> Member? {
        isComplete = true
        return nil
    }

    private mutating func next(of blocks: [ArchiveBlock]) throws -> Member? {
        guard index < blocks.count else { return complete() }
        let block = blocks[index]
        index += 1
        let member = try source.read(block.offset..<block.offset + block.length)
        let lines = member.withUnsafeBytes { inflater.bytes(of: $0, count: block.bytes) }
        return Member(block: block, lines: lines, reason: lines == nil ? "the member is not what was written" : nil)
    }
}

extension ArchiveBlock {
    /// A stretch of bytes of which nothing is known.
    init(unknown offset: Int, length: Int) {
        self.init(
            firstSeq: 0, lastSeq: 0, events: 0, minTime: .min, maxTime: .max, firstPosition: 0, lastPosition: .max, offset: offset,
            length: length, bytes: 0)
    }
}
