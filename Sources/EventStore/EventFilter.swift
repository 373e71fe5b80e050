import EventModel

/// Decides on the bytes of a line whether it answers a question. Terms only ever prune; this is the truth.
///
/// Most lines are turned away by a search for one literal that every answer must contain, a whole block at once;
/// only lines with a hit are walked value by value.
struct EventFilter: Sendable {
    struct Place: Sendable {
        var path: [[UInt8]]
        var ignoringCase: Bool
    }

    enum Test: Sendable {
        /// A value at one of the places is one of `values`.
        case field(places: [Place], values: [[UInt8]], lowered: [[UInt8]])
        /// A string value has the words in a row, or `original_id` is `whole`.
        case words(TextQuery.Phrase)
        /// A value at or below the path, its names joined with dots, has the words, or is `whole`.
        case path([UInt8], TextQuery.Phrase)
        /// A change of this field with `whole` as old or new value.
        case change(field: [UInt8], TextQuery.Phrase)
    }

    struct Clause: Sendable {
        var negated: Bool
        var test: Test
    }

    let clauses: [Clause]
    /// Lower-cased ASCII that every answer contains, whatever its case; empty when there is none.
    let needle: [UInt8]

    init(filters: [FieldFilter], text: TextQuery?) throws(SearchError) {
        var list: [Clause] = filters.map { filter in
            let values = filter.values.map { Array($0.utf8) }
            let places = filter.field.places.map { Place(path: $0.path.map { Array($0.utf8) }, ignoringCase: $0.ignoringCase) }
            return Clause(negated: false, test: .field(places: places, values: values, lowered: values.map { Words.lower($0) }))
        }
        for clause in text?.clauses ?? [] { list.append(Self.clause(clause)) }
        guard list.count <= 60 else { throw SearchError.badQuery(reason: "\(list.count) conditions, at most 60") }
        clauses = list
        needle = list.compactMap { $0.negated ? nil : Self.literal($0.test) }.max { $0.count < $1.count } ?? []
    }

    private static func clause(_ clause: TextQuery.Clause) -> Clause {
        if clause.path.isEmpty { return Clause(negated: clause.negated, test: .words(clause.phrase)) }
        if let field = clause.changedField {
            return Clause(negated: clause.negated, test: .change(field: Words.lower(Array(field.utf8)), clause.phrase))
        }
        return Clause(negated: clause.negated, test: .path(Array(clause.path.joined(separator: ".").utf8), clause.phrase))
    }

    private static func literal(_ test: Test) -> [UInt8]? {
        switch test {
        case .field(_, _, let lowered):
            guard lowered.count == 1, isPlain(lowered[0]) else { return nil }
            return lowered[0]
        case .words(let phrase), .path(_, let phrase), .change(_, let phrase):
            return phrase.words.filter { isPlain($0) }.max { $0.count < $1.count }
        }
    }

    /// Whether a line holds these characters as they are.
    private static func isPlain(_ text: [UInt8]) -> Bool {
        !text.isEmpty && text.allSatisfy { $0 >= 0x20 && $0 < 0x80 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    var isEmpty: Bool { clauses.isEmpty }

    /// Whether `line` answers. `scratch` is used again from line to line.
    func matches(_ line: UnsafeRawBufferPointer, _ scratch: inout FilterScratch) -> Bool {
        if clauses.isEmpty { return true }
        guard let head = CanonicalLine(line) else { return false }
        var held: UInt64 = 0
        scratch.startLine(head.body)
        while scratch.cursor.next() {
            scratch.newValue()
            for (index, clause) in clauses.enumerated() where held >> UInt64(index) & 1 == 0 {
                guard scratch.holds(clause.test) else { continue }
                if clause.negated { return false }
                held |= 1 << UInt64(index)
            }
        }
        for (index, clause) in clauses.enumerated() where !clause.negated && held >> UInt64(index) & 1 == 0 { return false }
        return true
    }
}

/// What walking one line needs.
struct FilterScratch: ~Copyable {
    var cursor = CanonicalLineCursor()
    /// `field` of the change that is being walked, lower-cased; empty while it is not known.
    private var changeField: [UInt8] = []
    /// Behind the value before in `changes`, and how many containers were open there.
    private var changesEnd: UnsafeRawPointer?
    private var changesDepth = 0
    private var plain: [UInt8] = []
    private var isPlainReady = false
    private var lowered: [UInt8] = []
    private var isLoweredReady = false
    private var words: [[UInt8]] = []
    private var areWordsReady = false

    mutating func startLine(_ body: UnsafeRawBufferPointer) {
        changesEnd = nil
        cursor.startFields(body)
    }

    mutating func newValue() {
        forgetForms()
        if cursor.depth >= 3, cursor.key(1).count == 7, Self.equals(cursor.key(1), "changes") { followChanges() }
    }

    private mutating func forgetForms() {
        isPlainReady = false
        isLoweredReady = false
        areWordsReady = false
    }

    private mutating func followChanges() {
        if isNewChange { changeField.removeAll(keepingCapacity: true) }
        if cursor.depth == 3, Self.equals(cursor.key(3), "field") {
            readLowered()
            changeField = lowered
        }
        changesEnd = cursor.value.baseAddress! + cursor.value.count + (cursor.isString ? 1 : 0)
        changesDepth = cursor.depth
    }

    /// Whether the value's change is another one than that of the value before: whether a change was closed in between.
    /// Only keys and empty containers can stand there.
    private var isNewChange: Bool {
        guard var at = changesEnd else { return true }
        let end = cursor.value.baseAddress!
        var depth = changesDepth
        while at < end {
            switch at.load(as: UInt8.self) {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth < 3 { return true }
            case UInt8(ascii: "\""):
                at += 1
                while at < end, at.load(as: UInt8.self) != UInt8(ascii: "\"") {
                    at += at.load(as: UInt8.self) == UInt8(ascii: "\\") ? 2 : 1
                }
            default: break
            }
            at += 1
        }
        return false
    }

    private mutating func readPlain() {
        if isPlainReady { return }
        isPlainReady = true
        if cursor.isEscaped { CanonicalLine.unescape(cursor.value, into: &plain) } else { plain = Array(cursor.value) }
    }

    private mutating func readLowered() {
        if isLoweredReady { return }
        readPlain()
        isLoweredReady = true
        lowered = Words.lower(plain)
    }

    private mutating func readWords() {
        if areWordsReady { return }
        readPlain()
        areWordsReady = true
        words = cursor.isString ? Words.all(in: plain) : []
    }

    mutating func holds(_ test: EventFilter.Test) -> Bool {
        switch test {
        case .field(let places, let values, let lowercase):
            for place in places where isAt(place.path) {
                if place.ignoringCase {
                    readLowered()
                    if lowercase.contains(lowered) { return true }
                } else {
                    readPlain()
                    if values.contains(plain) { return true }
                }
            }
            return false
        case .words(let phrase):
            guard cursor.isString, !(cursor.depth == 1 && Self.equals(cursor.key(1), "time")) else { return false }
            return isOriginalID ? isTyped(phrase) : hasWords(phrase)
        case .path(let path, let phrase):
            guard isAtOrBelow(path) else { return false }
            return isOriginalID ? isTyped(phrase) : isWhole(phrase) || hasWords(phrase)
        case .change(let field, let phrase):
            guard changeField == field, cursor.depth >= 3, Self.equals(cursor.key(1), "changes") else { return false }
            guard Self.equals(cursor.key(3), "old") || Self.equals(cursor.key(3), "new") else { return false }
            return isWhole(phrase)
        }
    }

    private var isOriginalID: Bool { cursor.depth == 1 && Self.equals(cursor.key(1), "original_id") }

    private mutating func isTyped(_ phrase: TextQuery.Phrase) -> Bool {
        readPlain()
        return plain.count == phrase.typed.count && zip(plain, phrase.typed).allSatisfy { Self.lowerASCII($0) == Self.lowerASCII($1) }
    }

    private static func lowerASCII(_ byte: UInt8) -> UInt8 { byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte }

    private mutating func isWhole(_ phrase: TextQuery.Phrase) -> Bool {
        readLowered()
        return lowered == phrase.whole
    }

    private mutating func hasWords(_ phrase: TextQuery.Phrase) -> Bool {
        guard cursor.isString, !phrase.words.isEmpty else { return false }
        readWords()
        guard words.count >= phrase.words.count else { return false }
        for start in 0...words.count - phrase.words.count {
            if (0..<phrase.words.count).allSatisfy({ words[start + $0] == phrase.words[$0] }) { return true }
        }
        return false
    }

    /// Whether the keys on the way to the value, joined with dots, are `path` or go on below it, arrays left out. So
    /// `labels.k8s.io/name` is met as one name, as names in each other, and as anything between.
    private func isAtOrBelow(_ path: [UInt8]) -> Bool {
        var matched = 0
        for level in 1...max(1, cursor.depth) {
            let key = cursor.key(level)
            // An array has no key of its own.
            if key.count == 0 { continue }
            if matched > 0 {
                guard path[matched] == UInt8(ascii: ".") else { return false }
                matched += 1
            }
            guard matched + key.count <= path.count,
                path.withUnsafeBytes({ equal($0.baseAddress! + matched, key.baseAddress!, key.count) })
            else { return false }
            matched += key.count
            if matched == path.count { return true }
        }
        return false
    }

    /// Whether the keys on the way to the value are `path`, arrays left out.
    private func isAt(_ path: [[UInt8]]) -> Bool {
        var matched = 0
        for level in 1...max(1, cursor.depth) {
            let key = cursor.key(level)
            // An array has no key of its own.
            if key.count == 0 { continue }
            if matched == path.count { return false }
            guard key.count == path[matched].count, path[matched].withUnsafeBytes({ equal($0.baseAddress!, key.baseAddress!, key.count) })
            else { return false }
            matched += 1
        }
        return matched == path.count
    }

    func isAt(root: StaticString, key: StaticString) -> Bool {
        cursor.depth == 2 && Self.equals(cursor.key(1), root) && Self.equals(cursor.key(2), key)
    }

    /// The current value as text.
    mutating func plainText() -> String {
        forgetForms()
        readPlain()
        return String(decoding: plain, as: UTF8.self)
    }

    static func equals(_ key: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        key.count == text.utf8CodeUnitCount && equal(key.baseAddress!, UnsafeRawPointer(text.utf8Start), key.count)
    }
}
