/// Walks all strings of a canonical line in order, keys included. Trusts its input as ``CanonicalLineCursor`` does, which
/// visits values only, and never reads outside of the line.
struct LineStrings {
    private let line: UnsafeRawBufferPointer
    private var at = 0
    private var isOpened = false
    /// Of every open container: its key in an object, where the current key stands, and whether it is an object.
    private var levels: [(isObject: Bool, key: Range<Int>)] = []

    /// Between the quotes.
    private(set) var string = 0..<0
    private(set) var isKey = false
    private(set) var isEscaped = false
    /// The first string of its container.
    private(set) var isFirst = false

    init(_ line: UnsafeRawBufferPointer) { self.line = line }

    /// Moves to the next string; `false` behind the last.
    mutating func next() -> Bool {
        while at < line.count {
            switch line[at] {
            case UInt8(ascii: "{"):
                levels.append((true, 0..<0))
                isOpened = true
            case UInt8(ascii: "["):
                levels.append((false, 0..<0))
                isOpened = true
            case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = levels.popLast()
            case UInt8(ascii: "\""):
                let start = at + 1
                isFirst = isOpened
                isOpened = false
                isEscaped = false
                at = start
                while at < line.count, line[at] != UInt8(ascii: "\"") {
                    if line[at] == UInt8(ascii: "\\") {
                        isEscaped = true
                        at += 1
                    }
                    at += 1
                }
                string = min(start, line.count)..<min(at, line.count)
                at += 1
                isKey = at < line.count && line[at] == UInt8(ascii: ":") && levels.last?.isObject == true
                if isKey { levels[levels.count - 1].key = string }
                return true
            default: break
            }
            at += 1
        }
        return false
    }

    var depth: Int { levels.count }

    /// Whether the current value's path is this one, arrays passed over.
    func isAt(_ path: String...) -> Bool {
        var index = 0
        for level in levels where level.isObject {
            guard index < path.count, equals(level.key, path[index]) else { return false }
            index += 1
        }
        return index == path.count
    }

    /// Whether the outermost key is this one.
    func isUnder(_ root: String) -> Bool { levels.first.map { equals($0.key, root) } ?? false }

    /// Whether the current value's own key is this one.
    func isKeyed(_ key: String) -> Bool { levels.last.map { $0.isObject && equals($0.key, key) } ?? false }

    private func equals(_ range: Range<Int>, _ text: String) -> Bool { line[range].elementsEqual(text.utf8) }
}
