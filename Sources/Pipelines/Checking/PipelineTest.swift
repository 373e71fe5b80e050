import EventModel

/// One entry of a definition's `tests:`.
///
/// ```yaml
/// tests:
///   - name: an update by an agent
///     received: 2026-11-20T12:00:00Z        # optional
///     tenant: acme                          # optional, as ?tenant= of a request
///     input: '{"id": "1", …}'               # JSON text, a mapping, or a line of text
///     output: {time: …, tenant: …}          # the canonical event without seq, id and received, exactly
///   - name: no tenant
///     input: {…}
///     rejected: {field: tenant, code: required}
/// ```
struct PipelineTest: Sendable {
    var name: String
    var line: Int
    var received: Timestamp
    var tenant: String?
    var input: [UInt8]
    var expected: Expected

    enum Expected: Sendable {
        case output(FlatEventBox)
        case rejected(field: String, code: String)
    }

    /// `FlatEvent` is a list of strings; boxed so that the enum stays small.
    final class FlatEventBox: Sendable {
        let event: FlatEvent
        init(_ event: FlatEvent) { self.event = event }
    }

    static func read(_ reader: DefinitionReader) throws(PipelineLoadError) -> PipelineTest {
        let members = try reader.members(allowed: ["name", "received", "tenant", "input", "output", "rejected"])
        guard let input = members["input"] else { throw reader.fault("the key is missing", key: "input") }
        let name = try members["name"]?.text() ?? "line \(reader.line)"
        var received = Timestamp("2026-11-20T12:00:00.000Z")!
        if let member = members["received"] {
            guard let time = Timestamp(try member.text()) else { throw member.fault("a time after RFC 3339 is expected") }
            received = time
        }
        let tenant = try members["tenant"].map { tenant throws(PipelineLoadError) in try tenant.text() }
        let bytes = Array((input.isMapping ? try input.json() : try input.text()).utf8)
        if let output = members["output"], members["rejected"] == nil {
            var flat = FlatEvent()
            try flat.add(output)
            return PipelineTest(
                name: name, line: reader.line, received: received, tenant: tenant, input: bytes, expected: .output(FlatEventBox(flat)))
        }
        guard let rejected = members["rejected"], members["output"] == nil else {
            throw reader.fault("a test has either output or rejected", key: "tests")
        }
        let parts = try rejected.members(allowed: ["field", "code"])
        return PipelineTest(
            name: name, line: reader.line, received: received, tenant: tenant, input: bytes,
            expected: .rejected(field: try parts["field"]?.text() ?? "", code: try parts["code"]?.text() ?? ""))
    }
}

/// What one test of a definition gave.
public struct PipelineTestResult: Sendable {
    public var name: String
    /// Line of the test in its file.
    public var line: Int
    public var passed: Bool
    /// What was different: `-` expected, `+` found.
    public var difference: String?
}

extension Pipeline {
    /// Runs the definition's own `tests:`.
    public func runTests() -> [PipelineTestResult] {
        let normaliser = Normaliser(PipelineSet(only: self))
        return tests.map { test in
            var batch = NormalisedBatch()
            let context = IngestContext(received: test.received, tenant: test.tenant)
            let rejection = test.input.withPadding { normaliser.normalise($0, line: 1, pipeline: self, context: context, into: &batch) }
            let difference = Self.difference(test, rejection, batch)
            return PipelineTestResult(name: test.name, line: test.line, passed: difference == nil, difference: difference)
        }
    }

    private static func difference(_ test: PipelineTest, _ rejection: Rejection?, _ batch: NormalisedBatch) -> String? {
        switch (test.expected, rejection) {
        case (.rejected(let field, let code), let rejection?):
            if rejection.field == field, rejection.code.rawValue == code { return nil }
            return
                "- rejected \(code) at \"\(field)\"\n+ rejected \(rejection.code.rawValue) at \"\(rejection.field)\": \(rejection.message)"
        case (.rejected(let field, let code), nil):
            return "- rejected \(code) at \"\(field)\"\n+ {\(String(decoding: batch.bodies, as: UTF8.self))"
        case (.output, let rejection?):
            return "+ rejected \(rejection.code.rawValue) at \"\(rejection.field)\": \(rejection.message)"
        case (.output(let expected), nil):
            guard let flat = FlatEvent(body: batch.bodies) else { return "+ the canonical line is no JSON: a bug in Daybook" }
            let lines = flat.difference(from: expected.event)
            return lines.isEmpty ? nil : lines.joined(separator: "\n")
        }
    }
}

extension FlatEvent {
    /// Of a canonical body, which lacks its opening brace; `nil` when that is no JSON.
    init?(body: [UInt8]) {
        var tree = EventTree(symbols: SymbolTable())
        let source = [UInt8(ascii: "{")] + body
        let flat: FlatEvent? = source.withPadding { padded in
            do throws(Rejection) { try tree.parse(padded) } catch { return nil }
            return FlatEvent(tree)
        }
        guard let flat else { return nil }
        self = flat
    }
}

extension PipelineSet {
    init(only pipeline: Pipeline) {
        pipelines = [pipeline]
        symbols = pipeline.symbols
    }
}

extension [UInt8] {
    /// The bytes with the padding that the parser wants behind them.
    func withPadding<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let padded = self + [UInt8](repeating: 0, count: Limits.parserPadding)
        return padded.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[0..<count])) }
    }
}

extension DefinitionReader {
    /// A YAML value as JSON text.
    func json() throws(PipelineLoadError) -> String {
        if isMapping {
            var parts: [String] = []
            for member in try members() { parts.append(Self.quoted(member.name) + ":" + (try member.value.json())) }
            return "{" + parts.joined(separator: ",") + "}"
        }
        if isSequence {
            var parts: [String] = []
            for item in try sequence() { parts.append(try item.json()) }
            return "[" + parts.joined(separator: ",") + "]"
        }
        let scalar = try scalar()
        return scalar.shape == .string ? Self.quoted(scalar.text) : scalar.text
    }

    private static func quoted(_ text: String) -> String {
        var writer = ByteWriter(capacity: text.utf8.count + 2)
        var text = text
        text.withUTF8 { writer.appendQuoted(escaping: UnsafeRawBufferPointer($0)) }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
