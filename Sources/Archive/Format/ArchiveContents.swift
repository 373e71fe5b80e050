/// What a file that was just written holds: all that its manifest tells, except chain, tree and signature.
package struct ArchiveContents: Sendable, Equatable {
    package var tenant: UInt32
    package var tenantName: String
    /// Received-day, days since 1970.
    package var day: Int64
    package var events: Int
    /// Of all lines, with their newlines: what `zcat` gives.
    package var bytes: Int
    package var firstSeq: UInt64
    package var lastSeq: UInt64
    /// Milliseconds since 1970, as all times here, both inclusive.
    package var firstReceived: Int64
    package var lastReceived: Int64
    package var minTime: Int64
    package var maxTime: Int64
    /// Global positions in the journal.
    package var firstPosition: UInt64
    package var lastPosition: UInt64
    package var fileBytes: Int
    package var fileSHA256: Digest
    package var contentSHA256: Digest
    package var lineChecksSHA256: Digest
    package var blocks: [ArchiveBlock]
    /// One a block: the RFC 6962 root of the block's lines alone.
    package var blockHashes: [Digest]
    /// Events by `kind`.
    package var counts: [String: Int]
    /// Ranges of `seq` that are missing before or between the lines, ascending.
    package var gaps: [ClosedRange<UInt64>]
    /// Bytes of the index with its members and the trailer, part of `fileBytes`.
    package var indexBytes: Int
}
