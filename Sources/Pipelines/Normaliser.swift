import EventModel

/// The normalising stage: raw bytes in, a canonical body in the batch or the reason why not out. No I/O, no clock.
///
/// It owns a parser and buffers that are used again for every event, so it is not for sharing: take one for a request
/// (or a slice of one) and give it back. One normaliser serves all pipelines of its set.
public final class Normaliser {
    private let set: PipelineSet
    private var machine: Machine

    public init(_ set: PipelineSet) {
        self.set = set
        machine = Machine(set)
    }

    /// Normalises one event.
    ///
    /// - Parameters:
    ///   - raw: its bytes; ``Limits/parserPadding`` bytes behind them must be readable.
    ///   - line: 1-based line of the request, for the answer.
    ///   - pipeline: where the event is sent; `nil` to go by its `kind`.
    /// - Returns: `nil` when the event was appended to `batch`.
    public func normalise(
        _ raw: UnsafeRawBufferPointer, line: Int, pipeline: Pipeline?, context: borrowing IngestContext, into batch: inout NormalisedBatch
    ) -> Rejection? {
        do throws(Rejection) {
            try machine.run(raw, line: line, pipeline: pipeline, context: context, into: &batch)
            return nil
        } catch {
            var rejection = error
            rejection.line = line
            return rejection
        }
    }
}

/// Everything of a normaliser that changes, in one value, so that access is checked once an event.
struct Machine: ~Copyable {
    /// What is asked of a pipeline for every event, as plain bits.
    private struct Entry: BitwiseCopyable {
        var program: Program
        var kind: Literal
    }

    /// Keeps alive what `entries` point into.
    private let pipelines: [Pipeline]
    private let entries: [Entry]
    private let redactions: [Redaction]
    private let memories: UnsafeMutablePointer<KeyMemory>
    /// The pipelines that an event's `kind` leads to, by index.
    private let byKind: [(kind: Literal, pipeline: Int)]
    var tree: EventTree
    private var writer = CanonicalWriter()
    private var tenants = TenantMemory()

    private let kindSymbol = CanonicalSchema.symbol("kind")
    private let kindPath = FieldPath(canonical: ["kind"])
    private let tenantSymbol = CanonicalSchema.symbol("tenant")
    private let originalIDSymbol = CanonicalSchema.symbol("original_id")

    init(_ set: PipelineSet) {
        pipelines = set.pipelines
        entries = set.pipelines.map { Entry(program: $0.program, kind: $0.kindLiteral) }
        redactions = set.pipelines.map { Redaction(patterns: $0.patterns, paths: $0.redactedPaths, symbols: set.symbols) }
        memories = .allocate(capacity: set.pipelines.count)
        for index in set.pipelines.indices { (memories + index).initialize(to: KeyMemory()) }
        byKind = set.kinds.compactMap { kind in
            guard let pipeline = set.pipeline(kind: kind) else { return nil }
            return (pipeline.kindLiteral, set.pipelines.firstIndex { $0 === pipeline }!)
        }
        tree = EventTree(symbols: set.symbols)
    }

    deinit {
        memories.deinitialize(count: pipelines.count)
        memories.deallocate()
    }

    mutating func run(
        _ raw: UnsafeRawBufferPointer, line: Int, pipeline given: Pipeline?, context: borrowing IngestContext,
        into batch: inout NormalisedBatch
    ) throws(Rejection) {
        if let given, given.takesText { try tree.take(text: raw) } else { try tree.parse(raw) }
        let pipeline: Int
        if let given {
            try checkKind(given)
            pipeline = pipelines.firstIndex { $0 === given }!
        } else {
            pipeline = try choose()
        }
        try takeTenant(context)
        try entries[pipeline].program.run(&tree, received: context.received)
        if batch.events.isEmpty { tenants.beginBatch() }
        let tenant = try finish(pipeline, line: line, context: context)
        let outcome = try writer.write(tree, time: context.received)
        let length = writer.output.count
        guard length <= Limits.eventBytes else { throw .tooLong(length) }
        let start = batch.bodies.count
        batch.bodies.append(contentsOf: writer.output.bytes)
        batch.events.append(
            NormalisedEvent(
                offset: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: length),
                tenant: tenants.index(tenant, &batch), line: UInt32(truncatingIfNeeded: line), identity: outcome.identity,
                time: outcome.time.milliseconds, contentOffset: UInt32(truncatingIfNeeded: outcome.contentOffset)))
    }

    /// What follows the steps of every pipeline: its kind, an original id from the request's key, redaction. Returns the
    /// tenant's slot.
    private mutating func finish(_ pipeline: Int, line: Int, context: borrowing IngestContext) throws(Rejection) -> Int {
        let kind = tree.child(of: .root, kindSymbol)
        let literal = entries[pipeline].kind
        if !kind.exists || tree.shape(of: kind) != .string || !TextPattern.same(tree.text(of: kind), literal.text) {
            tree.displace(kindPath, for: literal.text)
            tree.put(tree.make(literal), into: .root, as: kindSymbol)
        }
        if let key = context.idempotencyKey {
            let originalID = tree.child(of: .root, originalIDSymbol)
            // An id without a character names nothing.
            if !originalID.exists || tree.shape(of: originalID) == .null || isEmptyString(originalID) {
                tree.put(tree.makeString("\(key)/\(line)"), into: .root, as: originalIDSymbol)
            }
        }
        let tenant = try checkTenant()
        try redactions[pipeline].checkIdentity(tree, isReplay: context.isReplay)
        redactions[pipeline].apply(&tree, &memories[pipeline])
        return tenant
    }

    private func isEmptyString(_ node: NodeIndex) -> Bool { tree.shape(of: node) == .string && tree.text(of: node).count == 0 }

    private func choose() throws(Rejection) -> Int {
        let node = tree.child(of: .root, kindSymbol)
        guard node.exists, tree.shape(of: node) == .string else {
            throw Rejection(
                field: "kind", code: .required,
                message:
                    "\"kind\" must say which pipeline takes the event (\(kinds)); or post to the path of one, such as /v1/activity")
        }
        if let known = pipeline(kind: tree.text(of: node)) { return known }
        throw Rejection(
            field: "kind", code: .unknownKind,
            message: "no pipeline takes \"\(tree.string(of: node).prefix(64))\"; known kinds: \(kinds)")
    }

    private func pipeline(kind: UnsafeRawBufferPointer) -> Int? {
        for index in byKind.indices where TextPattern.same(byKind[index].kind.text, kind) { return byKind[index].pipeline }
        return nil
    }

    /// For messages.
    private var kinds: String { byKind.map(\.kind.string).joined(separator: ", ") }

    /// An event that names one registered kind must not come in through the pipeline of another.
    private func checkKind(_ pipeline: Pipeline) throws(Rejection) {
        let node = tree.child(of: .root, kindSymbol)
        guard node.exists, tree.shape(of: node) == .string else { return }
        let text = tree.text(of: node)
        guard !TextPattern.same(text, pipeline.kindLiteral.text), self.pipeline(kind: text) != nil else { return }
        throw Rejection(
            field: "kind", code: .invalidValue,
            message: "the event says \"\(tree.string(of: node))\" but was sent to the pipeline for \"\(pipeline.kind)\"")
    }

    private mutating func takeTenant(_ context: borrowing IngestContext) throws(Rejection) {
        let node = tree.child(of: .root, tenantSymbol)
        if !node.exists || tree.shape(of: node) == .null, let tenant = context.tenant ?? context.allowedTenant {
            tree.put(tree.makeString(tenant), into: .root, as: tenantSymbol)
        }
        if let allowed = context.allowedTenant {
            let named = tree.child(of: .root, tenantSymbol)
            guard named.exists, tree.text(of: named).elementsEqual(allowed.utf8) else {
                throw Rejection(field: "tenant", code: .forbidden, message: "this key may write only for the tenant \"\(allowed)\"")
            }
        }
    }

    /// The tenant's slot.
    private mutating func checkTenant() throws(Rejection) -> Int {
        let node = tree.child(of: .root, tenantSymbol)
        guard node.exists, tree.shape(of: node) == .string else {
            guard node.exists, tree.shape(of: node) != .null else {
                throw Rejection(
                    field: "tenant", code: .required, message: "\"tenant\" must be there, in the event or as ?tenant= of the request")
            }
            throw Rejection(field: "tenant", code: .wrongType, message: "tenant must be a string")
        }
        guard let slot = tenants.slot(tree.text(of: node)) else {
            throw Rejection(
                field: "tenant", code: .invalidValue,
                message: "a tenant's name has 1 to \(Limits.tenantBytes) letters, digits, '-', '_' or '.' and does not start with a dot")
        }
        return slot
    }
}
