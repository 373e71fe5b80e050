import EventModel

/// A body of `application/json` that begins with an object: one object, indented or not, or several one after the
/// other. As soon as one is closed on the line where it began, the body is taken for NDJSON, so that from there on a bad
/// line cannot take its neighbours along.
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
                guard byte == UInt8(ascii: "{") else { return garbage() }
            } else if byte == 0x0A {
                noteLine()
            }
            scanned += 1
            if scan.closes(byte) { return closeValue() }
        }
    }

    /// Behind a value something else begins: it goes to the end of its line and is refused by the parser.
    private mutating func garbage() {
        mode = .lines
        scanned = start
    }

    private mutating func noteLine() {
        guard scanned + 1 < count, byte(scanned + 1) == UInt8(ascii: "{") else { return }
        sawLineOfItsOwn = true
    }

    /// The value ends before `scanned`. On one line with nothing behind it: NDJSON. Else only when the rest of its line
    /// is blank is it an event by itself.
    private mutating func closeValue() {
        scan.reset()
        let isOneLine = !(start..<scanned).contains { byte($0) == 0x0A }
        if isOneLine {
            mode = .lines
            scanned = start
            return
        }
        complete(end: scanned, next: scanned)
    }

    /// The object is not closed within an event's length, or not at all: it is read as lines from its beginning.
    mutating func giveUpValue() {
        mode = .lines
        scan.reset()
        scanned = start
        sawLineOfItsOwn = false
    }

    mutating func endOfBody() {
        guard !isBroken else { return }
        switch mode {
        case .detect: return
        case .arrayEnded: if wrapper.isInside { breakArray("the object around the array is not closed", at: count) }
        case .lines: if start < count || overlongBytes > 0 { completeLine(count) }
        case .values:
            guard start < count else { return }
            if sawLineOfItsOwn {
                giveUpValue()
                scanLines()
                if !isFull { endOfBody() }
            } else {
                complete(end: count, next: count)
            }
        case .wrapper:
            forgetWrapper()
            scanValues()
            if !isFull { endOfBody() }
        case .array: endOfArray()
        }
    }
}
