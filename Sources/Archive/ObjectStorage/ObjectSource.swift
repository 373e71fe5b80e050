import Synchronization

/// An object read in ranges, as the archive's reader reads a file.
///
/// Opening asks for the end of the object: the trailer and, for most days, the index lie in it, and the answer tells size
/// and ETag as well. So an archive is open after one request, or two when its index is longer. The ETag is pinned: when
/// the object is replaced, the next read throws instead of mixing two files.
///
/// Reads that go on where the last one ended fetch ahead, twice as far each time, so that walking a file costs few
/// requests; reads here and there fetch no more than was asked for, rounded up. A few fetched pieces are kept.
package final class ObjectSource: ByteSource {
    package let count: Int
    package let name: String
    /// As the service gave it when the object was opened.
    package let etag: String
    private let storage: ObjectStorage
    private let object: String
    private let state: Mutex<State>

    private struct State {
        /// The end of the object, kept for as long as the source lives.
        var end: Held
        /// Most recently used last.
        var pieces: [Held] = []
        var lastEnd = -1
        var ahead = 0
    }

    private struct Held {
        var offset: Int
        var bytes: [UInt8]
        var range: Range<Int> { offset..<offset + bytes.count }
    }

    /// What is fetched at the least: a request costs as long as some hundred KiB.
    package static let endBytes = 256 << 10
    private static let leastBytes = 64 << 10
    private static let mostAhead = 4 << 20
    private static let heldBytes = 8 << 20
    /// Two ranges this near are fetched in one request.
    private static let gapBytes = 128 << 10

    /// Blocks for one request.
    package init(_ storage: ObjectStorage, _ object: String, endBytes: Int = ObjectSource.endBytes) throws(ObjectStorageError) {
        let end = try storage.getEnd(object, endBytes)
        guard !end.etag.isEmpty else { throw .unexpected(request: "GET \(object)", reason: "it has no ETag") }
        count = end.total
        name = "\(storage.settings.bucket)/\(storage.key(object))"
        etag = end.etag
        self.storage = storage
        self.object = object
        state = Mutex(State(end: Held(offset: end.offset, bytes: end.bytes)))
    }

    package func read(_ range: Range<Int>) throws -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        if range.isEmpty { return [] }
        if let held = take(range) { return held }
        let wanted = state.withLock { state in
            // One that goes on reads ahead; any other begins anew.
            state.ahead = range.lowerBound == state.lastEnd ? min(max(Self.leastBytes, state.ahead * 2), Self.mostAhead) : 0
            state.lastEnd = range.upperBound
            return range.lowerBound..<min(count, range.upperBound + max(state.ahead, Self.leastBytes - range.count, 0))
        }
        let bytes = try fetch(wanted)
        return Array(bytes[..<range.count])
    }

    /// Fetches what several reads will want, ranges that lie near each other in one request. Only a hint: what does not
    /// fit into the memory for it is fetched when it is read.
    package func prefetch(_ ranges: [Range<Int>]) throws {
        var total = 0
        for range in Self.joined(ranges.filter { !$0.isEmpty && !isHeld($0) }) {
            total += range.count
            guard total <= Self.heldBytes else { return }
            _ = try fetch(range)
        }
    }

    static func joined(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var joined: [Range<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, range.lowerBound - last.upperBound <= gapBytes, range.upperBound - last.lowerBound <= mostAhead {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        return joined
    }

    private func isHeld(_ range: Range<Int>) -> Bool {
        state.withLock { state in Self.covers(state.end, range) || state.pieces.contains { Self.covers($0, range) } }
    }

    private static func covers(_ held: Held, _ range: Range<Int>) -> Bool {
        held.range.lowerBound <= range.lowerBound && range.upperBound <= held.range.upperBound
    }

    private func take(_ range: Range<Int>) -> [UInt8]? {
        state.withLock { state in
            if Self.covers(state.end, range) { return Self.cut(state.end, range) }
            guard let index = state.pieces.lastIndex(where: { Self.covers($0, range) }) else { return nil }
            let piece = state.pieces.remove(at: index)
            state.pieces.append(piece)
            state.lastEnd = range.upperBound
            return Self.cut(piece, range)
        }
    }

    private static func cut(_ held: Held, _ range: Range<Int>) -> [UInt8] {
        Array(held.bytes[range.lowerBound - held.offset..<range.upperBound - held.offset])
    }

    private func fetch(_ range: Range<Int>) throws(ObjectStorageError) -> [UInt8] {
        let piece: ObjectStorage.Piece
        do throws(ObjectStorageError) { piece = try storage.get(object, range, etag: etag) } catch {
            guard error.isRefused(412) else { throw error }
            throw .differs(key: name, reason: "the object was replaced since it was opened")
        }
        // Not every service looks at If-Match.
        guard piece.etag == etag, piece.total == count, piece.bytes.count == range.count else {
            throw .differs(key: name, reason: "the object was replaced since it was opened")
        }
        state.withLock { state in
            guard range.count <= Self.heldBytes else { return }
            state.pieces.append(Held(offset: range.lowerBound, bytes: piece.bytes))
            var held = state.pieces.reduce(0) { $0 + $1.bytes.count }
            while held > Self.heldBytes, !state.pieces.isEmpty { held -= state.pieces.removeFirst().bytes.count }
        }
        return piece.bytes
    }
}
