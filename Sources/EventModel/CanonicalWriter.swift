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
    static let actorSymbol = CanonicalSchema.symbol("actor")
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

    func isPresent(_ node: NodeIndex, _ tree: borrowing EventTree) -> Bool { node.exists && tree.shape(of: node) != .null }

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
