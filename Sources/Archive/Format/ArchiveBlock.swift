/// A data member of an archive: some lines of one tenant in the order of `seq`.
package struct ArchiveBlock: Sendable, Equatable {
    package var firstSeq: UInt64
    package var lastSeq: UInt64
    /// 0 for a stretch of damaged bytes in a table that was made again without the index: nobody knows what it held, so it
    /// may hold anything, and reading it throws.
    package var events: Int
    /// Event times, milliseconds since 1970, both inclusive.
    package var minTime: Int64
    package var maxTime: Int64
    /// Global positions in the journal, both inclusive.
    package var firstPosition: UInt64
    package var lastPosition: UInt64
    /// Of the member in the file.
    package var offset: Int
    /// Bytes of the member in the file.
    package var length: Int
    /// Bytes of its lines, with their newlines.
    package var bytes: Int
}
