/// Chooses which neighbouring pieces of a day become one file next.
///
/// What the packer wrote is rewritten once. Files that are compacted already are taken along while they are no larger
/// than what is rewritten anyway, so that sizes at least double from one file to the next older one: a day has as many
/// as its size has binary digits, and an event is copied as often. Quiet tenants' small blocks meet in this way.
struct CompactionPlan {
    var smallestBytes: Int
    var largestBytes: Int
    /// Of the packer's pieces taken at once; bounds the time one compaction takes.
    var pieceBytes: Int

    private static let piecesAtOnce = 4

    init(_ configuration: EventStoreConfiguration) {
        smallestBytes = configuration.smallestCompactionBytes
        largestBytes = configuration.largestPieceBytes
        pieceBytes = configuration.pieceBytes
    }

    /// `pieces`: oldest first. `isOver`: the day will get no more events as far as anybody knows; then everything is
    /// rewritten, however little it is, and neighbours are joined up to the largest size.
    func next(_ pieces: [Piece], isOver: Bool) -> [Piece] {
        if let range = rewritten(pieces, isOver: isOver) { return extended(range, pieces, isOver: isOver) }
        return joined(pieces, isOver: isOver)
    }

    /// Bytes that compactions will still read when there is time.
    func waitingBytes(_ pieces: [Piece], isOver: Bool) -> Int {
        let open = pieces.filter { !$0.name.isCompacted && $0.bytes > 0 }.reduce(0) { $0 + $1.bytes }
        if open > 0, isOver || open >= smallestBytes { return open }
        return joined(pieces, isOver: isOver).reduce(0) { $0 + $1.bytes }
    }

    /// The oldest pieces of the packer.
    private func rewritten(_ pieces: [Piece], isOver: Bool) -> Range<Int>? {
        guard let first = pieces.firstIndex(where: { !$0.name.isCompacted }) else { return nil }
        let waiting = pieces[first...].reduce(0) { $0 + ($1.name.isCompacted ? 0 : $1.bytes) }
        guard waiting > 0, isOver || waiting >= smallestBytes else { return nil }
        var end = first
        var bytes = 0
        while end < pieces.count, !pieces[end].name.isCompacted, bytes < pieceBytes * Self.piecesAtOnce, pieces[end].bytes > 0 {
            bytes += pieces[end].bytes
            end += 1
        }
        return end > first ? first..<end : nil
    }

    private func extended(_ range: Range<Int>, _ pieces: [Piece], isOver: Bool) -> [Piece] {
        var first = range.lowerBound
        var bytes = pieces[range].reduce(0) { $0 + $1.bytes }
        while first > 0, isOver || pieces[first - 1].bytes <= bytes, bytes + pieces[first - 1].bytes <= largestBytes {
            first -= 1
            bytes += pieces[first].bytes
        }
        return Array(pieces[first..<range.upperBound])
    }

    /// Compacted neighbours that belong together.
    private func joined(_ pieces: [Piece], isOver: Bool) -> [Piece] {
        var end = pieces.count
        while end > 1 {
            let newest = pieces[end - 1]
            let older = pieces[end - 2]
            if newest.name.isCompacted, older.name.isCompacted, isOver || older.bytes <= newest.bytes,
                newest.bytes + older.bytes <= largestBytes
            {
                return extended(end - 1..<end, pieces, isOver: isOver)
            }
            end -= 1
        }
        return []
    }
}
