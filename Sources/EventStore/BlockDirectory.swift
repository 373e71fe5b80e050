/// Where a block's lines stand: part of what one gzip member of a piece inflates to.
struct BlockLocation: Sendable, Hashable {
    var piece: UInt32
    /// Length of the member in the file.
    var length: UInt32
    /// Of the member in the file.
    var offset: UInt64
    /// What the member inflates to.
    var memberBytes: UInt32
    /// Of the block's first line within that.
    var start: UInt32
    /// ``crc32(_:)`` of the block's lines, by which they are known to be right when only a part of the member was
    /// inflated. 0: not known, as of what the packer wrote, one block a member. Moving a block leaves it.
    var checksum: UInt32 = 0
}

/// What pruning needs to know of one block, 72 bytes.
struct BlockEntry: Sendable {
    var tenant: UInt32
    var count: UInt32
    /// Event times, milliseconds since 1970, both inclusive.
    var minTime: Int64
    var maxTime: Int64
    var location: BlockLocation
    /// Of its lines.
    var bytes: UInt32
    var firstPosition: UInt64
    var lastPosition: UInt64

    /// Of its lines in what the member inflates to.
    var range: Range<Int> { Int(location.start)..<Int(location.start) + Int(bytes) }
}

/// All blocks of a partition in memory, so that choosing blocks is array work and not SQL. Block number n stands at
/// index n - 1; numbers are given in packing order and never taken back. A compaction moves blocks and leaves their
/// numbers; whoever holds a directory from before it reads on in the files that it holds open.
struct BlockDirectory: Sendable {
    private(set) var blocks: [BlockEntry] = []
    /// Numbers of each tenant's blocks, ascending, which is also the order of `seq` and position.
    private(set) var numbers: [UInt32: [UInt32]] = [:]
    /// By piece.
    private(set) var files: [UInt32: any MemberSource] = [:]

    /// Those of which nobody knows what they held.
    private(set) var unknown: [UInt32] = []

    var lastNumber: UInt32 { UInt32(blocks.count) }

    subscript(number: UInt32) -> BlockEntry { blocks[Int(number) - 1] }

    func contains(_ number: UInt32) -> Bool { number > 0 && Int(number) <= blocks.count }

    func file(of number: UInt32) -> (any MemberSource)? { files[self[number].location.piece] }

    /// How much to inflate for block `number` when of its member only those of `chosen`, ascending, will be asked for.
    func extent(of number: UInt32, among chosen: [UInt32]) -> InflatedBlocks.Extent {
        let entry = self[number]
        guard entry.range.upperBound < Int(entry.location.memberBytes), let list = numbers[entry.tenant] else { return .member }
        let isFollowed = list[Self.firstIndex(of: number + 1, list)...].prefix {
            self[$0].location.piece == entry.location.piece && self[$0].location.offset == entry.location.offset
        }.contains { next in
            let index = Self.firstIndex(of: next, chosen)
            return index < chosen.count && chosen[index] == next
        }
        return isFollowed ? .member : .block
    }

    /// Of the first that is not below `number`.
    private static func firstIndex(of number: UInt32, _ list: [UInt32]) -> Int {
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func append(_ entry: BlockEntry) {
        blocks.append(entry)
        numbers[entry.tenant, default: []].append(UInt32(blocks.count))
        if entry.count == 0 { unknown.append(UInt32(blocks.count)) }
    }

    mutating func add(_ file: any MemberSource, piece: UInt32) { files[piece] = file }

    /// What a compaction did. Doing it twice is the same as once.
    mutating func relocate(
        _ moved: [(number: UInt32, location: BlockLocation)], to piece: UInt32, _ file: any MemberSource, from old: Set<UInt32>
    ) {
        files[piece] = file
        for (number, location) in moved where contains(number) { blocks[Int(number) - 1].location = location }
        for id in old { files[id] = nil }
    }

    /// What a rewrite did. Doing it twice is the same as once.
    mutating func rewrite(_ blocks: [RewrittenBlock], files new: [UInt32: MembersFile], from old: Set<UInt32>) {
        for (piece, file) in new { files[piece] = file }
        for block in blocks where contains(block.number) {
            self.blocks[Int(block.number) - 1].location = block.location
            self.blocks[Int(block.number) - 1].bytes = block.bytes
        }
        for id in old { files[id] = nil }
    }

    /// The block of `tenant` that may hold `position`.
    func number(tenant: UInt32, position: UInt64) -> UInt32? {
        guard let list = numbers[tenant] else { return nil }
        if !unknown.isEmpty {
            let known = list.first { self[$0].count > 0 && self[$0].firstPosition...self[$0].lastPosition ~= position }
            return known ?? unknown.first
        }
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low + high) / 2
            if self[list[middle]].lastPosition < position { low = middle + 1 } else { high = middle }
        }
        guard low < list.count, self[list[low]].firstPosition <= position else { return nil }
        return list[low]
    }
}

/// What a partition holds of one tenant.
struct TenantSummary: Sendable {
    var name: String
    var lastSeq: UInt64
    var lastPosition: UInt64
    var events: Int
    var blocks: Int
    var minTime: Int64
    var maxTime: Int64

    mutating func add(_ entry: BlockEntry, lastSeq: UInt64) {
        self.lastSeq = max(self.lastSeq, lastSeq)
        lastPosition = max(lastPosition, entry.lastPosition)
        events += Int(entry.count)
        blocks += 1
        minTime = min(minTime, entry.minTime)
        maxTime = max(maxTime, entry.maxTime)
    }

    init(name: String) {
        self.init(name: name, lastSeq: 0, lastPosition: 0, events: 0, blocks: 0, minTime: .max, maxTime: .min)
    }

    init(name: String, lastSeq: UInt64, lastPosition: UInt64, events: Int, blocks: Int, minTime: Int64, maxTime: Int64) {
        self.name = name
        self.lastSeq = lastSeq
        self.lastPosition = lastPosition
        self.events = events
        self.blocks = blocks
        self.minTime = minTime
        self.maxTime = maxTime
    }
}
