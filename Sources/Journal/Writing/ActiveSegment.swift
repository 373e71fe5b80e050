import SystemPackage

/// The file that groups are appended to, with zeros written ahead of them.
///
/// On a growing file fdatasync must also commit the new length and the new blocks in the file system's own journal, which
/// is half of what a small sync costs. So a small group that reaches the end of the file takes zeros along in its own sync,
/// and the groups after it overwrite blocks that are on disk already: on ext4 a group of 800 bytes is then synced in 0.12
/// instead of 0.17 ms, one of 8 kB in 0.11 instead of 0.22. Reserving blocks with fallocate(2) does as well within a block
/// of 4 KiB, but each first write to one is a commit again: 0.22 ms for 8 kB. Large groups gain nothing and would write
/// everything twice; they grow the file.
///
/// Zeros where a frame should begin are the end of the log, so they need no cutting off to be right; they are cut off when
/// the segment is left, to give the space back.
struct ActiveSegment {
    let path: FilePath
    private let file: any JournalFile
    /// Where the next group goes: everything before it is synced.
    private(set) var committedBytes: Int
    /// Up to here zeros were wanted; before it, trying again is not worth it.
    private var zeroedBytes: Int
    /// Up to here there are zeros.
    private var zerosEnd: Int
    private let limit: Int

    /// Every 300th single event carries them and is acknowledged some 0.2 ms later. 1 MiB takes more than a millisecond to
    /// sync, 64 KiB lasts for eight groups of 8 kB only.
    static let zeroStep = 256 << 10
    /// About ten events. What is written over zeros is written twice; up to here, where the bytes of a group hardly count,
    /// that buys half of its sync.
    static let smallGroupBytes = zeroStep / 32
    private static let zeros = [UInt8](repeating: 0, count: zeroStep)
    private let lastBlocks = LastBlocks()

    /// `limit`: bytes beyond which no group is appended.
    init(_ file: any JournalFile, path: FilePath, committedBytes: Int, limit: Int) {
        self.file = file
        self.path = path
        self.committedBytes = committedBytes
        self.limit = limit
        zeroedBytes = committedBytes
        zerosEnd = committedBytes
    }

    /// Not committed before `sync` and `extend`.
    mutating func write(_ head: UnsafeRawBufferPointer, _ lines: UnsafeRawBufferPointer) throws(FileFault) {
        let size = head.count + lines.count
        let isSmall = size <= Self.smallGroupBytes
        if isSmall, try lastBlocks.write(head, lines, to: file, at: committedBytes, zeroedTo: zerosEnd) { return }
        try file.writeAll(head, lines, at: committedBytes)
        if isSmall, committedBytes + size > zeroedBytes { writeZeros(from: committedBytes + size) }
    }

    /// As far as there is room: on a disk that is nearly full the file just grows, and it is left at that for a while.
    private mutating func writeZeros(from end: Int) {
        zeroedBytes = min((end + Self.zeroStep) & ~0xFFF, limit)
        guard zeroedBytes > end else { return }
        Self.zeros.withUnsafeBytes { zeros in
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            zerosEnd = end + ((try? file.write(UnsafeRawBufferPointer(rebasing: zeros[..<(zeroedBytes - end)]), none, at: end)) ?? 0)
        }
    }

    func sync() throws(FileFault) { try file.sync() }

    /// The group written last is synced.
    mutating func extend(by bytes: Int) { committedBytes += bytes }

    /// No group is appended any more: gives back the zeros' space, and the memory of the page cache. What is kept of the
    /// journal is read after a crash only, and would push out what lookups read; and pages that are used again at once cost
    /// half of fresh ones.
    mutating func leave() {
        if zeroedBytes > committedBytes { cut() }
        file.leaveCache()
    }

    /// Takes off what is not committed: zeros, and the remains of a group that failed. Nothing depends on its success but
    /// that half a group does not look like damage later.
    mutating func cut() {
        try? file.truncate(to: committedBytes)
        zeroedBytes = committedBytes
        zerosEnd = committedBytes
        lastBlocks.forget()
    }
}
