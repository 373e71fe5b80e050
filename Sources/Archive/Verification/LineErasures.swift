/// Which lines of a day were erased, and the hashes that they had when the day was sealed.
struct LineErasures {
    private var changes: [UInt64: (original: Digest, current: Digest)] = [:]

    var isEmpty: Bool { changes.isEmpty }

    /// Adds the changes of one record; records come in the order in which they were made. Answers the seqs at which it does
    /// not go on where the record before ended.
    mutating func add(_ record: ErasureRecord) -> [UInt64] {
        var broken: [UInt64] = []
        for change in record.changes {
            if let known = changes[change.seq] {
                if known.current != change.before { broken.append(change.seq) }
                changes[change.seq] = (known.original, change.after)
            } else {
                changes[change.seq] = (change.before, change.after)
            }
        }
        return broken
    }

    func isErased(_ seq: UInt64) -> Bool { changes[seq] != nil }

    /// The leaf hash that is in the signed tree, for the line that is in the file.
    @inline(__always)
    func signed(_ leaf: Digest, seq: UInt64) -> Digest {
        guard !changes.isEmpty, let change = changes[seq], change.current == leaf else { return leaf }
        return change.original
    }
}
