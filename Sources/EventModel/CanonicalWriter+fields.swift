// Fields by shape.
extension CanonicalWriter {
    typealias FieldPointer = UnsafePointer<CanonicalSchema.Field>

    /// `,"name":`, without the comma right behind `objectStart`.
    @inline(__always)
    mutating func key(_ field: FieldPointer, objectStart: Int) {
        let key = field.pointee.key
        output.reserve(key.count + 1)
        let skipped = output.written == objectStart ? 1 : 0
        output.put(padded: key.baseAddress! + skipped, key.count &- skipped)
    }

    /// - Parameter objectStart: where the members of the object begin that holds the field; -1 for the root, of which the
    ///   time is written already.
    @inline(__always)
    mutating func write(_ field: FieldPointer, _ node: Int32, _ tree: borrowing EventTree, objectStart: Int) throws(Rejection) {
        let shape = field.pointee.shape
        let it = tree.nodes + Int(node)
        guard shape == .string, it.pointee.shape == .string, it.pointee.isPlain else {
            return try writeOther(field, NodeIndex(node), tree, objectStart: objectStart)
        }
        let key = field.pointee.key
        let text = tree.text(of: NodeIndex(node))
        output.reserve(key.count + text.count + 2)
        let skipped = output.written == objectStart ? 1 : 0
        // With the quote that lies behind the key.
        output.put(padded: key.baseAddress! + skipped, key.count &+ 1 &- skipped)
        output.put(padded: text.baseAddress!, text.count)
        output.put(UInt8(ascii: "\""))
    }

    private mutating func writeOther(_ field: FieldPointer, _ node: NodeIndex, _ tree: borrowing EventTree, objectStart: Int)
        throws(Rejection)
    {
        let shape = tree.shape(of: node)
        if shape == .null, field.pointee.shape != .any { return }
        switch field.pointee.shape {
        case .string:
            guard shape != .object, shape != .array else { throw wrongType(field.pointee, "a string", shape) }
            key(field, objectStart: objectStart)
            if shape == .string { writeString(node, tree) } else { writeQuoted(tree.text(of: node)) }
        case .choice:
            guard shape == .string else { throw wrongType(field.pointee, "a string", shape) }
            let text = tree.text(of: node)
            guard (choices.baseAddress! + Int(field.pointee.argument)).pointee.contains(text) else {
                throw notAChoice(field.pointee, choices[Int(field.pointee.argument)], tree.string(of: node))
            }
            key(field, objectStart: objectStart)
            writeQuoted(text)
        case .integer: try writeNumber(field, node, tree, integer: true, objectStart)
        case .number: try writeNumber(field, node, tree, integer: false, objectStart)
        case .boolean:
            guard shape == .boolean else { throw wrongType(field.pointee, "true or false", shape) }
            key(field, objectStart: objectStart)
            output.append(tree.text(of: node))
        case .time: try writeInnerTime(field, node, tree, objectStart)
        case .any:
            key(field, objectStart: objectStart)
            writeValue(node, tree)
        case .map:
            guard shape == .object else { throw wrongType(field.pointee, "an object", shape) }
            guard tree.firstChild(of: node).exists else { return }
            key(field, objectStart: objectStart)
            writeValue(node, tree)
        case .object:
            guard shape == .object else { throw wrongType(field.pointee, "an object", shape) }
            try writeOptionalObject(field, node, tree)
        case .objects: try writeObjects(field, node, tree)
        case .strings: try writeStrings(field, node, tree, objectStart)
        case .reserved: break
        }
    }

    /// Between quotes, bytes that need no escaping. ``ByteWriter/stride`` bytes behind them must be readable, as behind every
    /// text of a tree.
    @inline(__always)
    mutating func writeQuoted(_ text: UnsafeRawBufferPointer) {
        output.reserve(text.count + 2)
        output.put(UInt8(ascii: "\""))
        output.put(padded: text.baseAddress!, text.count)
        output.put(UInt8(ascii: "\""))
    }

    @inline(__always)
    mutating func writeString(_ node: NodeIndex, _ tree: borrowing EventTree) {
        if tree.nodes[Int(node.raw)].isPlain {
            writeQuoted(tree.text(of: node))
        } else {
            output.appendQuoted(escaping: tree.text(of: node))
        }
    }

    private mutating func writeNumber(
        _ field: FieldPointer, _ node: NodeIndex, _ tree: borrowing EventTree, integer: Bool, _ objectStart: Int
    ) throws(Rejection) {
        let shape = tree.shape(of: node)
        let text = tree.text(of: node)
        guard shape == .number || shape == .string else { throw wrongType(field.pointee, integer ? "an integer" : "a number", shape) }
        guard JSONNumber.isValid(text, integer: integer) else { throw notANumber(field.pointee, tree.string(of: node), integer: integer) }
        // A string may hold a number that no reader of the line could take, our own parser included.
        guard shape == .number || JSONNumber.fits(text) else { throw outOfRange(field.pointee, tree.string(of: node)) }
        key(field, objectStart: objectStart)
        output.append(text)
    }

    private mutating func writeInnerTime(_ field: FieldPointer, _ node: NodeIndex, _ tree: borrowing EventTree, _ objectStart: Int)
        throws(Rejection)
    {
        guard tree.shape(of: node) == .string else { throw wrongType(field.pointee, "a time as a string", tree.shape(of: node)) }
        guard let time = tree.knownTime(of: node) else { throw notATime(field.pointee) }
        key(field, objectStart: objectStart)
        output.append(UInt8(ascii: "\""))
        output.append(time)
        output.append(UInt8(ascii: "\""))
    }

    /// An object that turns out to hold nothing is taken back, but for `actor`, which is always there. Only the root has
    /// such fields.
    private mutating func writeOptionalObject(_ field: FieldPointer, _ node: NodeIndex, _ tree: borrowing EventTree) throws(Rejection) {
        let before = output.count
        key(field, objectStart: -1)
        let isEmpty = try writeObject(field, node, tree)
        if isEmpty, field.pointee.symbol != actorSymbol { output.truncate(to: before) }
    }

    /// Returns whether nothing was written between the braces.
    private mutating func writeObject(_ field: FieldPointer, _ node: NodeIndex, _ tree: borrowing EventTree, index: Int? = nil)
        throws(Rejection) -> Bool
    {
        let object = objects.baseAddress! + Int(field.pointee.argument)
        output.append(UInt8(ascii: "{"))
        let start = output.count
        var members = InlineArray<8, Int32>(repeating: -1)
        var isLeftover = false
        var member = tree.nodes[Int(node.raw)].first
        while member >= 0 {
            let symbol = Int(tree.nodes[Int(member)].symbol.number)
            let position = symbol < object.pointee.positions.count ? object.pointee.positions[symbol] : CanonicalSchema.Object.nowhere
            if position == CanonicalSchema.Object.nowhere { isLeftover = true } else { members[Int(position)] = member }
            member = tree.nodes[Int(member)].next
        }
        for position in 0..<object.pointee.fields.count where members[position] >= 0 {
            try write(object.pointee.fields.baseAddress! + position, members[position], tree, objectStart: start)
        }
        if isLeftover { collectLeftovers(object.pointee, node, tree, path: field.pointee.path, index: index) }
        let isEmpty = output.count == start
        output.append(UInt8(ascii: "}"))
        return isEmpty
    }

    private mutating func writeObjects(_ field: FieldPointer, _ node: NodeIndex, _ tree: borrowing EventTree) throws(Rejection) {
        guard tree.shape(of: node) == .array else { throw wrongType(field.pointee, "an array of objects", tree.shape(of: node)) }
        var element = tree.firstChild(of: node)
        guard element.exists else { return }
        key(field, objectStart: -1)
        output.append(UInt8(ascii: "["))
        var index = 0
        while element.exists {
            guard tree.shape(of: element) == .object else { throw wrongType(field.pointee, "an array of objects", tree.shape(of: element)) }
            if index > 0 { output.append(UInt8(ascii: ",")) }
            _ = try writeObject(field, element, tree, index: index)
            index += 1
            element = tree.next(after: element)
        }
        output.append(UInt8(ascii: "]"))
    }

    private mutating func writeStrings(_ field: FieldPointer, _ node: NodeIndex, _ tree: borrowing EventTree, _ objectStart: Int)
        throws(Rejection)
    {
        guard tree.shape(of: node) == .array else { throw wrongType(field.pointee, "an array of strings", tree.shape(of: node)) }
        var element = tree.firstChild(of: node)
        guard element.exists else { return }
        key(field, objectStart: objectStart)
        output.append(UInt8(ascii: "["))
        while element.exists {
            guard tree.shape(of: element) == .string else { throw wrongType(field.pointee, "an array of strings", tree.shape(of: element)) }
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
                    writeQuoted(tree.key(of: member))
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
    /// Whether the name can be written between quotes as it stands. One from the symbol table may be a pipeline's, which may hold anything.
    @inline(__always)
    func isRawKey(_ node: NodeIndex) -> Bool { nodes[Int(node.raw)].keySpace == .source }
}
