/// Where the pages of one run are: for each its first key (48 bits) and where it ends (32 bits, from the run's first page),
/// ten bytes a page, searched as they are.
struct PageDirectory {
    static let entryBytes = 10

    let entries: ArraySlice<UInt8>

    var count: Int { entries.count / Self.entryBytes }

    static func append(_ pages: [(first: UInt64, body: [UInt8])], to directory: inout SectionWriter) {
        var end = 0
        for page in pages {
            end += page.body.count + IndexPage.checksumBytes
            directory.fixed(UInt32(truncatingIfNeeded: page.first))
            directory.fixed(UInt16(truncatingIfNeeded: page.first >> 32))
            directory.fixed(UInt32(end))
        }
    }

    func first(_ page: Int) -> UInt64 { number(page * Self.entryBytes, 6) }

    /// From the run's first page.
    func range(_ page: Int) throws(IndexDamage) -> Range<Int> {
        let begin = page == 0 ? 0 : Int(number((page - 1) * Self.entryBytes + 6, 4))
        let end = Int(number(page * Self.entryBytes + 6, 4))
        guard begin < end else { throw IndexDamage("the directory's pages are not in order") }
        return begin..<end
    }

    /// The pages that may hold keys of `range`: from the last that begins at or before it on. A key never goes on in the next
    /// page.
    func pages(_ range: ClosedRange<UInt64>) -> Range<Int> {
        let begin = firstPage(above: range.lowerBound)
        return max(0, begin - 1)..<firstPage(above: range.upperBound)
    }

    private func firstPage(above key: UInt64) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if first(middle) <= key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func number(_ offset: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(entries[entries.startIndex + offset + index]) }
        return value
    }
}

/// A page as it stands in the index: what EventStore's pages hold, then their CRC-32C.
enum IndexPage {
    static let checksumBytes = 4

    static func append(_ pages: [(first: UInt64, body: [UInt8])], to stream: inout IndexStream) throws -> Int {
        let begin = stream.count
        for page in pages {
            var writer = SectionWriter()
            writer.fixed(crc32c(page.body))
            try stream.append(page.body + writer.bytes)
        }
        return stream.count - begin
    }

    /// Calls `visit` with the page without its checksum.
    static func check(_ stored: ArraySlice<UInt8>, _ visit: (UnsafeRawBufferPointer) -> Void) throws(IndexDamage) {
        let isGood = stored.withUnsafeBytes { stored in
            let count = stored.count - checksumBytes
            guard count > 0 else { return false }
            let body = UnsafeRawBufferPointer(rebasing: stored[..<count])
            guard crc32c(body) == UInt32(littleEndian: stored.loadUnaligned(fromByteOffset: count, as: UInt32.self)) else { return false }
            visit(body)
            return true
        }
        guard isGood else { throw IndexDamage("a page's checksum does not match") }
    }
}
