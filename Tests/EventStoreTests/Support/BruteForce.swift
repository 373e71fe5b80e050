import Foundation

@testable import EventStore

/// Answers questions the slow and plain way: parses each line with Foundation and looks at every value.
struct BruteForce {
    struct Value {
        /// Arrays left out.
        var path: [String]
        var text: String
        var isString: Bool
        var lowered: String
        var words: [String]

        init(_ path: [String], _ text: String, isString: Bool) {
            self.path = path
            self.text = text
            self.isString = isString
            lowered = text.lowercased()
            words = isString ? BruteForce.words(text) : []
        }
    }

    struct Item {
        var event: EventFeed.Event
        var values: [Value]
        var changes: [[String: Any]]
        /// By path, joined with dots.
        var places: [String: [Value]]
        /// Of all strings but time and `original_id`: turns most questions away at once.
        var words: Set<String>
        var originalID: String?

        init(_ event: EventFeed.Event, _ values: [Value], changes: [[String: Any]]) {
            self.event = event
            self.values = values
            self.changes = changes
            places = Dictionary(grouping: values) { $0.path.joined(separator: ".") }
            words = Set(values.flatMap { $0.path == ["time"] || $0.path == ["original_id"] ? [] : $0.words })
            originalID = places["original_id"]?.first?.lowered
        }
    }

    let items: [Item]

    init(_ events: [EventFeed.Event]) throws {
        items = try events.map { event in
            let object = try JSONSerialization.jsonObject(with: Data(event.line.utf8)) as! [String: Any]
            var values: [Value] = []
            for (key, value) in object where !["seq", "id", "received"].contains(key) { Self.collect(value, [key], &values) }
            return Item(event, values, changes: object["changes"] as? [[String: Any]] ?? [])
        }
    }

    private static func collect(_ value: Any, _ path: [String], _ values: inout [Value]) {
        switch value {
        case let object as [String: Any]: for (key, inner) in object { collect(inner, path + [key], &values) }
        case let array as [Any]: for inner in array { collect(inner, path, &values) }
        case let text as String: values.append(Value(path, text, isString: true))
        case is NSNull: values.append(Value(path, "null", isString: false))
        case let number as NSNumber:
            values.append(
                Value(
                    path, String(cString: number.objCType) == "c" ? (number.boolValue ? "true" : "false") : number.stringValue,
                    isString: false))
        default: break
        }
    }

    static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        let scalars = Array(text.unicodeScalars)
        func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.value {
            case 0xAA, 0xB5, 0xBA: false
            case 0..<0x80, 0xA0...0xBF, 0xD7, 0xF7, 0x2000...0x206F, 0x3000...0x3003: true
            default: false
            }
        }
        func isDigit(_ index: Int) -> Bool { scalars.indices.contains(index) && ("0"..."9").contains(scalars[index]) }
        for (index, scalar) in scalars.enumerated() {
            let isLetter =
                ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || !isSeparator(scalar) || scalar == "_" || isDigit(index)
            let joins = !word.isEmpty && isDigit(index + 1) && (scalar == "-" || ((scalar == "." || scalar == ":") && isDigit(index - 1)))
            if isLetter || joins {
                word.unicodeScalars.append(scalar)
            } else if !word.isEmpty {
                words.append(word.lowercased())
                word = ""
            }
        }
        if !word.isEmpty { words.append(word.lowercased()) }
        return words
    }

    static func contains(_ own: [String], phrase: [String]) -> Bool {
        guard !phrase.isEmpty, own.count >= phrase.count else { return false }
        return (0...own.count - phrase.count).contains { Array(own[$0..<$0 + phrase.count]) == phrase }
    }

    static func holds(_ filter: FieldFilter, _ item: Item) -> Bool {
        let places: [(String, Bool)] =
            switch filter.field {
            case .actor: [("actor.id", false), ("actor.email", true), ("actor.name", true)]
            case .target: [("target.id", false), ("target.name", true)]
            case .ip: [("source.ip", false)]
            case .statusCode: [("status_code", false)]
            default: [(filter.field.rawValue, false)]
            }
        return places.contains { place, ignoring in
            (item.places[place] ?? []).contains { value in
                filter.values.contains { ignoring ? $0.lowercased() == value.lowered : $0 == value.text }
            }
        }
    }

    /// `word`, `"a phrase"`, `path:value` or `changes.field:value`.
    static func holds(_ clause: String, _ item: Item) -> Bool {
        if clause.hasPrefix("-") { return !holds(String(clause.dropFirst()), item) }
        if let colon = clause.firstIndex(of: ":"), clause.first!.isLetter {
            let names = clause[..<colon].split(separator: ".").map(String.init)
            let path = names == ["ip"] ? ["source", "ip"] : names
            let value = clause[clause.index(after: colon)...].trimmingCharacters(in: CharacterSet(charactersIn: "\""))
            if path.count == 2, path[0] == "changes", !["field", "op", "old", "new"].contains(path[1]) {
                return item.changes.contains { change in
                    guard (change["field"] as? String)?.lowercased() == path[1].lowercased() else { return false }
                    var values: [Value] = []
                    for key in ["old", "new"] { if let value = change[key] { collect(value, [], &values) } }
                    return values.contains { $0.lowered == value.lowercased() }
                }
            }
            let (lowered, phrase) = (value.lowercased(), words(value))
            return item.values.contains { candidate in
                candidate.path.starts(with: path) && (candidate.lowered == lowered || contains(candidate.words, phrase: phrase))
            }
        }
        let typed = clause.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
        if item.originalID == typed.lowercased() { return true }
        let phrase = words(typed)
        guard phrase.allSatisfy(item.words.contains) else { return false }
        return phrase.count == 1
            || item.values.contains {
                $0.isString && $0.path != ["time"] && $0.path != ["original_id"] && contains($0.words, phrase: phrase)
            }
    }

    func search(tenants: [UInt32]?, from: Int64?, to: Int64?, filters: [FieldFilter], clauses: [String], descending: Bool) -> [String] {
        items.filter { item in
            (tenants?.contains(item.event.tenant) ?? true) && item.event.time >= from ?? .min && item.event.time < to ?? .max
                && filters.allSatisfy { Self.holds($0, item) } && clauses.allSatisfy { Self.holds($0, item) }
        }.sorted { left, right in
            let (a, b) = descending ? (right.event, left.event) : (left.event, right.event)
            return (a.time, a.seq, a.tenant) < (b.time, b.seq, b.tenant)
        }.map(\.event.line)
    }
}
