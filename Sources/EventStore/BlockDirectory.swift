/// What pruning needs to know of one block, 64 bytes.
struct BlockEntry: Sendable {
    var tenant: UInt32
    var count: UInt32
    /// Event times, milliseconds since 1970, both inclusive.
    var minTime: Int64
    var maxTime: Int64
    /// Of its member in the members file.
    var offset: UInt64
    var length: UInt32
    /// Of its lines.
    var bytes: UInt32
    var firstSeq: UInt64
    var firstPosition: UInt64
    var lastPosition: UInt64
}

/// All blocks of a partition in memory, so that choosing blocks is array work and not SQL. Block number n stands at
/// index n - 1; numbers are given in packing order and never taken back.
struct BlockDirectory: Sendable {
    private(set) var blocks: [BlockEntry] = []
    /// Numbers of each tenant's blocks, ascending, which is also the order of `seq` and position.
    private(set) var numbers: [UInt32: [UInt32]] = [:]

    var lastNumber: UInt32 { UInt32(blocks.count) }

    subscript(number: UInt32) -> BlockEntry { blocks[Int(number) - 1] }

    func contains(_ number: UInt32) -> Bool { number > 0 && Int(number) <= blocks.count }

    mutating func append(_ entry: BlockEntry) {
        blocks.append(entry)
        numbers[entry.tenant, default: []].append(UInt32(blocks.count))
    }

    /// The block of `tenant` that may hold `position`.
    func number(tenant: UInt32, position: UInt64) -> UInt32? {
        guard let list = numbers[tenant] else { return nil }
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
