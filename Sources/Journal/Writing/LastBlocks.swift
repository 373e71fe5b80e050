import Glibc

/// The end of a file in whole blocks, for writes that pass by the page cache.
///
/// Such a write is given to the disk as it is; a cached one is first copied, marked, looked for again by fdatasync and only
/// then given: 15 of 95 µs of a small group. But it must be of whole blocks, so the committed bytes of the block that a
/// group begins in are kept here and written again with it, as the page cache would do.
final class LastBlocks {
    /// The largest block that disks want direct writes to be of.
    static let blockBytes = 4096

    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: ActiveSegment.smallGroupBytes + 2 * blockBytes, alignment: blockBytes)
    /// Where the buffer's first byte lies in the file: at a block.
    private var start = 0
    /// Bytes of the file in the buffer; `nil`: they are not known.
    private var filled: Int?

    deinit { buffer.deallocate() }

    /// Writes a group of at most ``ActiveSegment/smallGroupBytes`` to `offset`, where the file has zeros up to `end`.
    /// False, with nothing written that is not written again: the caller writes it through the page cache.
    func write(
        _ head: UnsafeRawBufferPointer, _ lines: UnsafeRawBufferPointer, to file: any JournalFile, at offset: Int, zeroedTo end: Int
    ) throws(FileFault) -> Bool {
        let before = offset % Self.blockBytes
        let size = before + head.count + lines.count
        let blocks = (size + Self.blockBytes - 1) / Self.blockBytes * Self.blockBytes
        guard blocks <= buffer.count, offset - before + blocks <= end else { return false }
        if filled == nil || start + filled! != offset { try read(file, upTo: offset) }
        let place = filled! - before
        move(place)
        (buffer.baseAddress! + before).copyMemory(from: head.baseAddress!, byteCount: head.count)
        if let first = lines.baseAddress { (buffer.baseAddress! + before + head.count).copyMemory(from: first, byteCount: lines.count) }
        UnsafeMutableRawBufferPointer(rebasing: buffer[size..<blocks]).initializeMemory(as: UInt8.self, repeating: 0)
        filled = nil
        do {
            guard try file.writeBlocks(UnsafeRawBufferPointer(rebasing: buffer[..<blocks]), at: start) else { return false }
        } catch {
            // The first block holds what other groups were acknowledged for.
            var fault = error
            fault.endangersCommitted = !fault.isDiskFull
            throw fault
        }
        filled = size
        return true
    }

    /// The file was changed by somebody else.
    func forget() { filled = nil }

    private func read(_ file: any JournalFile, upTo offset: Int) throws(FileFault) {
        let before = offset % Self.blockBytes
        start = offset - before
        let found = try file.readAll(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<before]), at: start)
        guard found == before else { throw FileFault(operation: "read", errno: EIO) }
        filled = before
    }

    /// The block at `place` becomes the first; what is before it is on disk.
    private func move(_ place: Int) {
        guard place > 0 else { return }
        let tail = UnsafeRawBufferPointer(rebasing: buffer[place..<filled!])
        buffer.copyMemory(from: tail)
        start += place
        filled = tail.count
    }
}
