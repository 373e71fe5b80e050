/// Finds where one JSON value ends by its brackets and strings alone. Which bracket closes which is left to the parser:
/// a value that mixes them up is refused there, with its place.
struct ValueScan {
    private(set) var depth = 0
    private(set) var isInString = false
    private var isEscaped = false

    var isIdle: Bool { depth == 0 && !isInString }

    /// Looks at one byte; true when it closes the value.
    @inline(__always)
    mutating func closes(_ byte: UInt8) -> Bool {
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
                return depth == 0
            }
            return false
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            if depth <= 0 {
                depth = 0
                return true
            }
        default: break
        }
        return false
    }

    mutating func reset() { self = ValueScan() }
}
