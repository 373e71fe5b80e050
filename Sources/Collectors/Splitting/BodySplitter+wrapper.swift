import EventModel

/// Looks for the array of events in an object around it, `{"Records":[…]}`, wherever among the members it stands.
struct WrapperScan {
    var scan = ValueScan()
    /// First byte of the key that was read last at the object's first level, and its end; offsets of the buffer.
    var keyStart = 0
    var keyEnd = 0
    var isBehindColon = false
    /// The array was found: what stands behind it still belongs to the object.
    var isInside = false
    var rest = ValueScan()

    mutating func move(by bytes: Int) {
        keyStart -= bytes
        keyEnd -= bytes
    }
}

extension BodySplitter {
    mutating func scanWrapper() {
        while scanned < count {
            let byte = byte(scanned)
            let wasInString = wrapper.scan.isInString
            if wrapper.isBehindColon, !Self.isSpace(byte) {
                wrapper.isBehindColon = false
                if byte == UInt8(ascii: "["), wrapper.scan.depth == 1, isRecordsKey() { return enterArray() }
            }
            scanned += 1
            if wrapper.scan.closes(byte) { return forgetWrapper() }
            guard wrapper.scan.depth == 1 else { continue }
            if !wasInString, wrapper.scan.isInString { wrapper.keyStart = scanned }
            if wasInString, !wrapper.scan.isInString { wrapper.keyEnd = scanned - 1 }
            if byte == UInt8(ascii: ":"), !wasInString { wrapper.isBehindColon = true }
        }
    }

    private func isRecordsKey() -> Bool {
        guard let recordsKey, wrapper.keyEnd - wrapper.keyStart == recordsKey.count else { return false }
        return UnsafeRawBufferPointer(start: base + wrapper.keyStart, count: recordsKey.count).elementsEqual(recordsKey)
    }

    private mutating func enterArray() {
        mode = .array
        scanned += 1
        start = scanned
        wrapper.isInside = true
        wrapper.rest.reset()
        _ = wrapper.rest.closes(UInt8(ascii: "{"))
    }

    /// No such array: the object is an event itself.
    mutating func forgetWrapper() {
        mode = .values
        wrapper = WrapperScan()
        scan.reset()
        scanned = start
    }
}
