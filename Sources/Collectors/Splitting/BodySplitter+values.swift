import EventModel

/// A body of `application/json` that begins with an object: one object, indented or not, or several one after the
/// other. As soon as one is closed on the line where it began, the body is taken for NDJSON, so that from there on a bad
/// line cannot take its neighbours along. An object that goes on over lines is never read as lines, however it ends:
/// objects inside it would become events that nobody sent.
extension BodySplitter {
    mutating func scanValues() {
        while scanned < count, events.count < Self.sliceEvents {
            let byte = byte(scanned)
            if scan.isIdle {
                if Self.isSpace(byte) {
                    scanned += 1
                    start = scanned
                    continue
                }
                guard byte == UInt8(ascii: "{") else {
                    return refuseRest("something that is no object follows the object before it", from: scanned)
                }
            }
            scanned += 1
            if scan.closes(byte) { return closeValue() }
        }
    }

    /// The value ends before `scanned`. On one line: NDJSON, and read again as that.
    private mutating func closeValue() {
        scan.reset()
        let isOneLine = overlongBytes == 0 && !(start..<scanned).contains { byte($0) == 0x0A }
        if isOneLine {
            mode = .lines
            scanned = start
        } else {
            complete(end: scanned, next: scanned)
        }
    }

    mutating func endOfBody() {
        guard !isBroken else { return }
        switch mode {
        case .detect: return
        case .arrayEnded: if wrapper.isInside { breakArray("the object around the array is not closed", at: count) }
        case .lines: if start < count || overlongBytes > 0 { completeLine(count) }
        // Not closed: the parser says where.
        case .values: if start < count || overlongBytes > 0 { complete(end: count, next: count) }
        case .wrapper:
            forgetWrapper()
            scanValues()
            if !isFull { endOfBody() }
        case .array: endOfArray()
        }
    }
}
