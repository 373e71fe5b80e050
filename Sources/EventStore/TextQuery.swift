/// What `q` asks: clauses that must all hold.
///
/// | written | holds where |
/// |---|---|
/// | `refund` | a string value has this word, whatever its case |
/// | `"billing refund"` | a string value has these words one after the other |
/// | `summary:refund` | a value at this path or below it has the word; arrays are walked; numbers and booleans compare as text |
/// | `changes.role:admin` | a change whose `field` is `role` has `admin` as its old or new value |
/// | `-refund`, `-kind:access` | the clause behind `-` does not hold |
///
/// A bare word is also compared with the whole of `original_id`, letters from A to Z regardless of case, which is not cut
/// into words. What a word is, ``Words`` decides for both sides.
public struct TextQuery: Sendable {
    struct Clause: Sendable {
        var negated: Bool
        /// Empty for words anywhere.
        var path: [String]
        var phrase: Phrase
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
        let word = bare(stopAtColon: true)
        guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else {
            return TextQuery.Clause(negated: negated, path: [], phrase: try phrase(word, at: start))
        }
        at += 1
        let path = String(decoding: word, as: UTF8.self).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !path.contains("") else { throw QuerySyntaxError(offset: start, reason: "a field's name is missing before or between dots") }
        guard at < bytes.count, !Self.isSpace(bytes[at]) else { throw QuerySyntaxError(offset: at, reason: "no value behind `:`") }
        if bytes[at] == UInt8(ascii: "\"") { return TextQuery.Clause(negated: negated, path: path, phrase: try quoted()) }
        let valueStart = at
        return TextQuery.Clause(
            negated: negated, path: path, phrase: try phrase(bare(stopAtColon: false), at: valueStart, needsWords: false))
    }

    /// Up to the next space; a colon ends a field's name only behind a name, so that `12:30` and `::1` stay words.
    private mutating func bare(stopAtColon: Bool) -> ArraySlice<UInt8> {
        let start = at
        while at < bytes.count, !Self.isSpace(bytes[at]) {
            if stopAtColon, bytes[at] == UInt8(ascii: ":"), at > start, Self.isName(bytes[start..<at]) { break }
            at += 1
        }
        return bytes[start..<at]
    }

    private mutating func quoted() throws(QuerySyntaxError) -> TextQuery.Phrase {
        let open = at
        at += 1
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at += 1 }
        guard at < bytes.count else { throw QuerySyntaxError(offset: open, reason: "this quote is never closed") }
        let text = bytes[start..<at]
        at += 1
        return try phrase(text, at: open)
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

    /// A field's name starts with a letter; nothing else could stand before `:value`.
    private static func isName(_ text: ArraySlice<UInt8>) -> Bool {
        guard let first = text.first, (first | 0x20) >= UInt8(ascii: "a"), (first | 0x20) <= UInt8(ascii: "z") || first >= 0x80 else {
            return false
        }
        return text.allSatisfy { Words.isWordByte($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }
}
