/// The shape of the canonical event: which fields there are, in which order they are written, what each may hold.
///
/// The tables are plain structs in memory that is never freed, so that the writer walks them without reference
/// counting. Root fields own the symbols 1…`rootFieldCount`, in order, which makes "is this a canonical root field"
/// one comparison.
public enum CanonicalSchema {
    /// What a field may hold.
    enum Shape: UInt8 {
        /// Written by the batching writer, never by a producer.
        case reserved
        /// A string; numbers and booleans are taken as their text, since ids are numbers in many products.
        case string
        /// One of the words of `choices[argument]`.
        case choice
        /// A JSON integer, also from a string that holds one.
        case integer
        /// A JSON number, also from a string that holds one.
        case number
        case boolean
        /// RFC 3339, written in UTC with milliseconds.
        case time
        /// Any JSON value as it is.
        case any
        /// Any JSON object as it is.
        case map
        /// An object of `objects[argument]`.
        case object
        /// An array of objects of `objects[argument]`.
        case objects
        /// An array of strings.
        case strings
    }

    struct Field {
        var symbol: Symbol
        var shape: Shape
        var argument: UInt8
        /// The key as it is written, `,"name":`, and behind it the quote that opens a string.
        var key: UnsafeRawBufferPointer
        /// The path in messages, such as `actor.id`.
        var path: UnsafeRawBufferPointer
    }

    struct Object {
        var fields: UnsafeBufferPointer<Field>
        /// The index in `fields` by the number of a canonical symbol; ``nowhere`` for those that are no member.
        var positions: UnsafeBufferPointer<UInt8>

        static let nowhere: UInt8 = 255
        /// More fields than any object but the root has.
        static let mostFields = 8
    }

    /// A field in the list below: its name, its shape and, for nested ones, which object or vocabulary.
    fileprivate typealias Line = (name: String, shape: Shape, argument: Int)

    // As `objects` below.
    nonisolated(unsafe) static let choices: UnsafeBufferPointer<Choices> = {
        let all = [
            Vocabulary.action, Vocabulary.outcome, Vocabulary.severity, Vocabulary.actorType, Vocabulary.portal,
            Vocabulary.failureClass, Vocabulary.retryState,
        ]
        let table = UnsafeMutableBufferPointer<Choices>.allocate(capacity: all.count)
        _ = table.initialize(from: all)
        return UnsafeBufferPointer(table)
    }()

    fileprivate static let rootLines: [Line] = [
        ("seq", .reserved, 0), ("id", .reserved, 0), ("received", .reserved, 0), ("time", .time, 0), ("tenant", .string, 0),
        ("kind", .string, 0), ("type", .string, 0), ("action", .choice, 0), ("outcome", .choice, 1), ("severity", .choice, 2),
        ("actor", .object, 0), ("effective_user", .object, 0), ("area", .string, 0), ("category", .string, 0), ("summary", .string, 0),
        ("target", .object, 1), ("targets", .objects, 1), ("changes", .objects, 2), ("raw", .object, 3), ("reason", .string, 0),
        ("status_code", .integer, 0), ("source", .object, 4), ("request", .object, 5), ("session", .string, 0), ("portal", .choice, 4),
        ("brand", .string, 0), ("auth", .object, 6), ("webhook", .object, 7), ("attempt", .object, 8), ("failure", .object, 9),
        ("message_id", .string, 0), ("retry_state", .choice, 6), ("integration", .object, 10), ("operation", .string, 0),
        ("correlation_id", .string, 0), ("change_set", .string, 0), ("trace_id", .string, 0), ("labels", .map, 0),
        ("producer", .object, 11), ("original_id", .string, 0), ("unmapped", .map, 0),
    ]

    fileprivate static let objectLines: [[Line]] = [
        // 0: actor, effective_user
        [
            ("type", .choice, 3), ("id", .string, 0), ("name", .string, 0), ("email", .string, 0), ("roles", .strings, 0),
            ("details", .map, 0),
        ],
        // 1: target, targets[]
        [("type", .string, 0), ("id", .string, 0), ("name", .string, 0)],
        // 2: changes[]
        [("field", .string, 0), ("op", .string, 0), ("old", .any, 0), ("new", .any, 0)],
        // 3: raw
        [("old", .any, 0), ("new", .any, 0)],
        // 4: source, where from
        [("ip", .string, 0), ("user_agent", .string, 0)],
        // 5: request
        [("method", .string, 0), ("url", .string, 0), ("id", .string, 0)],
        // 6: auth
        [("method", .string, 0), ("provider", .string, 0), ("mfa", .boolean, 0)],
        // 7: webhook
        [("id", .string, 0), ("name", .string, 0), ("url", .string, 0), ("event", .string, 0)],
        // 8: attempt
        [("number", .integer, 0), ("max", .integer, 0), ("next_at", .time, 0), ("duration_ms", .number, 0)],
        // 9: failure
        [("class", .choice, 5), ("type", .string, 0), ("message", .string, 0), ("status_code", .integer, 0), ("details", .map, 0)],
        // 10: integration
        [("id", .string, 0), ("name", .string, 0), ("type", .string, 0), ("account", .string, 0)],
        // 11: producer
        [("name", .string, 0), ("version", .string, 0)],
    ]

    static var rootFieldCount: Int { rootLines.count }

    /// Canonical names in the order of their symbols, from symbol 1 on: root fields first.
    public static let names: [String] = {
        var list: [String] = []
        for line in rootLines + objectLines.joined() where !list.contains(line.name) { list.append(line.name) }
        return list
    }()

    /// Names of the root fields in the order they are written.
    public static var rootNames: [String] { rootLines.map(\.name) }

    static let root = object(rootLines, parent: "")

    // Unsafe only to the compiler: filled once here, never written or freed.
    nonisolated(unsafe) static let objects: UnsafeBufferPointer<Object> = {
        let owners = [
            "actor", "target", "changes", "raw", "source", "request", "auth", "webhook", "attempt", "failure", "integration", "producer",
        ]
        let table = UnsafeMutableBufferPointer<Object>.allocate(capacity: objectLines.count)
        for (index, lines) in objectLines.enumerated() {
            table.initializeElement(at: index, to: object(lines, parent: owners[index] + "."))
            precondition(lines.count <= Object.mostFields, "an object has more fields than the writer has room for")
        }
        return UnsafeBufferPointer(table)
    }()

    /// Symbol of a canonical name; `name` must be one.
    public static func symbol(_ name: String) -> Symbol {
        guard let index = names.firstIndex(of: name) else { preconditionFailure("\(name) is not a canonical name") }
        return Symbol(UInt16(index + 1))
    }

    private static func object(_ lines: [Line], parent: String) -> Object {
        let positions = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: names.count + 1)
        positions.initialize(repeating: Object.nowhere)
        for (index, line) in lines.enumerated() { positions[Int(symbol(line.name).number)] = UInt8(index) }
        return Object(fields: fields(lines, parent: parent), positions: UnsafeBufferPointer(positions))
    }

    private static func fields(_ lines: [Line], parent: String) -> UnsafeBufferPointer<Field> {
        let table = UnsafeMutableBufferPointer<Field>.allocate(capacity: lines.count)
        for (index, line) in lines.enumerated() {
            table.initializeElement(
                at: index,
                to: Field(
                    symbol: symbol(line.name), shape: line.shape, argument: UInt8(line.argument),
                    key: immortal(",\"\(line.name)\":", behind: "\""), path: immortal(parent + line.name)))
        }
        return UnsafeBufferPointer(table)
    }

    /// - Parameter behind: what lies behind the text without being part of it.
    private static func immortal(_ text: String, behind: String = "") -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: text.utf8.count + behind.utf8.count + ByteWriter.stride, alignment: 8)
        copy.initializeMemory(as: UInt8.self, repeating: 0)
        copy.copyBytes(from: (text + behind).utf8)
        return UnsafeRawBufferPointer(rebasing: copy[0..<text.utf8.count])
    }

    /// Whether `path` (`["actor", "id"]`, arrays written as their name) names a place of the canonical event. Places
    /// below `details`, `labels`, `unmapped`, `old` and `new` are free.
    public static func contains(path: [String]) -> Bool {
        guard let first = path.first, let line = rootLines.first(where: { $0.name == first }), line.shape != .reserved else { return false }
        if path.count == 1 { return true }
        switch line.shape {
        case .map, .any: return true
        case .object, .objects:
            guard let inner = objectLines[line.argument].first(where: { $0.name == path[1] }) else { return false }
            return path.count == 2 || inner.shape == .map || inner.shape == .any
        default: return false
        }
    }
}

// Fields hold pointers to memory that is filled once and never freed or written again.
extension CanonicalSchema.Field: @unchecked Sendable {}
extension CanonicalSchema.Object: @unchecked Sendable {}

extension CanonicalSchema {
    /// The vocabulary of the field at a dotted path; `nil` where any value goes.
    public static func choices(at path: String) -> Choices? {
        let names = path.split(separator: ".").map(String.init)
        guard let first = names.first, let line = rootLines.first(where: { $0.name == first }) else { return nil }
        if names.count == 1 { return line.shape == .choice ? choices[line.argument] : nil }
        guard names.count == 2, line.shape == .object,
            let inner = objectLines[line.argument].first(where: { $0.name == names[1] }), inner.shape == .choice
        else { return nil }
        return choices[inner.argument]
    }
}
