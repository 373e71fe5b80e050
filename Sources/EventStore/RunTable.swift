import CChecksum
import Foundation
import GRDB

/// One term run with its rollups: pages of both carry its number in their row keys.
struct Run: Sendable, Equatable {
    var number: Int64
    /// How often it was merged; below 0 while it is still being written.
    var level: Int
    var blocks: ClosedRange<UInt32>
    var ordinary: Int
    var identities: Int
}

/// The rows of runs and their pages. A page's row key is the run's number and the page's first key, so that a lookup is
/// one seek in a B-tree whose leaves are the pages themselves.
enum RunTable {
    static let termBits: Int64 = 42
    static let rollupBits: Int64 = 46
    /// Row keys are signed 64-bit numbers.
    static let largestNumber: Int64 = (1 << 17) - 1

    /// Complete runs in the order of their blocks.
    static func runs(_ database: Database) throws -> [Run] {
        try database.cachedStatement(
            sql: "SELECT id, level, first_block, last_block, ordinary, identities FROM run WHERE level >= 0 ORDER BY first_block"
        ).fetchRuns()
    }

    static func all(_ database: Database) throws -> [Run] {
        try database.cachedStatement(sql: "SELECT id, level, first_block, last_block, ordinary, identities FROM run ORDER BY first_block")
            .fetchRuns()
    }

    /// The smallest number no run has; numbers are used again.
    static func freeNumber(_ database: Database) throws -> Int64 {
        let taken = Set(try all(database).map(\.number))
        guard let free = (0...largestNumber).first(where: { !taken.contains($0) }) else {
            preconditionFailure("runs are merged long before")
        }
        return free
    }

    static func insert(_ run: Run, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?)").execute(
            arguments: [run.number, run.level, Int64(run.blocks.lowerBound), Int64(run.blocks.upperBound), run.ordinary, run.identities])
    }

    static func insertTermPages(_ pages: [(first: UInt64, body: [UInt8])], run: Int64, _ database: Database) throws {
        try insert(pages, into: "term_page", base: run << termBits, database)
    }

    static func insertRollupPages(_ pages: [(first: UInt64, body: [UInt8])], run: Int64, _ database: Database) throws {
        try insert(pages, into: "rollup_page", base: run << rollupBits, database)
    }

    private static func insert(_ pages: [(first: UInt64, body: [UInt8])], into table: String, base: Int64, _ database: Database) throws {
        let statement = try database.cachedStatement(sql: "INSERT INTO \(table) VALUES (?, ?)")
        for page in pages {
            var body = Data(page.body)
            let checksum = page.body.withUnsafeBytes { cchecksum_crc32c(0, $0.baseAddress, $0.count) }
            withUnsafeBytes(of: checksum.littleEndian) { body.append(contentsOf: $0) }
            try statement.execute(arguments: [base | Int64(page.first), body])
        }
    }

    /// The page without the CRC-32C behind it. SQLite has none of its own, and a flipped bit in a page would be a wrong
    /// answer that nobody notices.
    static func checked(_ stored: UnsafeRawBufferPointer, _ id: Int64) throws -> UnsafeRawBufferPointer {
        let count = stored.count - checksumBytes
        guard count > 0,
            UInt32(littleEndian: stored.loadUnaligned(fromByteOffset: count, as: UInt32.self))
                == cchecksum_crc32c(0, stored.baseAddress, count)
        else { throw StoreError.unreadable(path: "page \(id)", reason: "its checksum does not match") }
        return UnsafeRawBufferPointer(rebasing: stored[..<count])
    }

    static let checksumBytes = 4

    /// Removes the run and its pages.
    static func delete(_ run: Int64, _ database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM term_page WHERE id BETWEEN ? AND ?").execute(
            arguments: [run << termBits, run << termBits | ((1 << termBits) - 1)])
        try database.cachedStatement(sql: "DELETE FROM rollup_page WHERE id BETWEEN ? AND ?").execute(
            arguments: [run << rollupBits, run << rollupBits | ((1 << rollupBits) - 1)])
        try database.cachedStatement(sql: "DELETE FROM run WHERE id = ?").execute(arguments: [run])
    }

    /// Appends to `found` the blocks of every term of `range`, run by run; counts the seeks.
    static func lookup(_ range: ClosedRange<UInt64>, runs: [Run], _ database: Database, into found: inout [UInt32], seeks: inout Int) throws
    {
        // The page that the range starts in is the last one that starts at or before it. A single term never goes on in
        // the next page.
        let isOne = range.lowerBound == range.upperBound
        let statement = try database.cachedStatement(
            sql: isOne
                ? "SELECT id, body FROM term_page WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1"
                : "SELECT id, body FROM term_page WHERE id >= ifnull((SELECT max(id) FROM term_page WHERE id BETWEEN ? AND ?), ?) AND id <= ? ORDER BY id"
        )
        for run in runs {
            if range.lowerBound >= Term.identities, run.identities == 0 { continue }
            let base = run.number << termBits
            let low = base | Int64(range.lowerBound)
            let high = base | Int64(range.upperBound)
            seeks += 1
            let rows = try Row.fetchCursor(statement, arguments: isOne ? [base, low] : [base, low, low, high])
            while let row = try rows.next() {
                let first = UInt64(bitPattern: row[0] as Int64) & ((1 << UInt64(termBits)) - 1)
                try row.withUnsafeData(atIndex: 1) { body in
                    try body?.withUnsafeBytes { scan(first: first, body: try checked($0, row[0]), range, &found) }
                }
            }
        }
    }

    static func forEachIdentity(_ run: Run, _ database: Database, _ visit: (UInt64) -> Void) throws {
        let base = run.number << termBits
        let rows = try Row.fetchCursor(
            try database.cachedStatement(sql: "SELECT id, body FROM term_page WHERE id BETWEEN ? AND ? ORDER BY id"),
            arguments: [base | Int64(Term.identities), base | ((1 << termBits) - 1)])
        while let row = try rows.next() {
            let first = UInt64(bitPattern: row[0] as Int64) & ((1 << UInt64(termBits)) - 1)
            try row.withUnsafeData(atIndex: 1) { body in
                try body?.withUnsafeBytes { body in
                    guard var reader = TermPageReader(first: first, body: try checked(body, row[0])) else { return }
                    while reader.next() {
                        visit(reader.term)
                        reader.skipBlocks()
                    }
                }
            }
        }
    }

    /// Visits rollup rows of the pages that may hold keys of `range` (tenant and hour); some rows lie outside of it.
    static func rollups(_ range: ClosedRange<UInt64>, run: Int64, _ database: Database, _ visit: (_ key: UInt64, _ count: UInt64) -> Void)
        throws
    {
        let base = run << rollupBits
        let low = base | Int64(range.lowerBound)
        let rows = try Row.fetchCursor(
            try database.cachedStatement(
                sql:
                    "SELECT id, body FROM rollup_page WHERE id >= ifnull((SELECT max(id) FROM rollup_page WHERE id BETWEEN ? AND ?), ?) AND id <= ? ORDER BY id"
            ),
            arguments: [base, low, low, base | Int64(range.upperBound)])
        while let row = try rows.next() {
            let first = UInt64(bitPattern: row[0] as Int64) & ((1 << UInt64(rollupBits)) - 1)
            try row.withUnsafeData(atIndex: 1) { body in
                try body?.withUnsafeBytes { RollupPage.read(first: first, body: try checked($0, row[0]), visit) }
            }
        }
    }

    private static func scan(first: UInt64, body: UnsafeRawBufferPointer, _ range: ClosedRange<UInt64>, _ found: inout [UInt32]) {
        guard var reader = TermPageReader(first: first, body: body) else { return }
        while reader.next() {
            if reader.term > range.upperBound { return }
            if reader.term >= range.lowerBound { reader.readBlocks(into: &found) } else { reader.skipBlocks() }
        }
    }
}

extension Statement {
    fileprivate func fetchRuns() throws -> [Run] {
        try Row.fetchAll(self).map { row in
            let first = UInt32(truncatingIfNeeded: row[2] as Int64)
            let last = UInt32(truncatingIfNeeded: row[3] as Int64)
            return Run(number: row[0], level: row[1], blocks: first...max(first, last), ordinary: row[4], identities: row[5])
        }
    }
}
