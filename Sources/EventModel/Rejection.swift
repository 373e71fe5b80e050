/// Why one event was not taken: which line of the request, which field, what rule, and what to do about it.
public struct Rejection: Error, Sendable, Equatable {
    /// A closed, documented set: clients switch on it, metrics count by it.
    public enum Code: String, Sendable, CaseIterable {
        /// Not RFC 8259 JSON, or not UTF-8; the message holds the byte offset.
        case invalidJSON = "invalid_json"
        /// The same key twice in one object.
        case duplicateKey = "duplicate_key"
        /// Deeper than ``Limits/depth``.
        case tooDeep = "too_deep"
        /// Longer than a limit allows, or an object of more than ``Limits/objectMembers`` members.
        case tooLarge = "too_large"
        /// A number that no 64-bit integer or double holds.
        case numberRange = "number_range"
        /// A field that must be there is not.
        case required
        /// A field has the wrong JSON type.
        case wrongType = "wrong_type"
        /// A field's value is not one of those allowed or is not well formed.
        case invalidValue = "invalid_value"
        /// No pipeline takes this kind of event.
        case unknownKind = "unknown_kind"
        /// The identity is known with other content.
        case conflict
        /// The key may not write for this tenant.
        case forbidden
    }

    /// 1-based line (NDJSON) or element (array) of the request or file.
    public var line: Int
    /// Dotted path such as `actor.id`, or `""` when the event as a whole is at fault.
    public var field: String
    public var code: Code
    public var message: String

    public init(line: Int = 1, field: String, code: Code, message: String) {
        self.line = line
        self.field = field
        self.code = code
        self.message = message
    }
}
