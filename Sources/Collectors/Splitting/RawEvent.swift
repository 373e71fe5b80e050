import EventModel

/// One event as it came: where its bytes lie in the splitter's buffer, and what is wrong with its frame, if anything.
struct RawEvent {
    var offset: Int
    var length: Int
    /// 1-based line (NDJSON, text), element (array) or value (one object after the other).
    var line: Int
    /// Set when the bytes never reach the normaliser: too long, or cut out of an array that is not one.
    var fault: Rejection?
}

/// How the events of a body are told apart.
enum Framing: Sendable {
    /// Looked up in the first bytes: an array, objects one after the other, or lines.
    case detect
    /// One JSON value a line.
    case lines
    /// One line of text an event.
    case text
}
