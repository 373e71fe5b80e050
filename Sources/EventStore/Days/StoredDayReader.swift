/// Everything the store holds of one received-day, member by member, for whoever writes it elsewhere. Works on the files
/// as they were when it was made, whatever is compacted, rewritten or dropped since; holds those files open, a few a day,
/// and one member in memory. For one thread at a time.
package final class StoredDayReader {
    package let day: StoredDay

    let directory: BlockDirectory
    private let inflater = Inflater()
    private let deflater: Deflater
    private var member: [UInt8] = []
    private var lines: [UInt8] = []
    private var joined: [UInt8] = []

    init(day: StoredDay, directory: BlockDirectory, level: Int) {
        self.day = day
        self.directory = directory
        deflater = Deflater(level: level)
    }

    /// Visits the tenant's members in the order of `seq`: the gzip member as it is stored, and what it inflates to, whole
    /// lines of this tenant alone, each with its newline. Both are valid during the call. Throws
    /// ``StoreError/damaged(path:offset:reason:)`` at a member that cannot be read, and what `visit` throws.
    package func members(
        of tenant: UInt32, _ visit: (_ member: UnsafeRawBufferPointer, _ lines: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let numbers = directory.numbers[tenant] ?? []
        var at = 0
        while at < numbers.count {
            let first = directory[numbers[at]].location
            var end = at + 1
            while end < numbers.count, first.isSameMember(as: directory[numbers[end]].location) { end += 1 }
            try read(first, tenant)
            try give(numbers[at..<end], of: first, visit)
            at = end
        }
    }

    /// Fills `member` and `lines`.
    func read(_ location: BlockLocation, _ tenant: UInt32) throws {
        let (length, count) = (Int(location.length), Int(location.memberBytes))
        if member.count < length { member = Array(repeating: 0, count: length) }
        if lines.count < count { lines = Array(repeating: 0, count: count) }
        guard let file = directory.files[location.piece] else { preconditionFailure("the directory has the files of its blocks") }
        func damage(_ reason: String) -> StoreError {
            .damaged(path: file.path, offset: Int(location.offset), reason: "\(reason) (tenant number \(tenant))")
        }
        let isRead = member.withUnsafeMutableBytes {
            file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<length]), at: Int(location.offset))
        }
        guard isRead else { throw damage("the member cannot be read") }
        let isGood = member.withUnsafeBytes { member in
            lines.withUnsafeMutableBytes { lines in
                inflater.inflate(
                    UnsafeRawBufferPointer(rebasing: member[..<length]), into: UnsafeMutableRawBufferPointer(rebasing: lines[..<count]))
            }
        }
        guard isGood else { throw damage("the member does not inflate to what was written") }
    }

    /// An index that was made again may pass over lines of a member that lie elsewhere too; then what counts is made a
    /// member of its own.
    func give(
        _ numbers: ArraySlice<UInt32>, of location: BlockLocation,
        _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let blocks = numbers.map { directory[$0] }
        let covered = blocks.reduce(0) { $0 + Int($1.bytes) }
        if covered == Int(location.memberBytes) {
            return try member.withUnsafeBytes { member in
                try lines.withUnsafeBytes { lines in
                    try visit(
                        UnsafeRawBufferPointer(rebasing: member[..<Int(location.length)]),
                        UnsafeRawBufferPointer(rebasing: lines[..<covered]))
                }
            }
        }
        joined.removeAll(keepingCapacity: true)
        for block in blocks { joined += lines[Int(block.location.start)..<Int(block.location.start) + Int(block.bytes)] }
        var made = [UInt8](repeating: 0, count: deflater.largestMember(of: joined.count))
        let length = made.withUnsafeMutableBytes { made in joined.withUnsafeBytes { deflater.member(of: $0, into: made) } }
        try made.withUnsafeBytes { made in
            try joined.withUnsafeBytes { try visit(UnsafeRawBufferPointer(rebasing: made[..<length]), $0) }
        }
    }
}

extension BlockLocation {
    func isSameMember(as other: BlockLocation) -> Bool { piece == other.piece && offset == other.offset }

    /// Whether it is a place in an archived file.
    var isArchived: Bool { piece >= OlderBlocks.firstPiece }
}

extension StoredDay {
    init(day: Int64, _ summaries: [UInt32: TenantSummary]) {
        self.init(
            day: day,
            tenants: summaries.filter { $0.value.events > 0 }.sorted { $0.key < $1.key }.map { number, tenant in
                StoredTenant(
                    number: number, name: tenant.name, events: tenant.events, lastSeq: tenant.lastSeq, lastPosition: tenant.lastPosition,
                    minTime: tenant.minTime, maxTime: tenant.maxTime)
            })
    }
}
