import EventModel

/// A tree as `place → JSON text`, for comparing and explaining.
struct FlatEvent: Equatable {
    /// In document order.
    var places: [(place: String, value: String)] = []

    static func == (left: FlatEvent, right: FlatEvent) -> Bool { left.sorted() == right.sorted() }

    private func sorted() -> [String] { places.map { "\($0.place) = \($0.value)" }.sorted() }

    init() {}

    init(_ tree: borrowing EventTree) { add(tree, .root, "") }

    private mutating func add(_ tree: borrowing EventTree, _ node: NodeIndex, _ place: String) {
        switch tree.shape(of: node) {
        case .object:
            var child = tree.firstChild(of: node)
            if !child.exists, !place.isEmpty { places.append((place, "{}")) }
            while child.exists {
                let key = String(decoding: tree.key(of: child), as: UTF8.self)
                add(tree, child, place.isEmpty ? key : place + "." + key)
                child = tree.next(after: child)
            }
        case .array:
            var child = tree.firstChild(of: node)
            if !child.exists { places.append((place, "[]")) }
            var index = 0
            while child.exists {
                add(tree, child, "\(place)[\(index)]")
                child = tree.next(after: child)
                index += 1
            }
        case .string: places.append((place, "\"" + tree.string(of: node) + "\""))
        case .number, .boolean: places.append((place, tree.string(of: node)))
        case .null: places.append((place, "null"))
        }
    }

    /// What stands in YAML as the expected event.
    mutating func add(_ reader: DefinitionReader, _ place: String = "") throws(PipelineLoadError) {
        if reader.isMapping {
            let members = try reader.members()
            if members.isEmpty, !place.isEmpty { places.append((place, "{}")) }
            for member in members { try add(member.value, place.isEmpty ? member.name : place + "." + member.name) }
        } else if reader.isSequence {
            let list = try reader.sequence()
            if list.isEmpty { places.append((place, "[]")) }
            for (index, item) in list.enumerated() { try add(item, "\(place)[\(index)]") }
        } else {
            let scalar = try reader.scalar()
            places.append((place, scalar.shape == .string ? "\"\(scalar.text)\"" : scalar.text))
        }
    }

    /// Lines that say what is different, in the manner of `diff`.
    func difference(from expected: FlatEvent) -> [String] {
        let mine = Dictionary(places.map { ($0.place, $0.value) }, uniquingKeysWith: { first, _ in first })
        let theirs = Dictionary(expected.places.map { ($0.place, $0.value) }, uniquingKeysWith: { first, _ in first })
        var lines: [String] = []
        for (place, value) in expected.places where mine[place] != value { lines.append("- \(place) = \(value)") }
        for (place, value) in places where theirs[place] != value { lines.append("+ \(place) = \(value)") }
        return lines
    }
}
