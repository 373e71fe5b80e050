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

    /// The schema's tables, held here because a look at a global costs a call.
    let root = CanonicalSchema.root
    let objects = CanonicalSchema.objects
    let choices = CanonicalSchema.choices
    private let timeSymbol = CanonicalSchema.symbol("time")
    private let tenantSymbol = CanonicalSchema.symbol("tenant")
    let actorSymbol = CanonicalSchema.symbol("actor")
    private let producerSymbol = CanonicalSchema.symbol("producer")
    private let nameSymbol = CanonicalSchema.symbol("name")
    private let originalIDSymbol = CanonicalSchema.symbol("original_id")
    /// A bit for each symbol of a field that is always there; `time` has a fallback.
    private let alwaysPresent = ["tenant", "kind", "type", "action", "outcome", "severity", "actor"].reduce(UInt64(0)) {
        $0 | 1 << UInt64(CanonicalSchema.symbol($1).number)
    }
    /// Root fields that are written by name: all but `seq`, `id`, `received`, which are the batching writer's, `time`, which
    /// comes first, and `unmapped`, which comes last.
    private let namedFields: UInt64

    public init() {
        precondition(CanonicalSchema.rootFieldCount < 64, "a word has no bit for every root field")
        namedFields = (1 << UInt64(CanonicalSchema.rootFieldCount)) - (1 << UInt64(timeSymbol.number + 1))
    }

    /// - Parameters:
    ///   - time: used when the event carries none.
    /// - Throws: ``Rejection`` with the field that is missing, of the wrong type or has a value outside its vocabulary.
    public mutating func write(_ tree: borrowing EventTree, time fallback: Timestamp) throws(Rejection) -> Outcome {
        output.removeAll()
        leftovers.removeAll(keepingCapacity: true)
        let present = presentFields(tree)
        try checkPresence(tree, present)
        let hasOwnTime = present & 1 << UInt64(timeSymbol.number) != 0
        let time = try writeTime(tree, hasOwnTime ? nil : fallback)
        // Behind the comma that follows the time.
        let contentOffset = hasOwnTime ? 0 : output.count + 1
        var fields = present & namedFields
        while fields != 0 {
            let symbol = fields.trailingZeroBitCount
            fields &= fields &- 1
            try write(root.fields.baseAddress! + (symbol - 1), tree.rootSlots[symbol], tree, objectStart: -1)
        }
        if present & 1 != 0 { collectRootLeftovers(tree) }
        try writeUnmapped(tree, root.fields.baseAddress! + (root.fields.count - 1))
        output.append(UInt8(ascii: "}"))
        return Outcome(time: time, identity: identity(tree), contentOffset: contentOffset)
    }

    private func checkPresence(_ tree: borrowing EventTree, _ present: UInt64) throws(Rejection) {
        let missing = alwaysPresent & ~present
        if missing != 0 {
            let name = tree.symbols.name(Symbol(UInt16(missing.trailingZeroBitCount)))
            throw Rejection(field: name, code: .required, message: "\"\(name)\" must be there, and the pipeline gives it no default")
        }
        let originalID = tree.child(of: .root, originalIDSymbol)
        if originalID.exists, tree.text(of: originalID).count > Limits.originalIDBytes {
            throw Rejection(field: "original_id", code: .tooLarge, message: "an original_id has at most \(Limits.originalIDBytes) bytes")
        }
    }

    /// - Parameter fallback: `nil` where the event has its own.
    private mutating func writeTime(_ tree: borrowing EventTree, _ fallback: Timestamp?) throws(Rejection) -> Timestamp {
        output.append("\"time\":\"" as StaticString)
        if let fallback {
            output.append(fallback)
            output.append(UInt8(ascii: "\""))
            return fallback
        }
        let node = tree.child(of: .root, timeSymbol)
        guard tree.shape(of: node) == .string else {
            throw Rejection(field: "time", code: .wrongType, message: "time is a string after RFC 3339, such as 2026-11-20T12:34:56.789Z")
        }
        guard let time = tree.knownTime(of: node) else {
            throw Rejection(
                field: "time", code: .invalidValue,
                message: "\"\(tree.string(of: node).prefix(64))\" is not a time after RFC 3339, such as 2026-11-20T12:34:56.789Z")
        }
        let text = tree.text(of: node)
        if Timestamp.isCanonical(text) { output.append(text) } else { output.append(time) }
        output.append(UInt8(ascii: "\""))
        return time
    }

    private func identity(_ tree: borrowing EventTree) -> UInt64 {
        let originalID = tree.child(of: .root, originalIDSymbol)
        guard originalID.exists, tree.text(of: originalID).count > 0 else { return 0 }
        var producerName = UnsafeRawBufferPointer(start: nil, count: 0)
        let producer = tree.child(of: .root, producerSymbol)
        if producer.exists {
            let name = tree.child(of: producer, nameSymbol)
            if name.exists { producerName = tree.text(of: name) }
        }
        let tenant = tree.text(of: tree.child(of: .root, tenantSymbol))
        return Hash64.identity(tenant: tenant, producer: producerName, originalID: tree.text(of: originalID))
    }
}
