// Fields by shape.
extension CanonicalWriter {
    @inline(__always)
    mutating func key(_ field: CanonicalSchema.Field) {
        // A body begins with `"time":`, and an object with `{`: only behind that does a comma stand.
        let last = output.bytes[output.count - 1]
        if last != UInt8(ascii: "{") { output.append(UInt8(ascii: ",")) }
        output.append(field.key)
    }

    mutating func write(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree) throws(Rejection) {
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
    mutating func writeString(_ node: NodeIndex, _ tree: borrowing EventTree) {
        if tree.isRawString(node) {
            output.appendQuoted(raw: tree.text(of: node))
        } else {
            output.appendQuoted(escaping: tree.text(of: node))
        }
    }

    mutating func writeNumber(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree, integer: Bool)
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

    mutating func writeInnerTime(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree) throws(Rejection) {
        guard tree.shape(of: node) == .string else { throw wrongType(field, "a time as a string", tree.shape(of: node)) }
        guard let time = Timestamp(tree.text(of: node)) else { throw notATime(field) }
        key(field)
        output.append(UInt8(ascii: "\""))
        output.append(time)
        output.append(UInt8(ascii: "\""))
    }

    /// An object that turns out to hold nothing is taken back, but for `actor`, which is always there.
    mutating func writeOptionalObject(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree)
        throws(Rejection)
    {
        let before = output.count
        key(field)
        let isEmpty = try writeObject(CanonicalSchema.objects[Int(field.argument)], node, tree, path: field.path)
        if isEmpty, field.symbol != Self.actorSymbol { output.truncate(to: before) }
    }

    /// Returns whether nothing was written between the braces.
    mutating func writeObject(
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

    mutating func writeObjects(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree) throws(Rejection) {
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

    mutating func writeStrings(_ field: CanonicalSchema.Field, _ node: NodeIndex, _ tree: borrowing EventTree) throws(Rejection) {
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
