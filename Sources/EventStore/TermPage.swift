/// Pages of a term run: sorted terms, each with its sorted blocks.
///
/// | bytes | holds |
/// |---|---|
/// | 1 | Rice parameter of the terms' distances; 128 more where these are identities |
/// | 3 | number of terms; of identities, of pairs of a term and a block |
/// | 4 | base: the smallest number of a block in the run |
/// | 4 | blocks of the run |
/// | rest | bits: for each term but the first Rice(distance - 1); gamma(number of blocks); first block; Rice(distance - 1) of the others |
///
/// The first term stands in the row's key. A first block is counted from the base, in truncated binary code. Most terms
/// occur in one block only, and for those this comes within a bit of the entropy; varints took a third more.
///
/// Identities nearly always have one block, so that even the one bit which says so is worth saving: each pair is
/// Rice(distance) and the block, and a distance of 0 says that the term before has another block.
enum TermPage {
    static let headerBytes = 12
    static let identityMark: UInt64 = 128
    static let largestCount = (1 << 24) - 1
    /// With this many a row fills one page of 4,096 bytes in SQLite: 8 bytes page header, 2 cell pointer, up to 15 of
    /// row header and key (sqlite.org/fileformat2.html, section 2),
    /// 4 checksum.
    static let targetBytes = 4046
    /// Rice parameter of the distances between blocks of one term.
    @inline(__always)
    static func gapParameter(blockBits: Int, count: Int) -> Int {
        max(0, blockBits - (Int.bitWidth - count.leadingZeroBitCount))
    }

    /// Bits of the largest of `count` numbers from 0 on.
    @inline(__always)
    static func width(_ count: UInt32) -> Int { 32 - (count - 1).leadingZeroBitCount }
}

/// Writes the pages of one run, terms coming in order.
struct TermPageWriter {
    private(set) var pages: [(first: UInt64, body: [UInt8])] = []
    private(set) var termCount = 0

    private let base: UInt32
    private let blockCount: UInt32
    private let blockBits: Int
    private let ordinaryParameter: Int
    private let identityParameter: Int
    private var bits = BitWriter()
    private var first: UInt64 = 0
    private var last: UInt64 = 0
    private var pageTerms = 0
    private var parameter = 0

    /// `ordinary` and `identities`: about how many terms of each sort will come.
    init(blocks: ClosedRange<UInt32>, ordinary: Int, identities: Int) {
        base = blocks.lowerBound
        blockCount = blocks.upperBound - blocks.lowerBound + 1
        blockBits = TermPage.width(blockCount)
        ordinaryParameter = Self.parameter(Term.ordinaryBits, ordinary)
        identityParameter = Self.parameter(Term.identityBits, identities)
    }

    private static func width(_ value: UInt64) -> Int { 64 - value.leadingZeroBitCount }

    /// For a mean distance of 2^bits / count; Golomb's rule takes 0.69 of the mean.
    private static func parameter(_ bits: Int, _ count: Int) -> Int {
        let mean = (1 << UInt64(bits)) / UInt64(max(1, count))
        return max(0, width(mean * 69 / 100) - 1)
    }

    mutating func add(_ term: UInt64, _ blocks: UnsafeBufferPointer<UInt32>) {
        termCount += 1
        if pageTerms > 0, (term >= Term.identities) == (last >= Term.identities) {
            let mark = bits.mark
            bits.rice(term - last - (term >= Term.identities ? 0 : 1), parameter)
            let entries = encode(term, blocks)
            if bits.bitCount <= TermPage.targetBytes * 8, pageTerms + entries <= TermPage.largestCount {
                last = term
                pageTerms += entries
                return
            }
            bits.cut(to: mark)
        }
        finishPage()
        startPage(term)
        pageTerms = encode(term, blocks)
        last = term
    }

    /// Returns how many entries of the page it is.
    @inline(__always)
    private mutating func encode(_ term: UInt64, _ blocks: UnsafeBufferPointer<UInt32>) -> Int {
        if term >= Term.identities {
            bits.truncated(blocks[0] - base, of: blockCount, blockBits)
            for block in blocks.dropFirst() {
                bits.rice(0, parameter)
                bits.truncated(block - base, of: blockCount, blockBits)
            }
            return blocks.count
        }
        encode(blocks)
        return 1
    }

    @inline(__always)
    private mutating func encode(_ blocks: UnsafeBufferPointer<UInt32>) {
        bits.gamma(UInt64(blocks.count))
        bits.truncated(blocks[0] - base, of: blockCount, blockBits)
        if blocks.count == 1 { return }
        let gap = TermPage.gapParameter(blockBits: blockBits, count: blocks.count)
        for index in 1..<blocks.count { bits.rice(UInt64(blocks[index] - blocks[index - 1] - 1), gap) }
    }

    private mutating func startPage(_ term: UInt64) {
        parameter = term >= Term.identities ? identityParameter : ordinaryParameter
        first = term
        bits.write(UInt64(parameter) | (term >= Term.identities ? TermPage.identityMark : 0), 8)
        bits.write(0, 24)
        bits.write(UInt64(base), 32)
        bits.write(UInt64(blockCount), 32)
    }

    private mutating func finishPage() {
        if pageTerms == 0 { return }
        bits.finish()
        var body = bits.bytes
        for byte in 0..<3 { body[1 + byte] = UInt8(truncatingIfNeeded: pageTerms >> (byte * 8)) }
        pages.append((first, body))
        bits.removeAll()
        pageTerms = 0
    }

    mutating func finish() { finishPage() }

    /// Hands over the pages that are complete.
    mutating func takePages() -> [(first: UInt64, body: [UInt8])] {
        defer { pages.removeAll(keepingCapacity: true) }
        return pages
    }
}

/// Reads one page, term by term. `body` must outlive it.
package struct TermPageReader {
    package private(set) var term: UInt64
    private var bits: BitReader
    /// Entries not read yet.
    private var left: Int
    private let parameter: Int
    private let runBlocks: UInt32
    private let blockBits: Int
    private let base: UInt32
    private let areIdentities: Bool
    /// Of the term that comes next, from the one before.
    private var distance: UInt64 = 0
    private var blockCount = 0

    /// `nil` when this is no page.
    package init?(first: UInt64, body: UnsafeRawBufferPointer) {
        guard body.count >= TermPage.headerBytes, body[0] & 127 <= 48 else { return nil }
        parameter = Int(body[0] & 127)
        areIdentities = body[0] >= 128
        left = Int(body[1]) | Int(body[2]) << 8 | Int(body[3]) << 16
        base = UInt32(littleEndian: body.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        runBlocks = UInt32(littleEndian: body.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        guard left > 0, runBlocks > 0 else { return nil }
        blockBits = TermPage.width(runBlocks)
        bits = BitReader(UnsafeRawBufferPointer(rebasing: body[TermPage.headerBytes...]))
        term = first
    }

    /// Moves to the next term; its blocks must be read or skipped before the next call.
    @inline(__always)
    package mutating func next() -> Bool {
        if left == 0 { return false }
        left -= 1
        term = term &+ distance
        if !areIdentities { blockCount = Int(min(bits.gamma(), 1 << 24)) }
        return true
    }

    @inline(__always)
    package mutating func readBlocks(into list: inout [UInt32]) { takeBlocks { list.append($0) } }

    @inline(__always)
    package mutating func skipBlocks() { takeBlocks { _ in } }

    @inline(__always)
    private mutating func takeBlocks(_ take: (UInt32) -> Void) {
        var block = base &+ bits.truncated(of: runBlocks, blockBits)
        take(block)
        if areIdentities {
            while left > 0 {
                distance = bits.rice(parameter)
                if distance > 0 { return }
                left -= 1
                take(base &+ bits.truncated(of: runBlocks, blockBits))
            }
            return
        }
        if blockCount > 1 {
            let gap = TermPage.gapParameter(blockBits: blockBits, count: blockCount)
            for _ in 1..<blockCount {
                block = block &+ UInt32(truncatingIfNeeded: bits.rice(gap)) &+ 1
                take(block)
            }
        }
        if left > 0 { distance = bits.rice(parameter) &+ 1 }
    }
}
