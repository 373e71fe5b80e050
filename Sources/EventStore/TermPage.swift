/// Pages of a term run: sorted terms, each with its sorted blocks.
///
/// | bytes | holds |
/// |---|---|
/// | 1 | Rice parameter of the terms' distances |
/// | 1 | width of a block's number, counted from the page's base |
/// | 2 | number of terms |
/// | 4 | base: the smallest number of a block in the run |
/// | rest | bits: for each term but the first Rice(distance - 1); gamma(number of blocks); first block in full width; Rice(distance - 1) of the others |
///
/// The first term stands in the row's key. Most terms occur in one block only, and for those this comes within a bit
/// of the entropy; varints took a third more.
enum TermPage {
    static let headerBytes = 8
    /// With this many a row fills one page of 4,096 bytes in SQLite: 8 bytes page header, 2 cell pointer, up to 15 of
    /// row header and key (sqlite.org/fileformat2.html, section 2),
    /// 4 checksum.
    static let targetBytes = 4046
    /// Rice parameter of the distances between blocks of one term.
    @inline(__always)
    static func gapParameter(blockBits: Int, count: Int) -> Int {
        max(0, blockBits - (Int.bitWidth - count.leadingZeroBitCount))
    }
}

/// Writes the pages of one run, terms coming in order.
struct TermPageWriter {
    private(set) var pages: [(first: UInt64, body: [UInt8])] = []
    private(set) var termCount = 0

    private let base: UInt32
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
        blockBits = Self.width(UInt64(blocks.upperBound - blocks.lowerBound))
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
        if pageTerms > 0, pageTerms < Int(UInt16.max), (term >= Term.identities) == (last >= Term.identities) {
            let mark = bits.mark
            bits.rice(term - last - 1, parameter)
            encode(blocks)
            if bits.bitCount <= TermPage.targetBytes * 8 {
                last = term
                pageTerms += 1
                return
            }
            bits.cut(to: mark)
        }
        finishPage()
        startPage(term)
        encode(blocks)
        pageTerms = 1
        last = term
    }

    @inline(__always)
    private mutating func encode(_ blocks: UnsafeBufferPointer<UInt32>) {
        bits.gamma(UInt64(blocks.count))
        bits.write(UInt64(blocks[0] - base), blockBits)
        if blocks.count == 1 { return }
        let gap = TermPage.gapParameter(blockBits: blockBits, count: blocks.count)
        for index in 1..<blocks.count { bits.rice(UInt64(blocks[index] - blocks[index - 1] - 1), gap) }
    }

    private mutating func startPage(_ term: UInt64) {
        parameter = term >= Term.identities ? identityParameter : ordinaryParameter
        first = term
        bits.write(UInt64(parameter), 8)
        bits.write(UInt64(blockBits), 8)
        bits.write(0, 16)
        bits.write(UInt64(base), 32)
    }

    private mutating func finishPage() {
        if pageTerms == 0 { return }
        bits.finish()
        var body = bits.bytes
        body[2] = UInt8(truncatingIfNeeded: pageTerms)
        body[3] = UInt8(truncatingIfNeeded: pageTerms >> 8)
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
struct TermPageReader {
    private(set) var term: UInt64
    private(set) var blockCount = 0
    private var bits: BitReader
    private var left: Int
    private let parameter: Int
    private let blockBits: Int
    private let base: UInt32
    private var isFirst = true

    /// `nil` when this is no page.
    init?(first: UInt64, body: UnsafeRawBufferPointer) {
        guard body.count > TermPage.headerBytes, body[0] <= 48, body[1] <= 32 else { return nil }
        parameter = Int(body[0])
        blockBits = Int(body[1])
        left = Int(body[2]) | Int(body[3]) << 8
        base = UInt32(body[4]) | UInt32(body[5]) << 8 | UInt32(body[6]) << 16 | UInt32(body[7]) << 24
        bits = BitReader(UnsafeRawBufferPointer(rebasing: body[TermPage.headerBytes...]))
        term = first
    }

    /// Moves to the next term; its blocks must be read or skipped before the next call.
    @inline(__always)
    mutating func next() -> Bool {
        if left == 0 { return false }
        left -= 1
        if isFirst { isFirst = false } else { term = term &+ bits.rice(parameter) &+ 1 }
        blockCount = Int(min(bits.gamma(), 1 << 24))
        return true
    }

    @inline(__always)
    mutating func readBlocks(into list: inout [UInt32]) {
        var block = base &+ UInt32(truncatingIfNeeded: bits.read(blockBits))
        list.append(block)
        if blockCount == 1 { return }
        let gap = TermPage.gapParameter(blockBits: blockBits, count: blockCount)
        for _ in 1..<blockCount {
            block = block &+ UInt32(truncatingIfNeeded: bits.rice(gap)) &+ 1
            list.append(block)
        }
    }

    @inline(__always)
    mutating func skipBlocks() {
        _ = bits.read(blockBits)
        if blockCount == 1 { return }
        let gap = TermPage.gapParameter(blockBits: blockBits, count: blockCount)
        for _ in 1..<blockCount { _ = bits.rice(gap) }
    }
}
