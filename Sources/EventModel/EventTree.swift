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

    /// An open container: its node, its serial number if it is an object, and where its unknown keys begin.
    struct Level {
        var node: Int32
        var serial: UInt32
        var unknownStart: Int
    }

    /// 36 bytes. `first`, `last`: children of an object or array. `start`, `length`: text of a scalar.
    @usableFromInline struct Node {
        @usableFromInline var shape: Shape
        @usableFromInline var textSpace: Space
        @usableFromInline var keySpace: Space
        /// The text can be written between quotes as it stands.
        @usableFromInline var isPlain: Bool
        @usableFromInline var symbol: Symbol
        @usableFromInline var next: Int32
        @usableFromInline var first: Int32
        @usableFromInline var last: Int32
        @usableFromInline var keyStart: UInt32
        @usableFromInline var keyLength: UInt32
        @usableFromInline var start: UInt32
        @usableFromInline var length: UInt32
    }

    /// Everything that a tree consists of.
    @usableFromInline struct Storage: ~Copyable {
        @usableFromInline var nodes: UnsafeMutablePointer<Node>
        var nodeCapacity = 512
        var nodeCount = 0
        /// Node of the root member with a symbol, or -1.
        @usableFromInline let rootSlots: UnsafeMutablePointer<Int32>
        /// For each depth and symbol the object that last had such a member, by its serial number: finds duplicate keys
        /// in one step.
        let lastOwner: UnsafeMutablePointer<UInt32>
        /// Number of objects parsed so far, over all events; begins anew before it overflows.
        var objectSerial: UInt32 = 0
        /// The open containers of the event being parsed.
        let levels: UnsafeMutablePointer<Level>
        /// A bit for each byte of the source that can join a key and its value inside a text, `= : < %`, and for dashes that
        /// stand together.
        @usableFromInline let signs: UnsafeMutablePointer<UInt64>
        /// The time that was read last and from where, because a pipeline's step and the writer both ask for it.
        var lastTime: (node: NodeIndex, start: UInt32, time: Timestamp?) = (.none, 0, nil)
        @usableFromInline var scratch = ByteWriter(capacity: 4096)
        let parser: OpaquePointer
        @usableFromInline var source = UnsafeRawBufferPointer(start: nil, count: 0)
        @usableFromInline var strings: UnsafePointer<UInt8>?
        /// Members of the open objects whose names have no symbol, for finding duplicates among them.
        var unknownKeys: [(hash: UInt64, node: Int32)] = []

        init(symbols: Int) {
            nodes = .allocate(capacity: nodeCapacity)
            rootSlots = .allocate(capacity: symbols)
            rootSlots.initialize(repeating: -1, count: symbols)
            lastOwner = .allocate(capacity: symbols * (Limits.depth + 1))
            lastOwner.initialize(repeating: 0, count: symbols * (Limits.depth + 1))
            levels = .allocate(capacity: Limits.depth + 2)
            signs = .allocate(capacity: Limits.eventBytes / 64 + 1)
            // One level more than allowed, so that our own check speaks first and names the field.
            guard let created = csimdjson_create(Limits.eventBytes, Limits.depth + 1) else {
                fatalError("out of memory for a JSON parser")
            }
            parser = created
        }

        deinit {
            nodes.deallocate()
            rootSlots.deallocate()
            lastOwner.deallocate()
            levels.deallocate()
            signs.deallocate()
            csimdjson_destroy(parser)
        }
    }

    public let symbols: SymbolTable
    /// Elsewhere, so that a tree itself is two words: the compiler copies a larger struct to the stack for each call that
    /// borrows it, which cost as much as all of redaction.
    @usableFromInline let storage: UnsafeMutablePointer<Storage>

    public init(symbols: SymbolTable) {
        self.symbols = symbols
        storage = .allocate(capacity: 1)
        storage.initialize(to: Storage(symbols: symbols.count))
    }

    deinit {
        storage.deinitialize(count: 1)
        storage.deallocate()
    }

    @inlinable
    var nodes: UnsafeMutablePointer<Node> { storage.pointee.nodes }
    @inlinable
    var rootSlots: UnsafeMutablePointer<Int32> { storage.pointee.rootSlots }
    @inlinable
    var signs: UnsafeMutablePointer<UInt64> { storage.pointee.signs }
    @inlinable
    var source: UnsafeRawBufferPointer { storage.pointee.source }
    @inlinable
    var strings: UnsafePointer<UInt8>? { storage.pointee.strings }
    var lastOwner: UnsafeMutablePointer<UInt32> { storage.pointee.lastOwner }
    var levels: UnsafeMutablePointer<Level> { storage.pointee.levels }
    @usableFromInline
    var scratch: ByteWriter {
        @inlinable _read { yield storage.pointee.scratch }
        @inlinable nonmutating _modify { yield &storage.pointee.scratch }
    }

    /// Empties the tree down to an empty root object over `source`.
    mutating func reset(source: UnsafeRawBufferPointer) {
        rootSlots.update(repeating: -1, count: symbols.count)
        storage.pointee.lastTime.node = .none
        storage.pointee.nodeCount = 0
        scratch.removeAll()
        // An empty buffer may have no address, but nodes without text point to its start.
        storage.pointee.source = source.baseAddress == nil ? UnsafeRawBufferPointer(start: rootSlots, count: 0) : source
        storage.pointee.strings = nil
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

    /// Whether the text may hold a byte of `= : < %`, a run of dashes, a backslash or a control character. Exact for texts
    /// of the source but for two dashes, of which each is asked for in a few steps.
    @inlinable @inline(__always)
    public func mayHoldSigns(_ node: NodeIndex) -> Bool {
        let it = nodes[Int(node.raw)]
        return mayHoldSigns(space: it.textSpace, start: it.start, length: it.length)
    }

    /// The same for the name of a member.
    @inline(__always)
    public func mayKeyHoldSigns(_ node: NodeIndex) -> Bool {
        let it = nodes[Int(node.raw)]
        return it.keySpace != .symbol && mayHoldSigns(space: it.keySpace, start: it.keyStart, length: it.keyLength)
    }

    @inlinable @inline(__always)
    func mayHoldSigns(space: Space, start: UInt32, length: UInt32) -> Bool {
        guard space == .source else { return true }
        var word = Int(start >> 6)
        let end = Int(start) + Int(length)
        var marks = signs[word] & (~0 &<< UInt64(start & 63))
        while word < end &>> 6 {
            if marks != 0 { return true }
            word &+= 1
            marks = signs[word]
        }
        return marks & ((1 &<< UInt64(end & 63)) &- 1) != 0
    }

    /// The text of `node`, read as a time after RFC 3339.
    public mutating func time(of node: NodeIndex) -> Timestamp? {
        let time = knownTime(of: node)
        storage.pointee.lastTime = (node, nodes[Int(node.raw)].start, time)
        return time
    }

    /// The same without keeping it.
    func knownTime(of node: NodeIndex) -> Timestamp? {
        let last = storage.pointee.lastTime
        if last.node == node, last.start == nodes[Int(node.raw)].start { return last.time }
        return Timestamp(text(of: node))
    }

    public func string(of node: NodeIndex) -> String { String(decoding: text(of: node), as: UTF8.self) }
}
