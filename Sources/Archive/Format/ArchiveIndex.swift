import EventModel
import EventStore
import Synchronization

/// Answers from an index: from that of a file, or from one that was made again. Its tables are read when they are first
/// needed and kept. Whatever fails its checksum throws ``IndexDamage``.
final class ArchiveIndex: Sendable {
    let head: IndexHead
    let trailer: ArchiveTrailer
    let index: any ByteSource
    /// Numbers of blocks that nobody could read when the index was made, ascending: they may hold anything.
    let unreadable: [UInt32]
    private let tables: Mutex<Tables>

    private struct Tables {
        var blocks: [ArchiveBlock]?
        var directory: [RunDirectory]?
    }

    private struct RunDirectory {
        var terms: PageDirectory
        var rollups: PageDirectory
    }

    init(_ trailer: ArchiveTrailer, _ index: any ByteSource) throws {
        self.trailer = trailer
        self.index = index
        unreadable = []
        tables = Mutex(Tables())
        head = try IndexHead(try Self.section(trailer.head, of: index))
        guard head.runs.last.map({ $0.checksRange.upperBound <= trailer.directory.offset }) ?? true else {
            throw IndexDamage("the runs reach beyond the index")
        }
    }

    /// One that was made again.
    init(_ finished: IndexBuilder.Finished, blocks: [ArchiveBlock], unreadable: [UInt32]) {
        trailer = finished.trailer
        index = finished.index
        head = finished.head
        self.unreadable = unreadable
        tables = Mutex(Tables(blocks: blocks))
    }

    private static func section(_ section: ArchiveTrailer.Section, of index: any ByteSource) throws -> [UInt8] {
        let bytes = try index.read(section.range)
        guard crc32c(bytes) == section.checksum else { throw IndexDamage("a section's checksum does not match") }
        return bytes
    }

    func blocks() throws -> [ArchiveBlock] {
        if let blocks = tables.withLock({ $0.blocks }) { return blocks }
        let blocks = try BlockTable.decoded(try Self.section(trailer.blocks, of: index))
        guard (blocks.last.map { $0.offset + $0.length } ?? 0) == trailer.dataLength,
            blocks.count == Int(head.runs.last?.blocks.upperBound ?? 0)
        else { throw IndexDamage("the table of blocks belongs to other data") }
        tables.withLock { $0.blocks = blocks }
        return blocks
    }

    private func directory() throws -> [RunDirectory] {
        if let directory = tables.withLock({ $0.directory }) { return directory }
        let bytes = try Self.section(trailer.directory, of: index)
        var at = 0
        var list: [RunDirectory] = []
        func take(_ pages: Int) throws -> PageDirectory {
            let length = pages * PageDirectory.entryBytes
            guard length <= bytes.count - at else { throw IndexDamage("the directory of pages is too short") }
            defer { at += length }
            return PageDirectory(entries: bytes[at..<at + length])
        }
        for run in head.runs { list.append(RunDirectory(terms: try take(run.termPages), rollups: try take(run.rollupPages))) }
        let directory = list
        tables.withLock { $0.directory = directory }
        return directory
    }

    func candidates(_ range: ClosedRange<UInt64>) throws -> [UInt32] {
        // Numbers mean nothing without the table, and it must not turn out to be damaged after they were given out.
        _ = try blocks()
        var found: [UInt32] = []
        for (run, directory) in zip(head.runs, try directory()) {
            if range.lowerBound >= Term.identities, run.identities == 0 { continue }
            for page in directory.terms.pages(range) {
                try visit(directory.terms, page, run.offset, run.termBytes) { body in
                    guard var reader = TermPageReader(first: directory.terms.first(page), body: body) else { return }
                    while reader.next(), reader.term <= range.upperBound {
                        if reader.term >= range.lowerBound { reader.readBlocks(into: &found) } else { reader.skipBlocks() }
                    }
                }
            }
        }
        if unreadable.isEmpty, range.lowerBound == range.upperBound { return found }
        found = Set(found).union(unreadable).sorted()
        return found
    }

    /// Has fetched the pages that ``candidates(_:)`` would read.
    func prepare(_ range: ClosedRange<UInt64>) throws {
        for (run, directory) in zip(head.runs, try directory()) {
            if range.lowerBound >= Term.identities, run.identities == 0 { continue }
            for page in directory.terms.pages(range).prefix(Self.preparedPages) {
                let place = try directory.terms.range(page)
                guard place.upperBound <= run.termBytes else { throw IndexDamage("a page lies behind its run") }
                index.prepare(place.lowerBound + run.offset..<place.upperBound + run.offset)
            }
        }
    }

    /// A term has one, the identities of an `original_id` one or two.
    private static let preparedPages = 2

    /// A row a call, of the hours asked for alone.
    func rollups(hours: ClosedRange<Int64>, visit take: (Int64, UInt32, UInt64) -> Void) throws {
        let first = Timestamp.earliest / 3_600_000
        let low = max(hours.lowerBound, first)
        let high = min(hours.upperBound, first + (1 << 27) - 1)
        if low > high { return }
        let keys =
            RollupKey.pageKey(
                RollupKey.make(tenant: head.tenant, hour: low, combination: 0))...RollupKey
            .pageKey(RollupKey.make(tenant: head.tenant, hour: high, combination: 0))
        for (run, directory) in zip(head.runs, try directory()) {
            for page in directory.rollups.pages(keys) {
                try visit(directory.rollups, page, run.rollupOffset, run.rollupBytes) { body in
                    RollupPage.read(first: directory.rollups.first(page), body: body) { key, count in
                        let hour = RollupKey.hour(key)
                        if hour >= low, hour <= high { take(hour, RollupKey.combination(key), count) }
                    }
                }
            }
        }
    }

    private func visit(_ directory: PageDirectory, _ page: Int, _ offset: Int, _ bytes: Int, _ body: (UnsafeRawBufferPointer) -> Void)
        throws
    {
        let place = try directory.range(page)
        guard place.upperBound <= bytes else { throw IndexDamage("a page lies behind its run") }
        try IndexPage.check(try index.read(place.lowerBound + offset..<place.upperBound + offset)[...], body)
    }

    func lineChecks() throws -> [UInt16] {
        var checks: [UInt16] = []
        checks.reserveCapacity(head.events)
        for run in head.runs {
            let bytes = try index.read(run.checksRange)
            guard crc32c(bytes) == run.checksChecksum else { throw IndexDamage("the line checks' checksum does not match") }
            for line in 0..<run.events { checks.append(UInt16(bytes[2 * line]) << 8 | UInt16(bytes[2 * line + 1])) }
        }
        return checks
    }
}
