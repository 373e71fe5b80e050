import EventModel

/// A place in an event: up to six names, with at most one array among them that stands for each of its elements
/// (`changes[].before`). Plain bits, so that a program is walked without reference counting.
struct FieldPath: Equatable, Hashable, BitwiseCopyable {
    static let longest = 6

    /// Four symbols in the first word, two in the second.
    private var names: (UInt64, UInt64) = (0, 0)
    private(set) var count: UInt8 = 0
    /// How many names lead to the array; 0 where there is none.
    private(set) var arrayDepth: UInt8 = 0

    init() {}

    /// `text`: as written in a definition. `nil` when it is empty, too long, or has more than one `[]`.
    init?(_ text: String, symbols: SymbolTable) {
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            var name = part
            if name.hasSuffix("[]") {
                guard arrayDepth == 0 else { return nil }
                name = name.dropLast(2)
                arrayDepth = count + 1
            }
            guard !name.isEmpty, Int(count) < Self.longest else { return nil }
            append(symbols.symbol(String(name)))
        }
        // An array at the very end has no member that a step could work on.
        guard count > 0, arrayDepth != count else { return nil }
    }

    init(canonical names: [String]) {
        for name in names { append(CanonicalSchema.symbol(name)) }
    }

    static func names(in text: String) -> [String] {
        text.split(separator: ".").map { $0.hasSuffix("[]") ? String($0.dropLast(2)) : String($0) }
    }

    mutating func append(_ symbol: Symbol) {
        self[Int(count)] = symbol
        count += 1
    }

    subscript(index: Int) -> Symbol {
        @inline(__always) get {
            Symbol(UInt16(truncatingIfNeeded: (index < 4 ? names.0 : names.1) &>> UInt64(16 &* (index & 3))))
        }
        set {
            let shift = UInt64(16 * (index & 3))
            let value = UInt64(newValue.number) << shift
            let mask: UInt64 = ~(0xFFFF << shift)
            if index < 4 { names.0 = names.0 & mask | value } else { names.1 = names.1 & mask | value }
        }
    }

    static func == (left: FieldPath, right: FieldPath) -> Bool {
        left.count == right.count && left.arrayDepth == right.arrayDepth && (0..<Int(left.count)).allSatisfy { left[$0] == right[$0] }
    }

    func hash(into hasher: inout Hasher) {
        for index in 0..<Int(count) { hasher.combine(self[index]) }
    }

    /// Whether both walk the same array, so that a step can go element by element.
    func sharesArray(with other: FieldPath) -> Bool {
        arrayDepth == other.arrayDepth && (0..<Int(arrayDepth)).allSatisfy { self[$0] == other[$0] }
    }

    func text(_ symbols: SymbolTable) -> String {
        (0..<Int(count)).map { symbols.name(self[$0]) + ($0 + 1 == Int(arrayDepth) ? "[]" : "") }.joined(separator: ".")
    }
}

extension EventTree {
    /// The node at names `from..<path.count` below `base`; `.none` where something is missing or no object.
    @inline(__always)
    func resolve(_ path: FieldPath, from first: Int = 0, below base: NodeIndex = .root) -> NodeIndex {
        var at = base
        var index = first
        while index < Int(path.count) {
            if shape(of: at) != .object { return .none }
            at = child(of: at, path[index])
            if !at.exists { return .none }
            index += 1
        }
        return at
    }

    /// The object that holds the last name of `path`; `.none` where it is missing.
    @inline(__always)
    func resolveParent(_ path: FieldPath, from first: Int = 0, below base: NodeIndex = .root) -> NodeIndex {
        var at = base
        var index = first
        while index < Int(path.count) - 1 {
            if shape(of: at) != .object { return .none }
            at = child(of: at, path[index])
            if !at.exists { return .none }
            index += 1
        }
        return shape(of: at) == .object ? at : .none
    }

    /// Makes room at `path`, of no array, for a step's own `value`: what the producer wrote there goes to `unmapped`, under
    /// the path that it stood at. Nothing that was sent is thrown away.
    mutating func displace(_ path: FieldPath, for value: UnsafeRawBufferPointer) {
        let parent = resolveParent(path)
        guard parent.exists else { return }
        let node = child(of: parent, path[Int(path.count) - 1])
        guard node.exists, isProducers(node), shape(of: node) != .string || !TextPattern.same(text(of: node), value) else { return }
        keep(node, of: parent, from: path)
    }

    @inline(never)
    private mutating func keep(_ node: NodeIndex, of parent: NodeIndex, from path: FieldPath) {
        let symbol = CanonicalSchema.symbol("unmapped")
        var unmapped = child(of: .root, symbol)
        if !unmapped.exists || shape(of: unmapped) == .null {
            unmapped = makeEmpty(.object)
            put(unmapped, into: .root, as: symbol)
        }
        // Where it is no object the event is refused for that.
        guard shape(of: unmapped) == .object, path[0] != symbol else { return }
        detach(node, from: parent)
        add(node, to: unmapped, named: path.text(symbols))
    }

    /// Puts a detached node at `path`, making the objects on the way. Returns whether there was a way.
    @discardableResult
    mutating func place(_ node: NodeIndex, at path: FieldPath, from first: Int = 0, below base: NodeIndex = .root) -> Bool {
        var at = base
        for index in first..<Int(path.count) - 1 {
            let found = child(of: at, path[index])
            if found.exists, shape(of: found) == .object {
                at = found
            } else if found.exists, shape(of: found) != .null {
                return false
            } else {
                let made = makeEmpty(.object)
                put(made, into: at, as: path[index])
                at = made
            }
        }
        put(node, into: at, as: path[Int(path.count) - 1])
        return true
    }
}
