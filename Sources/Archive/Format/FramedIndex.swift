import Synchronization

/// The index of a file as one run of bytes, whatever members it is cut into. What stood right before the trailer was read
/// together with it and is kept; every other read is one range of the source.
struct FramedIndex: ByteSource {
    let count: Int
    let name: String
    private let source: any ByteSource
    /// Where the first index member begins.
    private let begin: Int
    /// The end of the file from the place it was read from.
    private let tail: [UInt8]

    init(_ source: any ByteSource, _ trailer: ArchiveTrailer, tail: [UInt8]) {
        self.source = source
        name = source.name
        count = trailer.indexLength
        begin = trailer.dataLength
        let indexBytes = source.count - trailer.dataLength
        self.tail = tail.count > indexBytes ? Array(tail.suffix(indexBytes)) : tail
    }

    private var tailStart: Int { source.count - tail.count }

    /// Where the bytes of the index stand in the file.
    private func place(_ range: Range<Int>) -> Range<Int> {
        let framed = IndexMember.fileRange(range)
        return framed.lowerBound + begin..<framed.upperBound + begin
    }

    func prepare(_ range: Range<Int>) {
        let place = self.place(range)
        if !range.isEmpty, place.lowerBound < tailStart { source.prepare(place) }
    }

    func read(_ range: Range<Int>) throws -> [UInt8] {
        if range.isEmpty { return [] }
        let place = self.place(range)
        if place.lowerBound >= tailStart {
            return IndexMember.unframed(tail[place.lowerBound - tailStart..<place.upperBound - tailStart], range)
        }
        return IndexMember.unframed(try source.read(place)[...], range)
    }
}

/// Counts what is asked of a source.
final class CountedSource: ByteSource {
    let source: any ByteSource
    private let reads = Atomic(0)
    private let bytes = Atomic(0)

    init(_ source: any ByteSource) { self.source = source }

    var count: Int { source.count }
    var name: String { source.name }
    var scanned: (reads: Int, bytes: Int) { (reads.load(ordering: .relaxed), bytes.load(ordering: .relaxed)) }

    func prepare(_ range: Range<Int>) { source.prepare(range) }

    func read(_ range: Range<Int>) throws -> [UInt8] {
        reads.add(1, ordering: .relaxed)
        bytes.add(range.count, ordering: .relaxed)
        return try source.read(range)
    }
}
