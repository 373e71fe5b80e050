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
    private let pipelines: [Pipeline]
    /// The pipelines that an event's `kind` leads to.
    private let byKind: [(kind: [UInt8], pipeline: Pipeline)]
    var tree: EventTree
    private var writer = CanonicalWriter()
    private let redactions: [Redaction]
    /// The tenant name that was checked last: most batches hold few.
    private var knownTenant: [UInt8] = []
    /// Index in the batch's tenants by hash of the name, of the batch that is being filled.
    private var tenantSlots: [UInt64: UInt32] = [:]

    private static let kindSymbol = CanonicalSchema.symbol("kind")
    private static let tenantSymbol = CanonicalSchema.symbol("tenant")
    private static let originalIDSymbol = CanonicalSchema.symbol("original_id")

    init(_ set: PipelineSet) {
        pipelines = set.pipelines
        byKind = set.kinds.compactMap { kind in set.pipeline(kind: kind).map { (Array(kind.utf8), $0) } }
        tree = EventTree(symbols: set.symbols)
        redactions = set.pipelines.map { Redaction(patterns: $0.patterns, paths: $0.redactedPaths, symbols: set.symbols) }
    }

    mutating func run(
        _ raw: UnsafeRawBufferPointer, line: Int, pipeline given: Pipeline?, context: borrowing IngestContext,
        into batch: inout NormalisedBatch
    ) throws(Rejection) {
        if let given, given.takesText { try tree.take(text: raw) } else { try tree.parse(raw) }
        let pipeline: Pipeline
        if let given {
            try checkKind(given)
            pipeline = given
        } else {
            pipeline = try choose()
        }
        try takeTenant(context)
        try pipeline.program.run(&tree, received: context.received)
        try finish(pipeline, line: line, context: context)
        let outcome = try writer.write(tree, time: context.received)
        let start = batch.bodies.count
        batch.bodies.append(contentsOf: writer.output.bytes)
        guard writer.output.bytes.count <= Limits.eventBytes else {
            batch.bodies.removeLast(batch.bodies.count - start)
            throw .tooLong(writer.output.bytes.count)
        }
        batch.events.append(
            NormalisedEvent(
                offset: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: writer.output.bytes.count),
                tenant: tenantIndex(&batch), line: UInt32(truncatingIfNeeded: line), identity: outcome.identity,
                time: outcome.time.milliseconds, contentOffset: UInt32(truncatingIfNeeded: outcome.contentOffset)))
    }

    /// What follows the steps of every pipeline: its kind, an original id from the request's key, redaction.
    private mutating func finish(_ pipeline: Pipeline, line: Int, context: borrowing IngestContext) throws(Rejection) {
        tree.put(tree.make(pipeline.kindLiteral), into: .root, as: Self.kindSymbol)
        if let key = context.idempotencyKey {
            let originalID = tree.child(of: .root, Self.originalIDSymbol)
            if !originalID.exists || tree.shape(of: originalID) == .null {
                tree.put(tree.makeString("\(key)/\(line)"), into: .root, as: Self.originalIDSymbol)
            }
        }
        try checkTenant()
        redaction(of: pipeline).apply(&tree)
    }

    private func redaction(of pipeline: Pipeline) -> Redaction {
        let index = pipelines.firstIndex { $0 === pipeline }
        return redactions[index!]
    }

    private func choose() throws(Rejection) -> Pipeline {
        let node = tree.child(of: .root, Self.kindSymbol)
        let kinds = { (list: [(kind: [UInt8], pipeline: Pipeline)]) in
            list.map { String(decoding: $0.kind, as: UTF8.self) }.joined(separator: ", ")
        }
        guard node.exists, tree.shape(of: node) == .string else {
            throw Rejection(
                field: "kind", code: .required,
                message:
                    "\"kind\" must say which pipeline takes the event (\(kinds(byKind))); or post to the path of one, such as /v1/activity")
        }
        let text = tree.text(of: node)
        for entry in byKind where entry.kind.elementsEqual(text) { return entry.pipeline }
        throw Rejection(
            field: "kind", code: .unknownKind,
            message: "no pipeline takes \"\(tree.string(of: node).prefix(64))\"; known kinds: \(kinds(byKind))")
    }

    /// An event that names one registered kind must not come in through the pipeline of another.
    private func checkKind(_ pipeline: Pipeline) throws(Rejection) {
        let node = tree.child(of: .root, Self.kindSymbol)
        guard node.exists, tree.shape(of: node) == .string else { return }
        let text = tree.text(of: node)
        guard !text.elementsEqual(pipeline.kind.utf8), byKind.contains(where: { $0.kind.elementsEqual(text) }) else { return }
        throw Rejection(
            field: "kind", code: .invalidValue,
            message: "the event says \"\(tree.string(of: node))\" but was sent to the pipeline for \"\(pipeline.kind)\"")
    }

    private mutating func takeTenant(_ context: borrowing IngestContext) throws(Rejection) {
        let node = tree.child(of: .root, Self.tenantSymbol)
        if !node.exists || tree.shape(of: node) == .null, let tenant = context.tenant ?? context.allowedTenant {
            tree.put(tree.makeString(tenant), into: .root, as: Self.tenantSymbol)
        }
        if let allowed = context.allowedTenant {
            let named = tree.child(of: .root, Self.tenantSymbol)
            guard named.exists, tree.text(of: named).elementsEqual(allowed.utf8) else {
                throw Rejection(field: "tenant", code: .forbidden, message: "this key may write only for the tenant \"\(allowed)\"")
            }
        }
    }

    private mutating func checkTenant() throws(Rejection) {
        let node = tree.child(of: .root, Self.tenantSymbol)
        guard node.exists, tree.shape(of: node) == .string else {
            guard node.exists, tree.shape(of: node) != .null else {
                throw Rejection(
                    field: "tenant", code: .required, message: "\"tenant\" must be there, in the event or as ?tenant= of the request")
            }
            throw Rejection(field: "tenant", code: .wrongType, message: "tenant must be a string")
        }
        let text = tree.text(of: node)
        if knownTenant.elementsEqual(text) { return }
        guard TenantName.isValid(text) else {
            throw Rejection(
                field: "tenant", code: .invalidValue,
                message: "a tenant's name has 1 to \(Limits.tenantBytes) letters, digits, '-', '_' or '.' and does not start with a dot")
        }
        knownTenant.removeAll(keepingCapacity: true)
        knownTenant.append(contentsOf: text)
    }

    private mutating func tenantIndex(_ batch: inout NormalisedBatch) -> UInt32 {
        let text = tree.text(of: tree.child(of: .root, Self.tenantSymbol))
        if batch.events.isEmpty { tenantSlots.removeAll(keepingCapacity: true) }
        let hash = Hash64.hash(text)
        if let known = tenantSlots[hash], batch.tenants[Int(known)].utf8.elementsEqual(text) { return known }
        let index = batch.tenantIndex(String(decoding: text, as: UTF8.self))
        tenantSlots[hash] = index
        return index
    }
}
