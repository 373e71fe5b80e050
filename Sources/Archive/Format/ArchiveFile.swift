/// Reads an archive through its index, in small ranges.
package final class ArchiveFile: Sendable {
    /// Kind, action and outcome of some events, under the number that ``rollups(hours:visit:)`` gives.
    package struct Combination: Sendable, Equatable {
        package var number: UInt32
        package var kind: String
        package var action: String
        package var outcome: String
    }

    package let source: any ByteSource

    /// Reads the trailer and what stands right before it. An index that is missing or damaged is made again by walking the
    /// whole file, which ``notes`` tells. Throws what `source` throws, and `ArchiveFormatError.damaged` when there is not
    /// one readable event.
    package static func open(_ source: any ByteSource) throws -> ArchiveFile { fatalError() }

    private init() { fatalError() }

    package var tenant: UInt32 { fatalError() }
    package var tenantName: String { fatalError() }
    /// Received-day, days since 1970.
    package var day: Int64 { fatalError() }
    package var events: Int { fatalError() }
    /// Of all lines.
    package var bytes: Int { fatalError() }
    package var firstSeq: UInt64 { fatalError() }
    package var lastSeq: UInt64 { fatalError() }
    package var minTime: Int64 { fatalError() }
    package var maxTime: Int64 { fatalError() }

    /// What is wrong with the file, in sentences; empty for a good one. May grow with what is read.
    package var notes: [String] { fatalError() }

    /// Ranges and bytes asked of the source so far.
    package var scanned: (reads: Int, bytes: Int) { fatalError() }

    /// Block n of ``candidates(_:)`` stands at index n - 1.
    package func blocks() throws -> [ArchiveBlock] { fatalError() }

    /// Numbers from 1 of the blocks that may hold a term of `range`, ascending for a range of one term; damaged ones
    /// always, so that no answer misses them silently.
    package func candidates(_ range: ClosedRange<UInt64>) throws -> [UInt32] { fatalError() }

    package func combinations() throws -> [Combination] { fatalError() }

    /// Visits counts by hour of event time (hours since 1970) and combination's number. A pair may come several times; its
    /// counts add up.
    package func rollups(hours: ClosedRange<Int64>, visit: (_ hour: Int64, _ combination: UInt32, _ count: UInt64) -> Void) throws {
        fatalError()
    }

    /// First two bytes of each line's leaf hash, big-endian, in order.
    package func lineChecks() throws -> [UInt16] { fatalError() }

    /// The gzip member of a block as it stands in the file, not verified.
    package func member(_ block: UInt32) throws -> [UInt8] { fatalError() }

    /// Lines of a block. Throws `ArchiveFormatError.damaged`.
    package func lines(_ block: UInt32) throws -> [UInt8] { fatalError() }
}
