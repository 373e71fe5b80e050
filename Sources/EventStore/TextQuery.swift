import EventModel

/// What `q` asks: clauses that must all hold.
///
/// | written | holds where |
/// |---|---|
/// | `refund` | a string value has this word, whatever its case |
/// | `"billing refund"` | a string value has these words one after the other |
/// | `summary:refund` | a value at this path or below it has the word; arrays are walked; numbers and booleans compare as text |
/// | `changes.role:admin` | a change whose `field` is `role` has `admin` as its old or new value |
/// | `-refund`, `-kind:access` | the clause behind `-` does not hold |
/// | `fe80::1`, `https://example.com` | as `"fe80 1"` and `"https example com"`: no field of events stands before the colon |
///
/// Fields are the root fields of events and the names of ``FilterField`` (`ip:` is `source.ip:`). Dots in names are taken
/// either way: `labels.k8s.io/name:web` means the label of that name as well as names in each other.
///
/// A bare word is also compared with the whole of `original_id`, letters from A to Z regardless of case, which is not cut
/// into words. What a word is, ``Words`` decides for both sides.
public struct TextQuery: Sendable {
    struct Clause: Sendable {
        var negated: Bool
        /// Empty for words anywhere.
        var path: [String]
        var phrase: Phrase

        /// `role` of `changes.role:admin`; `nil` where the path is one of the event as it is.
        var changedField: String? {
            guard path.count > 1, path[0] == "changes", !["field", "op", "old", "new"].contains(path[1]) else { return nil }
            return path.dropFirst().joined(separator: ".")
        }
    }

    /// Words in a row, as typed and as cut by ``Words``.
    struct Phrase: Sendable {
        /// Without quotes; compared with `original_id`.
        var typed: [UInt8]
        /// Lower-cased; compared with numbers and values that have no words.
        var whole: [UInt8]
        var words: [[UInt8]]

        init(_ text: String) {
            typed = Array(text.utf8)
            whole = Words.lower(Array(text.utf8))
            words = Words.all(in: Array(text.utf8))
        }
    }

    let clauses: [Clause]

    /// `offset` counts UTF-8 bytes of `text` from 0.
    public static func parse(_ text: String) throws(QuerySyntaxError) -> TextQuery {
        var parser = QueryParser(text)
        return TextQuery(clauses: try parser.clauses())
    }

    public var isEmpty: Bool { clauses.isEmpty }
}

public struct QuerySyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Bytes from the start of the query.
    public var offset: Int
    public var reason: String

    public var description: String { "q, at byte \(offset): \(reason)" }
}

/// Cuts the text of a query into clauses.
struct QueryParser {
    private let bytes: [UInt8]
    private var at = 0

    /// More clauses than this are a mistake, and each costs a pass over every candidate.
    private static let largestClauseCount = 32

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func clauses() throws(QuerySyntaxError) -> [TextQuery.Clause] {
        var list: [TextQuery.Clause] = []
        skipSpace()
        while at < bytes.count {
            guard list.count < Self.largestClauseCount else {
                throw QuerySyntaxError(offset: at, reason: "more than \(Self.largestClauseCount) clauses")
            }
            list.append(try clause())
            skipSpace()
        }
        return list
    }

    private mutating func clause() throws(QuerySyntaxError) -> TextQuery.Clause {
        let start = at
        let negated = bytes[at] == UInt8(ascii: "-")
        if negated { at += 1 }
        guard at < bytes.count, !Self.isSpace(bytes[at]) else {
            throw QuerySyntaxError(offset: start, reason: "`-` stands alone; write -word")
        }
        if bytes[at] == UInt8(ascii: "\"") {
            return TextQuery.Clause(negated: negated, path: [], phrase: try quoted())
        }
        let wordStart = at
        let word = bare()
        guard let colon = word.firstIndex(of: UInt8(ascii: ":")), let path = try path(word[..<colon], at: start) else {
            return TextQuery.Clause(negated: negated, path: [], phrase: try words(word, from: wordStart))
        }
        at = colon + 1
        guard at < bytes.count, !Self.isSpace(bytes[at]) else { throw QuerySyntaxError(offset: at, reason: "no value behind `:`") }
        if bytes[at] == UInt8(ascii: "\"") {
            return TextQuery.Clause(negated: negated, path: path, phrase: try quoted(needsWords: false))
        }
        let valueStart = at
        return TextQuery.Clause(negated: negated, path: path, phrase: try phrase(bare(), at: valueStart, needsWords: false))
    }

    /// `name:"some words"` where the name is no field: one phrase with the name in front.
    private mutating func words(_ word: ArraySlice<UInt8>, from start: Int) throws(QuerySyntaxError) -> TextQuery.Phrase {
        guard let quote = word.firstIndex(of: UInt8(ascii: "\"")), word[quote - 1] == UInt8(ascii: ":") else {
            return try phrase(word, at: start)
        }
        at = quote
        _ = try quoted()
        return try phrase(bytes[start..<at], at: start)
    }

    /// The place that `name` means before a colon; `nil` when events have no such field, so that `12:30`, `fe80::1` and
    /// `https://…` are words.
    private func path(_ name: ArraySlice<UInt8>, at offset: Int) throws(QuerySyntaxError) -> [String]? {
        var path = String(decoding: name, as: UTF8.self).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let first = path.first?.lowercased() else { return nil }
        if path.count == 1, let instead = Self.notSearched[first] { throw QuerySyntaxError(offset: offset, reason: instead) }
        if path.count == 1, !Self.rootNames.contains(first), let field = FilterField(rawValue: first) { return field.places[0].path }
        guard Self.rootNames.contains(first) else { return nil }
        guard !path.contains("") else { throw QuerySyntaxError(offset: offset, reason: "a field's name is missing before or between dots") }
        path[0] = first
        return path
    }

    private static let rootNames = Set(CanonicalSchema.rootNames).subtracting(notSearched.keys)

    /// Fields of every event that `q` does not look into.
    private static let notSearched = [
        "id": "`id:` is not searched; GET /v1/events/ID answers one event, original_id: finds the id its producer gave",
        "seq": "`seq:` is not searched; name the tenant and a range of time with `from` and `to`, which keeps the order of `seq`",
        "received": "`received:` is not searched; `from` and `to` choose by the time of the event",
    ]

    /// Up to the next space.
    private mutating func bare() -> ArraySlice<UInt8> {
        let start = at
        while at < bytes.count, !Self.isSpace(bytes[at]) { at += 1 }
        return bytes[start..<at]
    }

    /// Behind `:` a value without words may stand, which is compared as a whole; it is not empty.
    private mutating func quoted(needsWords: Bool = true) throws(QuerySyntaxError) -> TextQuery.Phrase {
        let open = at
        at += 1
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at += 1 }
        guard at < bytes.count else { throw QuerySyntaxError(offset: open, reason: "this quote is never closed") }
        let text = bytes[start..<at]
        at += 1
        guard needsWords || !text.isEmpty else { throw QuerySyntaxError(offset: open, reason: "no value behind `:`") }
        return try phrase(text, at: open, needsWords: needsWords)
    }

    private func phrase(_ text: ArraySlice<UInt8>, at offset: Int, needsWords: Bool = true) throws(QuerySyntaxError) -> TextQuery.Phrase {
        let phrase = TextQuery.Phrase(String(decoding: text, as: UTF8.self))
        guard !needsWords || !phrase.words.isEmpty else {
            throw QuerySyntaxError(offset: offset, reason: "there is no word here: letters or digits are missing")
        }
        return phrase
    }

    private mutating func skipSpace() {
        while at < bytes.count, Self.isSpace(bytes[at]) { at += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
