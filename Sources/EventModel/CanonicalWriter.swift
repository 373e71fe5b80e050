/// Writes a tree as the body of a canonical line: from `"time":` to the closing brace, fields in the schema's order.
///
/// One pass over the schema; a field is found by its symbol and written straight from the producer's bytes. What the
/// schema has no place for is collected on the way and written under `unmapped` with its dotted path as the key, so
/// nothing a producer sent is ever lost. `null` in a typed field, and empty objects and arrays there, count as absent.
public struct CanonicalWriter: ~Copyable {
    /// What the batching writer and the store need to know of the event just written.
    public struct Outcome {
        public var time: Timestamp
        public var identity: UInt64
        /// As in ``NormalisedEvent/contentOffset``.
        public var contentOffset: Int
    }

    struct Leftover {
        var node: NodeIndex
        /// `""` for a member of the root, else the dotted path in front of the node's own name.
        var parent: String
    }

    public var output = ByteWriter(capacity: 8192)
    var leftovers: [Leftover] = []
    /// Hashes of the names written under `unmapped` so far, so that none stands there twice.
    var unmappedNames: [UInt64] = []

    public init() {}

    /// - Parameters:
    ///   - time: used when the event carries none.
    /// - Throws: ``Rejection`` with the field that is missing, of the wrong type or has a value outside its vocabulary.
    public mutating func write(_ tree: borrowing EventTree, time fallback: Timestamp) throws(Rejection) -> Outcome {
        output.removeAll()
        leftovers.removeAll(keepingCapacity: true)
        try checkPresence(tree)
        let time = try writeTime(tree, fallback: fallback)
        let hasOwnTime = isPresent(tree.child(of: .root, Self.timeSymbol), tree)
        // Behind the comma that follows the time.
        let contentOffset = hasOwnTime ? 0 : output.count + 1
        let fields = CanonicalSchema.root.fields
        for index in Self.firstFieldBehindTime..<fields.count - 1 {
            let field = fields[index]
            let node = tree.child(of: .root, field.symbol)
            if node.exists { try write(field, node, tree) }
        }
        collectRootLeftovers(tree)
        try writeUnmapped(tree, fields[fields.count - 1])
        output.append(UInt8(ascii: "}"))
        return Outcome(time: time, identity: identity(tree), contentOffset: contentOffset)
    }

    private static let timeSymbol = CanonicalSchema.symbol("time")
    private static let tenantSymbol = CanonicalSchema.symbol("tenant")
    private static let actorSymbol = CanonicalSchema.symbol("actor")
    private static let producerSymbol = CanonicalSchema.symbol("producer")
    private static let nameSymbol = CanonicalSchema.symbol("name")
    private static let originalIDSymbol = CanonicalSchema.symbol("original_id")
    /// Behind `seq`, `id`, `received`, which the batching writer writes, and `time`.
    private static let firstFieldBehindTime = 4
    /// Always present; `time` has a fallback.
    private static let alwaysPresent: [Symbol] = ["tenant", "kind", "type", "action", "outcome", "severity", "actor"].map(
        CanonicalSchema.symbol)

    private func checkPresence(_ tree: borrowing EventTree) throws(Rejection) {
        for symbol in Self.alwaysPresent {
            let node = tree.child(of: .root, symbol)
            if !node.exists || tree.shape(of: node) == .null {
                let name = tree.symbols.name(symbol)
                throw Rejection(field: name, code: .required, message: "\"\(name)\" must be there, and the pipeline gives it no default")
            }
        }
        let originalID = tree.child(of: .root, Self.originalIDSymbol)
        if originalID.exists, tree.text(of: originalID).count > Limits.originalIDBytes {
            throw Rejection(field: "original_id", code: .tooLarge, message: "an original_id has at most \(Limits.originalIDBytes) bytes")
        }
    }

    private func isPresent(_ node: NodeIndex, _ tree: borrowing EventTree) -> Bool { node.exists && tree.shape(of: node) != .null }

    private mutating func writeTime(_ tree: borrowing EventTree, fallback: Timestamp) throws(Rejection) -> Timestamp {
        let node = tree.child(of: .root, Self.timeSymbol)
        var time = fallback
        if isPresent(node, tree) {
            guard tree.shape(of: node) == .string else {
                throw Rejection(
                    field: "time", code: .wrongType, message: "time is a string after RFC 3339, such as 2026-11-20T12:34:56.789Z")
            }
            guard let parsed = Timestamp(tree.text(of: node)) else {
                throw Rejection(
                    field: "time", code: .invalidValue,
                    message: "\"\(tree.string(of: node).prefix(64))\" is not a time after RFC 3339, such as 2026-11-20T12:34:56.789Z")
            }
            time = parsed
        }
        output.append("\"time\":\"" as StaticString)
        output.append(time)
        output.append(UInt8(ascii: "\""))
        return time
    }

    private func identity(_ tree: borrowing EventTree) -> UInt64 {
        let originalID = tree.child(of: .root, Self.originalIDSymbol)
        guard originalID.exists, tree.text(of: originalID).count > 0 else { return 0 }
        var producerName = UnsafeRawBufferPointer(start: nil, count: 0)
        let producer = tree.child(of: .root, Self.producerSymbol)
        if producer.exists {
            let name = tree.child(of: producer, Self.nameSymbol)
            if name.exists { producerName = tree.text(of: name) }
        }
        let tenant = tree.text(of: tree.child(of: .root, Self.tenantSymbol))
        return Hash64.identity(tenant: tenant, producer: producerName, originalID: tree.text(of: originalID))
    }
}

// Fields by shape.
extension CanonicalWriter {
    @inline(__always)
    private mutating func key(_ field: CanonicalSchema.Field) {
        // A body begins with `"time":`, and an object with `{`: only behind that does a comma stand.
        let last = output.bytes[output.count - 1]
        if last != UInt8(ascii: "{") { output.append(UInt8(ascii: ",")) }
        output.append(field.key)
    }

    private mutating func write(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree) throws(Rejection) {
        let shape = tree.shape(of: node)
        if shape == .null, field.shape != .any { return }
        switch field.shape {
        case .string:
            guard shape != .object, shape != .array else { throw wrongType(field, "a string", shape) }
            key(field)
            if shape == .string { writeString(node, tree) } else { output.appendQuoted(raw: tree.text(of: node)) }
        case .choice:
            guard shape == .string else { throw wrongType(field, "a string", shape) }
            let choices = CanonicalSchema.choices[Int(field.argument)]
            guard choices.contains(tree.text(of: node)) else { throw notAChoice(field, choices, tree.string(of: node)) }
            key(field)
            output.appendQuoted(raw: tree.text(of: node))
        case .integer: try writeNumber(field, node, tree, integer: true)
        case .number: try writeNumber(field, node, tree, integer: false)
        case .boolean:
            guard shape == .boolean else { throw wrongType(field, "true or false", shape) }
            key(field)
            output.append(tree.text(of: node))
        case .time: try writeInnerTime(field, node, tree)
        case .any:
            key(field)
            writeValue(node, tree)
        case .map:
            guard shape == .object else { throw wrongType(field, "an object", shape) }
            guard tree.firstChild(of: node).exists else { return }
            key(field)
            writeValue(node, tree)
        case .object:
            guard shape == .object else { throw wrongType(field, "an object", shape) }
            try writeOptionalObject(field, node, tree)
        case .objects: try writeObjects(field, node, tree)
        case .strings: try writeStrings(field, node, tree)
        case .reserved: break
        }
    }

    @inline(__always)
    private mutating func writeString(_ node: NodeIndex, _ tree: borrowing EventTree) {
        if tree.isRawString(node) {
            output.appendQuoted(raw: tree.text(of: node))
        } else {
            output.appendQuoted(escaping: tree.text(of: node))
        }
    }

    private mutating func writeNumber(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree, integer: Bool)
        throws(Rejection)
    {
        let shape = tree.shape(of: node)
        let text = tree.text(of: node)
        guard shape == .number || shape == .string else { throw wrongType(field, integer ? "an integer" : "a number", shape) }
        guard JSONNumber.isValid(text, integer: integer) else { throw notANumber(field, tree.string(of: node), integer: integer) }
        // A string may hold a number that no reader of the line could take, our own parser included.
        guard shape == .number || JSONNumber.fits(text) else { throw outOfRange(field, tree.string(of: node)) }
        key(field)
        output.append(text)
    }

    private mutating func writeInnerTime(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree) throws(Rejection) {
        guard tree.shape(of: node) == .string else { throw wrongType(field, "a time as a string", tree.shape(of: node)) }
        guard let time = Timestamp(tree.text(of: node)) else { throw notATime(field) }
        key(field)
        output.append(UInt8(ascii: "\""))
        output.append(time)
        output.append(UInt8(ascii: "\""))
    }

    /// An object that turns out to hold nothing is taken back, but for `actor`, which is always there.
    private mutating func writeOptionalObject(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree)
        throws(Rejection)
    {
        let before = output.count
        key(field)
        let isEmpty = try writeObject(CanonicalSchema.objects[Int(field.argument)], node, tree, path: field.path)
        if isEmpty, field.symbol != Self.actorSymbol { output.truncate(to: before) }
    }

    /// Returns whether nothing was written between the braces.
    private mutating func writeObject(
        _ object: CanonicalSchema.Object, _ node: NodeIndex, _ tree: borrowing EventTree, path: UnsafeRawBufferPointer, index: Int? = nil
    ) throws(Rejection) -> Bool {
        output.append(UInt8(ascii: "{"))
        let start = output.count
        var found = 0
        for field in object.fields {
            let member = tree.child(of: node, field.symbol)
            guard member.exists else { continue }
            found += 1
            try write(field, member, tree)
        }
        if tree.childCount(of: node) != found { collectLeftovers(object, node, tree, path: path, index: index) }
        let isEmpty = output.count == start
        output.append(UInt8(ascii: "}"))
        return isEmpty
    }

    private mutating func writeObjects(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree) throws(Rejection) {
        guard tree.shape(of: node) == .array else { throw wrongType(field, "an array of objects", tree.shape(of: node)) }
        var element = tree.firstChild(of: node)
        guard element.exists else { return }
        key(field)
        output.append(UInt8(ascii: "["))
        var index = 0
        while element.exists {
            guard tree.shape(of: element) == .object else { throw wrongType(field, "an array of objects", tree.shape(of: element)) }
            if index > 0 { output.append(UInt8(ascii: ",")) }
            _ = try writeObject(CanonicalSchema.objects[Int(field.argument)], element, tree, path: field.path, index: index)
            index += 1
            element = tree.next(after: element)
        }
        output.append(UInt8(ascii: "]"))
    }

    private mutating func writeStrings(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree) throws(Rejection) {
        guard tree.shape(of: node) == .array else { throw wrongType(field, "an array of strings", tree.shape(of: node)) }
        var element = tree.firstChild(of: node)
        guard element.exists else { return }
        key(field)
        output.append(UInt8(ascii: "["))
        while element.exists {
            guard tree.shape(of: element) == .string else { throw wrongType(field, "an array of strings", tree.shape(of: element)) }
            writeString(element, tree)
            element = tree.next(after: element)
            output.append(element.exists ? UInt8(ascii: ",") : UInt8(ascii: "]"))
        }
    }

    /// Any value as it is. The parser and `unmapped` bound the depth.
    mutating func writeValue(_ node: NodeIndex, _ tree: borrowing EventTree) {
        switch tree.shape(of: node) {
        case .null: output.append("null" as StaticString)
        case .boolean, .number: output.append(tree.text(of: node))
        case .string: writeString(node, tree)
        case .object:
            output.append(UInt8(ascii: "{"))
            var member = tree.firstChild(of: node)
            while member.exists {
                if tree.isRawKey(member) {
                    output.appendQuoted(raw: tree.key(of: member))
                } else {
                    output.appendQuoted(escaping: tree.key(of: member))
                }
                output.append(UInt8(ascii: ":"))
                writeValue(member, tree)
                member = tree.next(after: member)
                if member.exists { output.append(UInt8(ascii: ",")) }
            }
            output.append(UInt8(ascii: "}"))
        case .array:
            output.append(UInt8(ascii: "["))
            var element = tree.firstChild(of: node)
            while element.exists {
                writeValue(element, tree)
                element = tree.next(after: element)
                if element.exists { output.append(UInt8(ascii: ",")) }
            }
            output.append(UInt8(ascii: "]"))
        }
    }
}

// What the schema has no place for.
extension CanonicalWriter {
    private mutating func collectRootLeftovers(_ tree: borrowing EventTree) {
        var child = tree.firstChild(of: .root)
        while child.exists {
            let symbol = Int(tree.symbol(of: child).number)
            // Reserved fields are the writer's own: a producer's `seq`, `id` or `received` is kept as unmapped.
            if symbol == 0 || symbol > CanonicalSchema.rootFieldCount || symbol < 4 { leftovers.append(Leftover(node: child, parent: "")) }
            child = tree.next(after: child)
        }
    }

    private mutating func collectLeftovers(
        _ object: CanonicalSchema.Object, _ node: NodeIndex, _ tree: borrowing EventTree, path: UnsafeRawBufferPointer, index: Int?
    ) {
        let parent = String(decoding: path, as: UTF8.self) + (index.map { "[\($0)]" } ?? "")
        var member = tree.firstChild(of: node)
        while member.exists {
            let symbol = tree.symbol(of: member)
            if !object.fields.contains(where: { $0.symbol == symbol }) {
                leftovers.append(Leftover(node: member, parent: parent))
            }
            member = tree.next(after: member)
        }
    }

    private mutating func writeUnmapped(_ tree: borrowing EventTree, _ field: CanonicalSchema.Field) throws(Rejection) {
        let given = tree.child(of: .root, field.symbol)
        let hasGiven = given.exists && tree.shape(of: given) != .null
        if hasGiven, tree.shape(of: given) != .object { throw wrongType(field, "an object", tree.shape(of: given)) }
        guard !leftovers.isEmpty || (hasGiven && tree.firstChild(of: given).exists) else { return }
        key(field)
        output.append(UInt8(ascii: "{"))
        unmappedNames.removeAll(keepingCapacity: true)
        if hasGiven {
            var member = tree.firstChild(of: given)
            while member.exists {
                writeLeftover(Leftover(node: member, parent: ""), tree)
                member = tree.next(after: member)
            }
        }
        for leftover in leftovers { writeLeftover(leftover, tree) }
        output.append(UInt8(ascii: "}"))
    }

    private mutating func writeLeftover(_ leftover: Leftover, _ tree: borrowing EventTree) {
        if !unmappedNames.isEmpty { output.append(UInt8(ascii: ",")) }
        output.append(UInt8(ascii: "\""))
        let start = output.count
        if !leftover.parent.isEmpty {
            output.append(leftover.parent)
            output.append(UInt8(ascii: "."))
        }
        output.appendEscaped(tree.key(of: leftover.node))
        makeUnique(from: start)
        output.append("\":" as StaticString)
        writeValue(leftover.node, tree)
    }

    /// Puts `~2`, `~3` … behind a name that stands under `unmapped` already: a root member `a` beside
    /// `unmapped.a`, or `actor.x` beside `x` of `actor`. A key twice would make the line one that we refuse ourselves.
    private mutating func makeUnique(from start: Int) {
        let end = output.count
        var number = 1
        while true {
            let hash = Hash64.hash(UnsafeRawBufferPointer(rebasing: output.bytes[start...]))
            if !unmappedNames.contains(hash) {
                unmappedNames.append(hash)
                return
            }
            number += 1
            output.truncate(to: end)
            output.append(UInt8(ascii: "~"))
            output.append(decimal: number)
        }
    }
}

// Errors. Never inlined: they are rare, and their strings would fill the frames of the functions that write.
extension CanonicalWriter {
    @inline(never)
    private func notANumber(_ field: CanonicalSchema.Field, _ found: String, integer: Bool) -> Rejection {
        Rejection(field: path(field), code: .invalidValue, message: "\"\(found.prefix(64))\" is not \(integer ? "an integer" : "a number")")
    }

    @inline(never)
    private func outOfRange(_ field: CanonicalSchema.Field, _ found: String) -> Rejection {
        Rejection(field: path(field), code: .numberRange, message: "\"\(found.prefix(64))\" is out of range for a number")
    }

    @inline(never)
    private func notATime(_ field: CanonicalSchema.Field) -> Rejection {
        Rejection(
            field: path(field), code: .invalidValue, message: "\(path(field)) is a time after RFC 3339, such as 2026-11-20T12:34:56.789Z")
    }

    private func path(_ field: CanonicalSchema.Field) -> String { String(decoding: field.path, as: UTF8.self) }

    @inline(never)
    private func wrongType(_ field: CanonicalSchema.Field, _ wanted: String, _ found: EventTree.Shape) -> Rejection {
        Rejection(field: path(field), code: .wrongType, message: "\(path(field)) must be \(wanted), found \(found)")
    }

    @inline(never)
    private func notAChoice(_ field: CanonicalSchema.Field, _ choices: Choices, _ found: String) -> Rejection {
        Rejection(field: path(field), code: .invalidValue, message: "\"\(found.prefix(64))\" is not one of: \(choices.listed)")
    }
}

extension EventTree {
    /// Whether the text can be written between quotes as it stands.
    @inline(__always)
    func isRawString(_ node: NodeIndex) -> Bool { nodes[Int(node.raw)].textSpace == .source }

    /// The same for the name. One from the symbol table may be a pipeline's, which may hold anything.
    @inline(__always)
    func isRawKey(_ node: NodeIndex) -> Bool { nodes[Int(node.raw)].keySpace == .source }

    @inline(__always)
    func childCount(of node: NodeIndex) -> Int {
        var count = 0
        var child = nodes[Int(node.raw)].first
        while child >= 0 {
            count += 1
            child = nodes[Int(child)].next
        }
        return count
    }
}
