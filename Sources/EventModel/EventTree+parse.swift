import CSimdJSON

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
        let code = csimdjson_parse(storage.pointee.parser, base.assumingMemoryBound(to: UInt8.self), source.count, &document)
        guard code == 0 else { throw JSONDiagnosis.explain(source, parserMessage: String(cString: csimdjson_error_message(Int32(code)))) }
        guard UInt8(truncatingIfNeeded: document.tape[1] >> 56) == UInt8(ascii: "{") else {
            throw Rejection(field: "", code: .wrongType, message: "an event is a JSON object; this is another JSON value")
        }
        storage.pointee.strings = document.strings
        let hasEscapes = csimdjson_mark_signs(base.assumingMemoryBound(to: UInt8.self), source.count, signs) != 0
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
        // Every value has a structural of its own and shares at most one more: a separator, or the end of its container.
        let most = Int(document.structural_count) / 2 + 2
        if most > storage.pointee.nodeCapacity { growNodes(to: max(most, storage.pointee.nodeCapacity * 2)) }
        if storage.pointee.objectSerial > UInt32.max - UInt32(Limits.eventBytes) { forgetOwners() }
        storage.pointee.unknownKeys.removeAll(keepingCapacity: true)
        let nodes = nodes
        let rootSlots = rootSlots
        let levels = levels
        var nodeCount = storage.pointee.nodeCount
        var objectSerial = storage.pointee.objectSerial
        var unknownCount = 0
        defer {
            storage.pointee.nodeCount = nodeCount
            storage.pointee.objectSerial = objectSerial
        }
        let source = source.baseAddress!
        var tape = document.tape + 2
        var structural = document.structurals + 1
        var parent: Int32 = 0
        var previous: Int32 = -1
        var parentIsObject = true
        var depth = 1
        objectSerial += 1
        levels[1] = Level(node: 0, serial: objectSerial, unknownStart: 0)

        while true {
            var word = tape.pointee
            var tag = UInt8(truncatingIfNeeded: word &>> 56)
            if tag == UInt8(ascii: "}") || tag == UInt8(ascii: "]") {
                nodes[Int(parent)].last = previous
                let unknownStart = levels[depth].unknownStart
                if unknownCount > unknownStart { unknownCount = forgetUnknownKeys(from: unknownStart) }
                depth &-= 1
                if depth == 0 { return }
                tape += 1
                structural += 1
                if source.load(fromByteOffset: Int(structural.pointee), as: UInt8.self) == UInt8(ascii: ",") { structural += 1 }
                previous = parent
                parent = levels[depth].node
                parentIsObject = nodes[Int(parent)].shape == .object
                continue
            }
            let node = Int32(truncatingIfNeeded: nodeCount)
            nodeCount &+= 1
            var made = Node(
                shape: .null, textSpace: .source, keySpace: .symbol, isPlain: false, symbol: .unknown, next: -1, first: -1, last: -1,
                keyStart: 0, keyLength: 0, start: 0, length: 0)
            if parentIsObject {
                let key = locateString(tapeWord: word, structural: Int(structural.pointee), hasEscapes: hasEscapes)
                let name = bytes(space: key.space, start: key.start, length: key.length)
                made.symbol = symbols.symbol(padded: name.baseAddress!, name.count)
                made.keySpace = key.space
                made.keyStart = key.start
                made.keyLength = key.length
                if isDuplicate(made.symbol, depth) || made.symbol == .unknown {
                    nodes[Int(node)] = made
                    do throws(Rejection) { unknownCount = try checkDuplicate(node, depth) } catch {
                        var named = error
                        named.field = path(depth: depth, node: node)
                        throw named
                    }
                }
                tape += 1
                structural += 2
                word = tape.pointee
                tag = UInt8(truncatingIfNeeded: word &>> 56)
            }
            if previous < 0 { nodes[Int(parent)].first = node } else { nodes[Int(previous)].next = node }
            previous = node
            if parent == 0 { rootSlots[Int(made.symbol.number)] = node }
            let offset = Int(structural.pointee)
            structural += 1
            tape += 1
            switch tag {
            case UInt8(ascii: "\""):
                made.shape = .string
                let text = locateString(tapeWord: word, structural: offset, hasEscapes: hasEscapes)
                made.textSpace = text.space
                made.isPlain = text.space == .source
                made.start = text.start
                made.length = text.length
            case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "d"):
                tape += 1
                made.shape = .number
                made.start = UInt32(truncatingIfNeeded: offset)
                made.length = UInt32(truncatingIfNeeded: numberLength(at: offset))
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                made.shape = tag == UInt8(ascii: "{") ? .object : .array
                nodes[Int(node)] = made
                guard depth < Limits.depth else { throw .tooDeep(field: path(depth: depth, node: node)) }
                depth &+= 1
                parentIsObject = tag == UInt8(ascii: "{")
                if parentIsObject { objectSerial &+= 1 }
                levels[depth] = Level(node: node, serial: objectSerial, unknownStart: unknownCount)
                parent = node
                previous = -1
                continue
            case UInt8(ascii: "t"), UInt8(ascii: "f"):
                made.shape = .boolean
                made.start = UInt32(truncatingIfNeeded: offset)
                made.length = tag == UInt8(ascii: "t") ? 4 : 5
            default:
                break
            }
            nodes[Int(node)] = made
            if source.load(fromByteOffset: Int(structural.pointee), as: UInt8.self) == UInt8(ascii: ",") { structural += 1 }
        }
    }

    @inline(never)
    private func forgetUnknownKeys(from start: Int) -> Int {
        storage.pointee.unknownKeys.removeLast(storage.pointee.unknownKeys.count - start)
        return start
    }

    /// Makes room for the serial numbers of more objects.
    @inline(never)
    private func forgetOwners() {
        storage.pointee.objectSerial = 0
        lastOwner.update(repeating: 0, count: symbols.count * (Limits.depth + 1))
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

    /// Whether the object at `depth` has a member of this name already; from now on it has.
    @inline(__always)
    private func isDuplicate(_ symbol: Symbol, _ depth: Int) -> Bool {
        let owner = lastOwner + (depth &* symbols.count &+ Int(symbol.number))
        let serial = levels[depth].serial
        if owner.pointee == serial { return true }
        owner.pointee = serial
        return false
    }

    /// Returns how many unknown keys there are in the open objects.
    @inline(never)
    private func checkDuplicate(_ node: Int32, _ depth: Int) throws(Rejection) -> Int {
        guard nodes[Int(node)].symbol == .unknown else { throw .duplicateKey(String(decoding: key(of: NodeIndex(node)), as: UTF8.self)) }
        try checkUnknownDuplicate(node, unknownStart: levels[depth].unknownStart)
        return storage.pointee.unknownKeys.count
    }

    @inline(never)
    private func checkUnknownDuplicate(_ node: Int32, unknownStart: Int) throws(Rejection) {
        let name = key(of: NodeIndex(node))
        let hash = Hash64.hash(name)
        guard storage.pointee.unknownKeys.count - unknownStart < Limits.objectMembers else {
            throw Rejection(
                field: String(decoding: name, as: UTF8.self), code: .tooLarge,
                message: "an object has more than \(Limits.objectMembers) members; send them as an array or split the event")
        }
        for index in unknownStart..<storage.pointee.unknownKeys.count where storage.pointee.unknownKeys[index].hash == hash {
            let other = key(of: NodeIndex(storage.pointee.unknownKeys[index].node))
            if other.count == name.count, equalBytes(other.baseAddress!, name.baseAddress!, name.count) {
                throw .duplicateKey(String(decoding: name, as: UTF8.self))
            }
        }
        storage.pointee.unknownKeys.append((hash, node))
    }

    /// Dotted path of a node that is being opened.
    private func path(depth: Int, node: Int32) -> String {
        var names: [String] = []
        for level in 2..<max(2, depth + 1) { names.append(nodeName(levels[level].node)) }
        return (names + [nodeName(node)]).filter { !$0.isEmpty }.joined(separator: ".")
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
