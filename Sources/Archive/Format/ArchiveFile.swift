import EventStore
import Synchronization

/// Reads an archive through its index, in small ranges: opening costs one read of ``readAhead`` bytes, which for most
/// files holds the whole index; a term then costs one page a run, and an event one block.
///
/// Everything that is read is checked. An index that fails is made again by walking the file, once, and what nobody can
/// read any more becomes a block that every lookup finds and none can read, so that damage is never a silent hole in an
/// answer.
package final class ArchiveFile: Sendable {
    /// Kind, action and outcome of some events, under the number that ``rollups(hours:visit:)`` gives.
    package struct Combination: Sendable, Equatable {
        package var number: UInt32
        package var kind: String
        package var action: String
        package var outcome: String
    }

    private struct State {
        var index: ArchiveIndex
        var notes: [String] = []
        var isRebuilt = false

        init(_ index: ArchiveIndex) { self.index = index }

        init(_ rebuilt: IndexRebuild.Result, _ damage: IndexDamage) {
            index = rebuilt.index
            notes = ["the index was made again: \(damage.reason)"] + rebuilt.notes
            isRebuilt = true
        }
    }

    private let counted: CountedSource
    private let trailer: ArchiveTrailer?
    private let state: Mutex<State>
    /// Held while an index is made again, so that it is made once.
    private let rebuilding = Mutex(())

    /// What is read at the end of the file to open it.
    package static let readAhead = 32 << 10

    /// Reads the trailer and what stands right before it. An index that is missing or damaged is made again by walking the
    /// whole file, which ``notes`` tells. Throws what `source` throws, and `ArchiveFormatError.damaged` when there is not
    /// one readable event.
    package static func open(_ source: any ByteSource) throws -> ArchiveFile {
        let counted = CountedSource(source)
        let tail = try counted.read(max(0, counted.count - readAhead)..<counted.count)
        var trailer: ArchiveTrailer?
        do {
            let read = try Self.trailer(tail, fileLength: counted.count)
            trailer = read
            return ArchiveFile(counted, read, State(try ArchiveIndex(read, FramedIndex(counted, read, tail: tail))))
        } catch let damage as IndexDamage {
            let rebuilt = try IndexRebuild.run(counted, known: nil, dataLength: trailer?.dataLength)
            return ArchiveFile(counted, trailer, State(rebuilt, damage))
        }
    }

    private init(_ counted: CountedSource, _ trailer: ArchiveTrailer?, _ state: State) {
        self.counted = counted
        self.trailer = trailer
        self.state = Mutex(state)
    }

    private static func trailer(_ tail: [UInt8], fileLength: Int) throws -> ArchiveTrailer {
        let member = tail.suffix(ArchiveTrailer.length)
        guard let (kind, range) = member.withUnsafeBytes({ IndexMember.payload(of: $0) }), kind == .trailer else {
            throw IndexDamage("the trailer is missing")
        }
        return try ArchiveTrailer(Array(member.dropFirst(range.lowerBound).prefix(range.count)), fileLength: fileLength)
    }

    package var source: any ByteSource { counted.source }

    private var head: IndexHead { state.withLock { $0.index.head } }

    package var tenant: UInt32 { head.tenant }
    package var tenantName: String { head.tenantName }
    /// Received-day, days since 1970.
    package var day: Int64 { head.day }
    package var events: Int { head.events }
    /// Of all lines, with their newlines.
    package var bytes: Int { head.bytes }
    package var firstSeq: UInt64 { head.firstSeq }
    package var lastSeq: UInt64 { head.lastSeq }
    /// Event times, milliseconds since 1970, both inclusive.
    package var minTime: Int64 { head.minTime }
    package var maxTime: Int64 { head.maxTime }

    /// What is wrong with the file, in sentences; empty for a good one. May grow with what is read.
    package var notes: [String] { state.withLock { $0.notes } }

    /// Ranges and bytes asked of the source so far.
    package var scanned: (reads: Int, bytes: Int) { counted.scanned }

    /// Block n of ``candidates(_:)`` stands at index n - 1.
    package func blocks() throws -> [ArchiveBlock] { try withIndex { try $0.blocks() } }

    /// Numbers from 1 of the blocks that may hold a term of `range` (see EventStore's `Term`), ascending, each once; damaged
    /// ones always, so that no answer misses them silently.
    package func candidates(_ range: ClosedRange<UInt64>) throws -> [UInt32] { try withIndex { try $0.candidates(range) } }

    /// Has fetched what ``candidates(_:)`` would read of a range, without waiting where the source can do so.
    package func prepare(_ range: ClosedRange<UInt64>) {
        // Damage is met, and told, by whoever asks.
        let index = state.withLock { $0.index }
        try? index.prepare(range)
    }

    package func combinations() throws -> [Combination] { head.combinations }

    /// Visits counts by hour of event time (hours since 1970) and combination's number. A pair may come several times; its
    /// counts add up.
    package func rollups(hours: ClosedRange<Int64>, visit: (_ hour: Int64, _ combination: UInt32, _ count: UInt64) -> Void) throws {
        // Collected first, so that nothing is counted twice when a page turns out to be damaged.
        let rows = try withIndex { index in
            var rows: [(Int64, UInt32, UInt64)] = []
            try index.rollups(hours: hours) { rows.append(($0, $1, $2)) }
            return rows
        }
        for (hour, combination, count) in rows { visit(hour, combination, count) }
    }

    /// First two bytes of each line's leaf hash, big-endian, in order; zero for lines of known blocks that cannot be read.
    package func lineChecks() throws -> [UInt16] { try withIndex { try $0.lineChecks() } }

    /// The gzip member of a block as it stands in the file, not verified. Throws what the source throws.
    package func member(_ block: UInt32) throws -> [UInt8] { try member(try self.block(block)) }

    private func member(_ block: ArchiveBlock) throws -> [UInt8] { try counted.read(block.offset..<block.offset + block.length) }

    /// Lines of a block. Throws `ArchiveFormatError.damaged` when they are not what was written, and what the source throws.
    package func lines(_ number: UInt32) throws -> [UInt8] {
        let block = try self.block(number)
        let inflater = Inflater()
        guard block.events > 0, let lines = try member(block).withUnsafeBytes({ inflater.bytes(of: $0, count: block.bytes) }) else {
            throw ArchiveFormatError.damaged(
                path: counted.name, offset: block.offset, length: block.length, reason: "the member of block \(number) does not inflate")
        }
        return lines
    }

    private func block(_ number: UInt32) throws -> ArchiveBlock {
        let blocks = try blocks()
        guard number > 0, Int(number) <= blocks.count else { throw ArchiveFormatError.noSuchBlock(path: counted.name, block: number) }
        return blocks[Int(number) - 1]
    }

    /// Asks the index, and the one that is made in its place if it is damaged.
    private func withIndex<Answer>(_ ask: (ArchiveIndex) throws -> Answer) throws -> Answer {
        let index = state.withLock { $0.index }
        do {
            return try ask(index)
        } catch let damage as IndexDamage {
            return try ask(try rebuilt(damage))
        }
    }

    private func rebuilt(_ damage: IndexDamage) throws -> ArchiveIndex {
        try rebuilding.withLock { _ in
            let (index, isRebuilt) = state.withLock { ($0.index, $0.isRebuilt) }
            if isRebuilt { return index }
            // With the table of blocks, numbers that were given out before stay what they are.
            let known = try? index.blocks()
            let rebuilt = State(try IndexRebuild.run(counted, known: known, dataLength: trailer?.dataLength), damage)
            state.withLock { $0 = rebuilt }
            return rebuilt.index
        }
    }
}
