import CSimdJSON

/// Index of a node in an ``EventTree``; `none` is -1.
public struct NodeIndex: Sendable, Equatable {
    @usableFromInline let raw: Int32
    @inlinable init(_ raw: Int32) { self.raw = raw }

    @inlinable public static var root: NodeIndex { NodeIndex(0) }
    @inlinable public static var none: NodeIndex { NodeIndex(-1) }

    @inlinable public var exists: Bool { raw >= 0 }
}

/// One event while it is being normalised: a flat arena of nodes over the producer's own bytes.
///
/// Parsing copies no text: a node says where its text lies, in the source, in simdjson's unescaped strings, or in
/// this tree's scratch. Steps move nodes by relinking them and set new text in scratch; the canonical line is then
/// written in one pass (``CanonicalWriter``). Everything is reused for the next event, so an event costs no
/// allocation once the buffers have grown to the size of the largest one seen.
///
/// Children of a node are a singly linked list in document order. Root members with a known name are also reached
/// through `rootSlots`, by symbol, in one step, because nearly every step of a pipeline asks for one.
public struct EventTree: ~Copyable {
    /// What a node is; the JSON types.
    public enum Shape: UInt8, Sendable, BitwiseCopyable {
        case null, boolean, number, string, object, array
    }

    /// Where a text lies.
    @usableFromInline enum Space: UInt8 {
        /// The producer's bytes; a string there holds no escape.
        case source
        /// simdjson's string buffer, unescaped: may hold what must be escaped when written.
        case strings
        /// `scratch`, unescaped likewise.
        case scratch
        /// The symbol table: the node's symbol is its name. Keys only.
        case symbol
    }

    /// 32 bytes. `first`, `last`: children of an object or array. `start`, `length`: text of a scalar.
    @usableFromInline struct Node {
        @usableFromInline var shape: Shape
        @usableFromInline var textSpace: Space
        @usableFromInline var keySpace: Space
        @usableFromInline var symbol: Symbol
        @usableFromInline var next: Int32
        @usableFromInline var first: Int32
        @usableFromInline var last: Int32
        @usableFromInline var keyStart: UInt32
        @usableFromInline var keyLength: UInt32
        @usableFromInline var start: UInt32
        @usableFromInline var length: UInt32
    }

    public let symbols: SymbolTable
    @usableFromInline var nodes: UnsafeMutablePointer<Node>
    var nodeCapacity: Int
    var nodeCount = 0
    /// Node of the root member with a symbol, or -1.
    @usableFromInline let rootSlots: UnsafeMutablePointer<Int32>
    /// For each depth and symbol the object that last had such a member: finds duplicate keys in one step.
    let lastOwner: UnsafeMutablePointer<Int32>
    @usableFromInline var scratch = ByteWriter(capacity: 4096)
    let parser: OpaquePointer
    @usableFromInline var source = UnsafeRawBufferPointer(start: nil, count: 0)
    @usableFromInline var strings: UnsafePointer<UInt8>?
    /// Members of the open objects whose names have no symbol, for finding duplicates among them.
    var unknownKeys: [(hash: UInt64, node: Int32)] = []

    public init(symbols: SymbolTable) {
        self.symbols = symbols
        nodeCapacity = 512
        nodes = .allocate(capacity: nodeCapacity)
        rootSlots = .allocate(capacity: symbols.count)
        rootSlots.initialize(repeating: -1, count: symbols.count)
        lastOwner = .allocate(capacity: symbols.count * (Limits.depth + 1))
        lastOwner.initialize(repeating: -1, count: symbols.count * (Limits.depth + 1))
        // One level more than allowed, so that our own check speaks first and names the field.
        guard let created = csimdjson_create(Limits.eventBytes, Limits.depth + 1) else { fatalError("out of memory for a JSON parser") }
        parser = created
    }

    deinit {
        nodes.deallocate()
        rootSlots.deallocate()
        lastOwner.deallocate()
        csimdjson_destroy(parser)
    }

    /// Empties the tree down to an empty root object over `source`.
    mutating func reset(source: UnsafeRawBufferPointer) {
        if nodeCount > 0 {
            var child = nodes[0].first
            while child >= 0 {
                rootSlots[Int(nodes[Int(child)].symbol.number)] = -1
                child = nodes[Int(child)].next
            }
        }
        nodeCount = 0
        scratch.removeAll()
        // An empty buffer may have no address, but nodes without text point to its start.
        self.source = source.baseAddress == nil ? UnsafeRawBufferPointer(start: rootSlots, count: 0) : source
        strings = nil
        _ = addNode(shape: .object)
    }

    /// Makes the tree of a line of text: an object with one member, `message`.
    ///
    /// Throws ``Rejection`` when the bytes are not UTF-8 or too long.
    public mutating func take(text: UnsafeRawBufferPointer) throws(Rejection) {
        guard text.count <= Limits.eventBytes else { throw .tooLong(text.count) }
        reset(source: text)
        if let offset = UTF8Check.firstInvalid(text) {
            throw Rejection(field: "", code: .invalidJSON, message: "byte \(offset) is not UTF-8")
        }
        let start = UInt32(scratch.count)
        scratch.append(text)
        let node = addNode(shape: .string)
        setText(node, space: .scratch, start: start, length: UInt32(text.count))
        attach(node, to: 0, as: symbols.symbol("message"))
    }
}

// Reading.
extension EventTree {
    @inlinable @inline(__always)
    public func shape(of node: NodeIndex) -> Shape { nodes[Int(node.raw)].shape }

    /// First child of an object or array.
    @inlinable @inline(__always)
    public func firstChild(of node: NodeIndex) -> NodeIndex { NodeIndex(nodes[Int(node.raw)].first) }

    @inlinable @inline(__always)
    public func next(after node: NodeIndex) -> NodeIndex { NodeIndex(nodes[Int(node.raw)].next) }

    @inlinable @inline(__always)
    public func symbol(of node: NodeIndex) -> Symbol { nodes[Int(node.raw)].symbol }

    /// The member of `parent` with this symbol, which must be a known one.
    @inlinable @inline(__always)
    public func child(of parent: NodeIndex, _ symbol: Symbol) -> NodeIndex {
        if parent.raw == 0 { return NodeIndex(rootSlots[Int(symbol.number)]) }
        var child = nodes[Int(parent.raw)].first
        while child >= 0, nodes[Int(child)].symbol != symbol { child = nodes[Int(child)].next }
        return NodeIndex(child)
    }

    /// A string's unescaped bytes, or a number's or boolean's text; empty for objects and arrays. Valid until the
    /// tree changes.
    @inlinable @inline(__always)
    public func text(of node: NodeIndex) -> UnsafeRawBufferPointer {
        let it = nodes[Int(node.raw)]
        return bytes(space: it.textSpace, start: it.start, length: it.length)
    }

    /// The name of a member, unescaped.
    public func key(of node: NodeIndex) -> UnsafeRawBufferPointer {
        let it = nodes[Int(node.raw)]
        if it.keySpace == .symbol { return symbols.text(it.symbol) }
        return bytes(space: it.keySpace, start: it.keyStart, length: it.keyLength)
    }

    @inlinable @inline(__always)
    func bytes(space: Space, start: UInt32, length: UInt32) -> UnsafeRawBufferPointer {
        let base: UnsafeRawPointer
        switch space {
        case .source: base = source.baseAddress!
        case .strings: base = UnsafeRawPointer(strings!)
        case .scratch: base = scratch.bytes.baseAddress!
        case .symbol: return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: base + Int(start), count: Int(length))
    }

    public func string(of node: NodeIndex) -> String { String(decoding: text(of: node), as: UTF8.self) }
}
