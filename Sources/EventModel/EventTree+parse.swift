import CSimdJSON

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

// simdjson's tape and its structural offsets, walked in step, become nodes.
extension EventTree {
    /// Parses one JSON object.
    ///
    /// - Parameter source: the object's bytes; ``Limits/parserPadding`` bytes behind them must be readable. Must stay
    ///   in place as long as the tree is used.
    /// - Throws: ``Rejection`` naming the byte offset and, where one is open, the field.
    public mutating func parse(_ source: UnsafeRawBufferPointer) throws(Rejection) {
        guard source.count <= Limits.eventBytes else { throw .tooLong(source.count) }
        reset(source: source)
        guard let base = source.baseAddress, source.count > 0 else {
            throw Rejection(field: "", code: .invalidJSON, message: "the event is empty")
        }
        var document = csimdjson_document()
        let code = csimdjson_parse(parser, base.assumingMemoryBound(to: UInt8.self), source.count, &document)
        guard code == 0 else { throw JSONDiagnosis.explain(source, parserMessage: String(cString: csimdjson_error_message(Int32(code)))) }
        guard UInt8(truncatingIfNeeded: document.tape[1] >> 56) == UInt8(ascii: "{") else {
            throw Rejection(field: "", code: .wrongType, message: "an event is a JSON object; this is another JSON value")
        }
        strings = document.strings
        let hasEscapes = memchr(base, Int32(UInt8(ascii: "\\")), source.count) != nil
        try walk(document, hasEscapes: hasEscapes)
    }

    /// Bytes that may stand in a number behind its first.
    @inline(__always)
    private func numberLength(at start: Int) -> Int {
        var end = start
        while end < source.count {
            let byte = source[end]
            let isNumber =
                byte &- UInt8(ascii: "0") < 10 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
                || byte | 0x20 == UInt8(ascii: "e")
            if !isNumber { break }
            end += 1
        }
        return end - start
    }

    private mutating func walk(_ document: csimdjson_document, hasEscapes: Bool) throws(Rejection) {
        var tape = document.tape + 2
        var structural = document.structurals + 1
        var parent: Int32 = 0
        var parentIsObject = true
        var depth = 1
        // Parents of the open containers and where their unknown keys begin; `Limits.depth` of each.
        var parents = InlineArray<40, Int32>(repeating: 0)
        var unknownStarts = InlineArray<40, Int>(repeating: 0)
        unknownKeys.removeAll(keepingCapacity: true)

        while true {
            var word = tape.pointee
            var tag = UInt8(truncatingIfNeeded: word >> 56)
            if tag == UInt8(ascii: "}") || tag == UInt8(ascii: "]") {
                unknownKeys.removeLast(unknownKeys.count - unknownStarts[depth])
                depth -= 1
                tape += 1
                structural += 1
                if depth == 0 { return }
                if structural.pointee < source.count, source[Int(structural.pointee)] == UInt8(ascii: ",") { structural += 1 }
                parent = parents[depth]
                parentIsObject = nodes[Int(parent)].shape == .object
                continue
            }
            let node = addNode(shape: .null)
            if parentIsObject {
                setKey(node, tapeWord: word, structural: Int(structural.pointee), hasEscapes: hasEscapes)
                do throws(Rejection) {
                    try checkDuplicate(node, parent: parent, depth: depth, unknownStart: unknownStarts[depth])
                } catch {
                    var named = error
                    named.field = path(parents: parents, depth: depth, parent: parent, node: node)
                    throw named
                }
                tape += 1
                structural += 2
                word = tape.pointee
                tag = UInt8(truncatingIfNeeded: word >> 56)
            }
            link(node, to: parent)
            if parent == 0 { rootSlots[Int(nodes[Int(node)].symbol.number)] = node }
            let offset = Int(structural.pointee)
            structural += 1
            tape += 1
            switch tag {
            case UInt8(ascii: "\""):
                nodes[Int(node)].shape = .string
                let text = locateString(tapeWord: word, structural: offset, hasEscapes: hasEscapes)
                setText(node, space: text.space, start: text.start, length: text.length)
            case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "d"):
                tape += 1
                nodes[Int(node)].shape = .number
                setText(node, space: .source, start: UInt32(offset), length: UInt32(numberLength(at: offset)))
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                nodes[Int(node)].shape = tag == UInt8(ascii: "{") ? .object : .array
                guard depth < Limits.depth else { throw .tooDeep(field: path(parents: parents, depth: depth, parent: parent, node: node)) }
                parents[depth] = parent
                depth += 1
                unknownStarts[depth] = unknownKeys.count
                parent = node
                parentIsObject = tag == UInt8(ascii: "{")
                continue
            case UInt8(ascii: "t"), UInt8(ascii: "f"):
                nodes[Int(node)].shape = .boolean
                setText(node, space: .source, start: UInt32(offset), length: tag == UInt8(ascii: "t") ? 4 : 5)
            default:
                break
            }
            if source[Int(structural.pointee)] == UInt8(ascii: ",") { structural += 1 }
        }
    }

    /// Where a string's unescaped bytes lie: in the source when it holds no escape, else where simdjson put them.
    @inline(__always)
    private func locateString(tapeWord: UInt64, structural: Int, hasEscapes: Bool) -> (space: Space, start: UInt32, length: UInt32) {
        let at = Int(truncatingIfNeeded: tapeWord & 0x00FF_FFFF_FFFF_FFFF)
        let length = UnsafeRawPointer(strings! + at).loadUnaligned(as: UInt32.self)
        let unescaped = UInt32(truncatingIfNeeded: at + 4)
        guard hasEscapes else { return (.source, UInt32(truncatingIfNeeded: structural + 1), length) }
        let raw = source.baseAddress! + structural + 1
        let same = structural + 1 + Int(length) < source.count && source[structural + 1 + Int(length)] == UInt8(ascii: "\"")
        if same, equalBytes(raw, strings! + at + 4, Int(length)) { return (.source, UInt32(truncatingIfNeeded: structural + 1), length) }
        return (.strings, unescaped, length)
    }

    @inline(__always)
    private mutating func setKey(_ node: Int32, tapeWord: UInt64, structural: Int, hasEscapes: Bool) {
        let text = locateString(tapeWord: tapeWord, structural: structural, hasEscapes: hasEscapes)
        let name = bytes(space: text.space, start: text.start, length: text.length)
        nodes[Int(node)].symbol = symbols.symbol(name.baseAddress!.assumingMemoryBound(to: UInt8.self), name.count)
        nodes[Int(node)].keySpace = text.space
        nodes[Int(node)].keyStart = text.start
        nodes[Int(node)].keyLength = text.length
    }

    @inline(__always)
    private mutating func checkDuplicate(_ node: Int32, parent: Int32, depth: Int, unknownStart: Int) throws(Rejection) {
        let symbol = nodes[Int(node)].symbol
        if symbol != .unknown {
            // Node indices start anew with every event, so an owner left by an earlier event could have this index:
            // it counts only while it points to a member of this very object.
            let slot = depth * symbols.count + Int(symbol.number)
            let owner = lastOwner[slot]
            lastOwner[slot] = node
            if owner >= 0, owner < node, isMember(owner, of: parent, symbol) {
                throw .duplicateKey(String(decoding: key(of: NodeIndex(node)), as: UTF8.self))
            }
            return
        }
        try checkUnknownDuplicate(node, unknownStart: unknownStart)
    }

    /// Rare: only reached when a stamp is there, which an earlier event or a sibling object may have left.
    @inline(never)
    private func isMember(_ candidate: Int32, of parent: Int32, _ symbol: Symbol) -> Bool {
        guard candidate > parent, nodes[Int(candidate)].symbol == symbol else { return false }
        var at = nodes[Int(parent)].first
        while at >= 0, at < candidate { at = nodes[Int(at)].next }
        return at == candidate
    }

    @inline(never)
    private mutating func checkUnknownDuplicate(_ node: Int32, unknownStart: Int) throws(Rejection) {
        let name = key(of: NodeIndex(node))
        let hash = Hash64.hash(name)
        guard unknownKeys.count - unknownStart < Limits.objectMembers else {
            throw Rejection(
                field: String(decoding: name, as: UTF8.self), code: .tooDeep,
                message: "an object has more than \(Limits.objectMembers) members; send them as an array or split the event")
        }
        for index in unknownStart..<unknownKeys.count where unknownKeys[index].hash == hash {
            let other = key(of: NodeIndex(unknownKeys[index].node))
            if other.count == name.count, equalBytes(other.baseAddress!, name.baseAddress!, name.count) {
                throw .duplicateKey(String(decoding: name, as: UTF8.self))
            }
        }
        unknownKeys.append((hash, node))
    }

    /// Dotted path of a node that is being opened.
    private func path(parents: InlineArray<40, Int32>, depth: Int, parent: Int32, node: Int32) -> String {
        var names: [String] = []
        for level in 2..<max(2, depth) where level < 40 { names.append(nodeName(parents[level])) }
        return (names + [nodeName(parent), nodeName(node)]).filter { !$0.isEmpty }.joined(separator: ".")
    }

    private func nodeName(_ node: Int32) -> String {
        node <= 0 || nodes[Int(node)].keyLength == 0 ? "" : String(decoding: key(of: NodeIndex(node)), as: UTF8.self)
    }
}

extension Rejection {
    public static func tooLong(_ bytes: Int) -> Rejection {
        Rejection(
            field: "", code: .tooLarge,
            message: "the event has \(bytes) bytes, more than the limit of \(Limits.eventBytes); send a link to the large part instead")
    }

    static func tooDeep(field: String) -> Rejection {
        Rejection(field: field, code: .tooDeep, message: "objects and arrays lie deeper within one another than \(Limits.depth) levels")
    }

    static func duplicateKey(_ name: String) -> Rejection {
        Rejection(field: name, code: .duplicateKey, message: "the key \"\(name)\" stands twice in one object")
    }
}
