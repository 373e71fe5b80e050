import EventModel

/// Where in an array the splitter stands.
enum ArrayState {
    case valueOrEnd
    case value
    case insideValue
    /// In `true`, `12` and whatever else is no object, array or string.
    case insideScalar
    case commaOrEnd
}

extension BodySplitter {
    /// An array is cut element by element while it arrives. Commas are taken strictly; where the array itself is
    /// broken, the element there is refused with its place and nothing behind it is taken, for nobody knows any more
    /// what an element is.
    mutating func scanArray() {
        while scanned < count, events.count < Self.sliceEvents {
            let byte = byte(scanned)
            switch array {
            case .insideValue:
                scanned += 1
                if scan.closes(byte) { endElement(at: scanned) }
            case .insideScalar:
                if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") || Self.isSpace(byte) {
                    endElement(at: scanned)
                } else {
                    scanned += 1
                }
            case .commaOrEnd:
                scanned += 1
                if Self.isSpace(byte) {
                    start = scanned
                } else if byte == UInt8(ascii: ",") {
                    array = .value
                    start = scanned
                } else if byte == UInt8(ascii: "]") {
                    return closeArray()
                } else {
                    return breakArray("',' or ']' is expected between elements", at: scanned - 1)
                }
            case .value, .valueOrEnd:
                if Self.isSpace(byte) {
                    scanned += 1
                    start = scanned
                } else if byte == UInt8(ascii: "]") {
                    scanned += 1
                    if array == .value { return breakArray("a value is missing behind ','", at: scanned - 1) }
                    return closeArray()
                } else if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") {
                    scanned += 1
                    return breakArray("a value is missing", at: scanned - 1)
                } else {
                    beginElement(byte)
                }
            }
        }
    }

    private mutating func beginElement(_ byte: UInt8) {
        start = scanned
        if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "\"") {
            array = .insideValue
            scan.reset()
        } else {
            array = .insideScalar
        }
    }

    private mutating func endElement(at end: Int) {
        complete(end: end, next: end)
        array = .commaOrEnd
    }

    private mutating func closeArray() {
        start = scanned
        mode = .arrayEnded
        scan.reset()
    }

    /// Behind the array: nothing but space, or the rest of the object around it, which is checked when it is closed.
    mutating func scanBehindArray() {
        while scanned < count {
            let byte = byte(scanned)
            scanned += 1
            if wrapper.isInside {
                if let fault = wrapper.take(byte) { return refuseRest(fault, from: scanned) }
            } else if !Self.isSpace(byte) {
                return breakArray("something follows the end of the array", at: scanned - 1)
            }
            start = scanned
        }
    }

    mutating func endOfArray() {
        if array == .insideValue || array == .insideScalar {
            breakArray("the array breaks off inside an element; ']' is missing", at: count)
        } else {
            breakArray("the array breaks off; ']' is missing", at: count)
        }
    }

    /// Refuses the array from here on.
    mutating func breakArray(_ what: String, at: Int) {
        refuseRest("\(what), at byte \(max(0, at - start)) of element \(line)", from: start)
    }

    /// One refusal for all that follows. It is not kept either: the sender has it, and nobody else can mend it.
    mutating func refuseRest(_ what: String, from offset: Int) {
        let place = bodyOffset(offset)
        emit(
            end: min(count, start + Self.overlongBytesKept),
            fault: Rejection(
                field: "", code: .invalidJSON,
                message:
                    "\(what); nothing from byte \(place) of the body on was taken, and of it no more than the first \(Self.overlongBytesKept) bytes were kept: correct it and send it again from there"
            ))
        overlongBytes = 0
        line += 1
        isBroken = true
        scanned = count
        start = count
    }
}
