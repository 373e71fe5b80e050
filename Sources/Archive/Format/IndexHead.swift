/// The head section: whose day the file is, what it holds in all, and where its runs are.
struct IndexHead: Equatable {
    /// Index of some neighbouring blocks. A day is cut into several so that writing it takes bounded memory.
    struct Run: Equatable {
        /// Numbers from 1.
        var blocks: ClosedRange<UInt32>
        var events: Int
        /// Different identities among its terms.
        var identities: Int
        /// In the index; term pages, rollup pages and line checks follow each other.
        var offset: Int
        var termBytes: Int
        var termPages: Int
        var rollupBytes: Int
        var rollupPages: Int
        /// CRC-32C of the line checks.
        var checksChecksum: UInt32

        var rollupOffset: Int { offset + termBytes }
        var checksRange: Range<Int> { rollupOffset + rollupBytes..<rollupOffset + rollupBytes + 2 * events }
    }

    var tenant: UInt32
    var tenantName: String
    var day: Int64
    var events = 0
    var bytes = 0
    var firstSeq: UInt64 = 0
    var lastSeq: UInt64 = 0
    var minTime: Int64 = .max
    var maxTime: Int64 = .min
    var runs: [Run] = []
    var combinations: [ArchiveFile.Combination] = []

    init(tenant: UInt32, tenantName: String, day: Int64) {
        self.tenant = tenant
        self.tenantName = tenantName
        self.day = day
    }

    func encoded() -> [UInt8] {
        var writer = SectionWriter()
        writer.varint(UInt64(tenant))
        writer.text(tenantName)
        writer.signed(day)
        writer.varint(events)
        writer.varint(bytes)
        writer.varint(firstSeq)
        writer.varint(lastSeq)
        writer.signed(minTime)
        writer.signed(maxTime)
        writer.varint(runs.count)
        for run in runs {
            writer.varint(run.blocks.count)
            for number in [run.events, run.identities, run.termBytes, run.termPages, run.rollupBytes, run.rollupPages] {
                writer.varint(number)
            }
            writer.fixed(run.checksChecksum)
        }
        writer.varint(combinations.count)
        for combination in combinations {
            writer.varint(UInt64(combination.number))
            for text in [combination.kind, combination.action, combination.outcome] { writer.text(text) }
        }
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(IndexDamage) {
        var reader = SectionReader(bytes)
        tenant = UInt32(truncatingIfNeeded: try reader.varint())
        tenantName = try reader.text()
        day = try reader.signed()
        events = try reader.count()
        self.bytes = try reader.count()
        firstSeq = try reader.varint()
        lastSeq = try reader.varint()
        minTime = try reader.signed()
        maxTime = try reader.signed()
        var offset = 0
        var first: UInt32 = 1
        for _ in 0..<(try reader.count()) {
            let blocks = UInt32(truncatingIfNeeded: try reader.count())
            guard blocks > 0, first.addingReportingOverflow(blocks).overflow == false else { throw IndexDamage("a run has no blocks") }
            var run = Run(
                blocks: first...first + blocks - 1, events: try reader.count(), identities: try reader.count(), offset: offset,
                termBytes: try reader.count(), termPages: try reader.count(), rollupBytes: try reader.count(),
                rollupPages: try reader.count(), checksChecksum: 0)
            run.checksChecksum = try reader.fixed(UInt32.self)
            runs.append(run)
            offset = run.checksRange.upperBound
            first += blocks
        }
        for _ in 0..<(try reader.count()) {
            let number = UInt32(truncatingIfNeeded: try reader.varint())
            combinations.append(
                ArchiveFile.Combination(number: number, kind: try reader.text(), action: try reader.text(), outcome: try reader.text()))
        }
        guard reader.isAtEnd else { throw IndexDamage("the head goes on behind its end") }
    }
}
