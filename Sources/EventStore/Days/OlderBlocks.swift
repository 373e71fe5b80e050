import Synchronization

/// One block of a file: a gzip member of its own.
package struct OlderBlock: Sendable {
    package var events: Int
    /// Event times, milliseconds since 1970, both inclusive.
    package var minTime: Int64
    package var maxTime: Int64
    package var firstPosition: UInt64
    package var lastPosition: UInt64
    /// Of the member in the file.
    package var offset: Int
    package var length: Int
    /// What the member inflates to.
    package var bytes: Int

    package init(
        events: Int, minTime: Int64, maxTime: Int64, firstPosition: UInt64, lastPosition: UInt64, offset: Int, length: Int, bytes: Int
    ) {
        self.events = events
        self.minTime = minTime
        self.maxTime = maxTime
        self.firstPosition = firstPosition
        self.lastPosition = lastPosition
        self.offset = offset
        self.length = length
        self.bytes = bytes
    }
}

/// The blocks of one file as a lookup uses them, made once when the file is opened.
package struct OlderBlocks: Sendable {
    let directory: BlockDirectory

    /// Keys of the cache of inflated members, never given twice: a file that is opened again may be another one.
    private static let opened = Atomic<UInt32>(0)
    /// The store's own pieces have smaller numbers.
    static let firstPiece: UInt32 = 1 << 31

    /// `blocks`: in the order of `seq`; the first is number 1. One of 0 events is a stretch of the file of which nobody
    /// knows what it held: every lookup finds it, and is told that it is damaged.
    package init(tenant: UInt32, source: any MemberSource, blocks: [OlderBlock]) {
        var directory = BlockDirectory()
        let piece = Self.firstPiece | Self.opened.add(1, ordering: .relaxed).oldValue
        directory.add(source, piece: piece)
        for block in blocks {
            directory.append(
                BlockEntry(
                    tenant: tenant, count: UInt32(clamping: block.events), minTime: block.minTime, maxTime: block.maxTime,
                    location: BlockLocation(
                        piece: piece, length: block.events == 0 ? 0 : UInt32(clamping: block.length), offset: UInt64(block.offset),
                        memberBytes: UInt32(clamping: block.bytes), start: 0),
                    bytes: UInt32(clamping: block.bytes), firstPosition: block.firstPosition, lastPosition: block.lastPosition))
        }
        self.directory = directory
    }
}
