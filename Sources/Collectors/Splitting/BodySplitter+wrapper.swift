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
    /// The object with an empty array in it, as far as it was read.
    var frame: [UInt8] = []

    mutating func move(by bytes: Int) {
        keyStart -= bytes
        keyEnd -= bytes
    }

    /// Takes a byte behind the array; returns what is wrong with the object, once that is known. The object is judged as
    /// strictly as an event, and by the same parser: a second array of the same name is a key that stands twice.
    mutating func take(_ byte: UInt8) -> String? {
        frame.append(byte)
        guard rest.closes(byte) else {
            return frame.count <= Limits.eventBytes
                ? nil : "the object around the array has more than \(Limits.eventBytes) bytes besides its elements"
        }
        isInside = false
        let count = frame.count
        frame.append(contentsOf: repeatElement(0, count: Limits.parserPadding))
        defer { frame = [] }
        return frame.withUnsafeBytes { bytes -> String? in
            var tree = EventTree(symbols: SymbolTable())
            do throws(Rejection) { try tree.parse(UnsafeRawBufferPointer(rebasing: bytes[..<count])) } catch {
                return "the object around the array is broken: \(error.message) (bytes counted without the array's elements)"
            }
            return nil
        }
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
        wrapper.frame = Array(UnsafeRawBufferPointer(start: base + start, count: scanned - start)) + "[]".utf8
        mode = .array
        line = 1
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
