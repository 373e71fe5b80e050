// What the steps of a pipeline do to a tree.
extension EventTree {
    /// Takes `node` out of `parent`. Its own children stay with it.
    public mutating func detach(_ node: NodeIndex, from parent: NodeIndex) {
        var previous: Int32 = -1
        var at = nodes[Int(parent.raw)].first
        while at != node.raw {
            precondition(at >= 0, "the node is not a child of this parent")
            previous = at
            at = nodes[Int(at)].next
        }
        let following = nodes[Int(node.raw)].next
        if previous < 0 { nodes[Int(parent.raw)].first = following } else { nodes[Int(previous)].next = following }
        if following < 0 { nodes[Int(parent.raw)].last = previous }
        nodes[Int(node.raw)].next = -1
        let slot = Int(nodes[Int(node.raw)].symbol.number)
        // All members without a symbol share slot 0, which leads to the last of them.
        if parent.raw == 0, rootSlots[slot] == node.raw { rootSlots[slot] = -1 }
    }

    /// Puts a detached `node` into `parent` under the name of `symbol`; a member of that name is replaced.
    public mutating func put(_ node: NodeIndex, into parent: NodeIndex, as symbol: Symbol) {
        let old = child(of: parent, symbol)
        if old.exists { detach(old, from: parent) }
        attach(node.raw, to: parent.raw, as: symbol)
    }

    /// Adds a detached `node` to the end of an array.
    public mutating func append(_ node: NodeIndex, to array: NodeIndex) { link(node.raw, to: array.raw) }

    public mutating func makeString(_ text: UnsafeRawBufferPointer) -> NodeIndex {
        let node = addNode(shape: .string)
        setString(NodeIndex(node), text)
        return NodeIndex(node)
    }

    public mutating func makeString(_ text: String) -> NodeIndex {
        var text = text
        return text.withUTF8 { makeString(UnsafeRawBufferPointer($0)) }
    }

    /// Bytes that must be readable behind every text handed in, and are behind every text handed out: short texts are
    /// copied in one step of this size.
    public static var textPadding: Int { ByteWriter.stride }

    /// A string, number or boolean of these bytes, which are the text as JSON writes it for the latter two.
    /// ``textPadding`` bytes behind them must be readable.
    ///
    /// - Parameter isPlain: the text needs no escaping between quotes.
    @inline(__always)
    public mutating func makeConstant(_ text: UnsafeRawBufferPointer, shape: Shape, isPlain: Bool) -> NodeIndex {
        let start = beginText(bytes: text.count)
        appendText(text)
        let node = endText(start, isPlain: isPlain)
        nodes[Int(node.raw)].shape = shape
        return node
    }

    /// Begins a string of `bytes` bytes that ``appendText(_:)`` fills piece by piece and ``endText(_:isPlain:)`` makes a
    /// node. The room is made at once, so pieces may lie in the scratch themselves.
    @inline(__always)
    public mutating func beginText(bytes: Int) -> Int {
        scratch.reserve(bytes)
        return scratch.count
    }

    /// ``textPadding`` bytes behind the text must be readable.
    @inline(__always)
    public mutating func appendText(_ text: UnsafeRawBufferPointer) { scratch.put(padded: text.baseAddress!, text.count) }

    /// - Parameters:
    ///   - start: what ``beginText(bytes:)`` returned.
    ///   - isPlain: the text needs no escaping between quotes.
    @inline(__always)
    public mutating func endText(_ start: Int, isPlain: Bool) -> NodeIndex {
        let node = addNode(shape: .string)
        setText(node, space: .scratch, start: UInt32(start), length: UInt32(scratch.count - start))
        nodes[Int(node)].isPlain = isPlain
        return NodeIndex(node)
    }

    /// Whether the text of a scalar needs no escaping between quotes.
    @inline(__always)
    public func isPlain(_ node: NodeIndex) -> Bool { nodes[Int(node.raw)].isPlain || shape(of: node) != .string }

    public mutating func makeEmpty(_ shape: Shape) -> NodeIndex { NodeIndex(addNode(shape: shape)) }

    /// Makes `node` a string of these bytes. They may lie in the tree's own scratch.
    public mutating func setString(_ node: NodeIndex, _ text: UnsafeRawBufferPointer) {
        let start = scratch.count
        // Growing the scratch moves it, and `text` may lie in it: keep the place, not the pointer.
        let inside = offsetInScratch(text)
        scratch.reserve(text.count)
        if let inside {
            scratch.append(UnsafeRawBufferPointer(start: scratch.bytes.baseAddress! + inside, count: text.count))
        } else {
            scratch.append(text)
        }
        nodes[Int(node.raw)].shape = .string
        nodes[Int(node.raw)].first = -1
        nodes[Int(node.raw)].last = -1
        setText(node.raw, space: .scratch, start: UInt32(start), length: UInt32(text.count))
    }

    /// Adds a detached `node` to the end of an object, whether the name has a symbol or not. Another member of this name
    /// stays; ``CanonicalWriter`` tells the two apart under `unmapped`.
    public mutating func add(_ node: NodeIndex, to object: NodeIndex, named name: String) {
        let symbol = symbols.symbol(name)
        guard symbol == .unknown else { return attach(node.raw, to: object.raw, as: symbol) }
        nodes[Int(node.raw)].symbol = .unknown
        var name = name
        name.withUTF8 { setKey(node, UnsafeRawBufferPointer($0)) }
        link(node.raw, to: object.raw)
    }

    /// Whether the producer wrote this value, and not a step.
    public func isProducers(_ node: NodeIndex) -> Bool {
        switch shape(of: node) {
        case .null: false
        case .object, .array: firstChild(of: node).exists
        case .string, .number, .boolean: nodes[Int(node.raw)].textSpace != .scratch
        }
    }

    /// Gives a member that has no symbol another name, which must have none either.
    public mutating func setKey(_ node: NodeIndex, _ name: UnsafeRawBufferPointer) {
        let start = scratch.count
        scratch.append(name)
        nodes[Int(node.raw)].keySpace = .scratch
        nodes[Int(node.raw)].keyStart = UInt32(start)
        nodes[Int(node.raw)].keyLength = UInt32(name.count)
    }

    private func offsetInScratch(_ text: UnsafeRawBufferPointer) -> Int? {
        guard let start = text.baseAddress, let base = scratch.bytes.baseAddress else { return nil }
        let offset = start - base
        return offset >= 0 && offset < scratch.count ? offset : nil
    }

    /// A detached copy of `node` and everything below it; texts are shared.
    public mutating func copy(_ node: NodeIndex) -> NodeIndex {
        let made = addNode(shape: shape(of: node))
        var copied = nodes[Int(node.raw)]
        copied.next = -1
        copied.first = -1
        copied.last = -1
        nodes[Int(made)] = copied
        var at = firstChild(of: node)
        while at.exists {
            let below = copy(at)
            link(below.raw, to: made)
            at = next(after: at)
        }
        return NodeIndex(made)
    }
}

// The arena.
extension EventTree {
    @inline(__always)
    mutating func addNode(shape: Shape) -> Int32 {
        if storage.pointee.nodeCount == storage.pointee.nodeCapacity { growNodes(to: storage.pointee.nodeCapacity * 2) }
        let index = storage.pointee.nodeCount
        storage.pointee.nodeCount = index &+ 1
        nodes[index] = Node(
            shape: shape, textSpace: .source, keySpace: .symbol, isPlain: false, symbol: .unknown, next: -1, first: -1, last: -1,
            keyStart: 0, keyLength: 0,
            start: 0, length: 0)
        return Int32(truncatingIfNeeded: index)
    }

    @inline(never)
    mutating func growNodes(to capacity: Int) {
        let larger = UnsafeMutablePointer<Node>.allocate(capacity: capacity)
        larger.update(from: nodes, count: storage.pointee.nodeCount)
        nodes.deallocate()
        storage.pointee.nodes = larger
        storage.pointee.nodeCapacity = capacity
    }

    @inline(__always)
    mutating func setText(_ node: Int32, space: Space, start: UInt32, length: UInt32) {
        nodes[Int(node)].textSpace = space
        nodes[Int(node)].isPlain = space == .source
        nodes[Int(node)].start = start
        nodes[Int(node)].length = length
    }

    @inline(__always)
    mutating func link(_ node: Int32, to parent: Int32) {
        let last = nodes[Int(parent)].last
        if last < 0 { nodes[Int(parent)].first = node } else { nodes[Int(last)].next = node }
        nodes[Int(parent)].last = node
    }

    mutating func attach(_ node: Int32, to parent: Int32, as symbol: Symbol) {
        nodes[Int(node)].symbol = symbol
        nodes[Int(node)].keySpace = .symbol
        link(node, to: parent)
        if parent == 0 { rootSlots[Int(symbol.number)] = node }
    }
}
