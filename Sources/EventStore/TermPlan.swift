import EventModel

/// Which terms a block must have to be worth inflating: all clauses, of each any alternative, of that all terms.
struct TermPlan: Sendable {
    struct Alternative: Sendable, Hashable {
        var terms: [UInt64] = []
        /// Identities, where the alternative is an `original_id`.
        var identities: ClosedRange<UInt64>?
    }

    private(set) var clauses: [[Alternative]] = []

    /// Nothing to look up: every block may hold an answer.
    var isEmpty: Bool { clauses.isEmpty }

    init(filters: [FieldFilter], text: TextQuery?) {
        for filter in filters {
            var alternatives: [Alternative] = []
            for value in filter.values {
                for place in filter.field.places {
                    alternatives.append(Self.alternative(place.path, value, ignoringCase: place.ignoringCase))
                }
            }
            add(alternatives)
        }
        for clause in text?.clauses ?? [] where !clause.negated {
            var words = Alternative(terms: clause.phrase.words.map { Term.word($0) })
            if clause.path.isEmpty {
                add([words, Alternative(identities: Self.identities(clause.phrase.typed))])
            } else if clause.path == ["original_id"] {
                add([Alternative(identities: Self.identities(clause.phrase.typed))])
            } else if clause.path[0] != "time", !clause.phrase.words.isEmpty, Self.isText(clause.phrase.whole) {
                // `changes.role:admin`: the change's field is a value too, so its words are terms.
                if let field = clause.changedField { words.terms += Words.all(in: Array(field.utf8)).map { Term.word($0) } }
                add([words])
            }
        }
    }

    /// Alternatives without terms choose every block, and then so does the clause.
    private mutating func add(_ alternatives: [Alternative]) {
        let different = Array(Set(alternatives))
        if different.contains(where: { $0.terms.isEmpty && $0.identities == nil }) { return }
        if !different.isEmpty { clauses.append(different) }
    }

    /// Numbers, booleans and null are compared as text but have no terms.
    private static func isText(_ whole: [UInt8]) -> Bool {
        guard let first = whole.first else { return false }
        if Words.isDigit(first) || first == UInt8(ascii: "-") { return !whole.allSatisfy { Words.isDigit($0) || "+-.e".utf8.contains($0) } }
        return !["true", "false", "null"].contains(String(decoding: whole, as: UTF8.self))
    }

    private static func identities(_ typed: [UInt8]) -> ClosedRange<UInt64> {
        typed.withUnsafeBytes { Term.identityRange(originalID: $0) }
    }

    /// As the line writes it, without the quotes.
    private static func escaped(_ text: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: text.count + 16)
        text.withUnsafeBytes { writer.appendQuoted(escaping: $0) }
        return Array(writer.bytes.dropFirst().dropLast())
    }

    private static func alternative(_ path: [String], _ value: String, ignoringCase: Bool) -> Alternative {
        let bytes = Array(value.utf8)
        if path == ["original_id"] { return Alternative(identities: identities(bytes)) }
        let place = path.count <= 2 ? FieldTable.shared.place(path) : FieldTable.Place()
        if place.hasFieldTerm, !ignoringCase, !bytes.isEmpty {
            return Alternative(terms: [escaped(bytes).withUnsafeBytes { Term.folded(Term.fieldHash(place.number, $0)) }])
        }
        let words = Words.all(in: bytes)
        if place.hasValueTerm, words.count > 1, !bytes.withUnsafeBytes({ Words.holdsTellingWord($0) }) {
            return Alternative(terms: [Term.value(Words.lower(bytes))])
        }
        return Alternative(terms: words.map { Term.word($0) })
    }

    /// What ``blocks(_:)`` looks up in any case, and mostly all that it does.
    func forEachFirst(_ body: (ClosedRange<UInt64>) -> Void) {
        for alternative in clauses.first ?? [] {
            for term in alternative.terms { body(term...term) }
            if let range = alternative.identities { body(range) }
        }
    }

    /// Numbers of the blocks that may hold an answer, ascending; `nil` for all of them.
    func blocks(_ lookup: (ClosedRange<UInt64>) throws -> [UInt32]) rethrows -> [UInt32]? {
        var chosen: [UInt32]?
        for alternatives in clauses {
            if let chosen, chosen.isEmpty { break }
            var union: [UInt32] = []
            for alternative in alternatives {
                var both: [UInt32]?
                for term in alternative.terms {
                    if let list = both, list.isEmpty { break }
                    both = Self.intersection(both, try lookup(term...term))
                }
                if let range = alternative.identities { both = Self.intersection(both, Self.sorted(try lookup(range))) }
                union += both ?? []
            }
            if alternatives.count > 1 { union = Self.sorted(union) }
            chosen = Self.intersection(chosen, union)
        }
        return chosen
    }

    private static func sorted(_ list: [UInt32]) -> [UInt32] {
        var unique: [UInt32] = []
        for block in list.sorted() where unique.last != block { unique.append(block) }
        return unique
    }

    private static func intersection(_ left: [UInt32]?, _ right: [UInt32]) -> [UInt32] {
        guard let left else { return right }
        var both: [UInt32] = []
        var (i, j) = (0, 0)
        while i < left.count, j < right.count {
            if left[i] == right[j] {
                both.append(left[i])
                i += 1
                j += 1
            } else if left[i] < right[j] {
                i += 1
            } else {
                j += 1
            }
        }
        return both
    }
}
