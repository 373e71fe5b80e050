import EventModel

/// One way from a producer's shape to the canonical event: a definition, compiled.
///
/// A pipeline is a value without state: the same bytes and context give the same event, always.
public final class Pipeline: Sendable {
    public let name: String
    /// Kind of the events it makes.
    public let kind: String
    /// What it is for, in the definition's words.
    public let summary: String
    /// File it was read from.
    public let file: String
    /// Whether its input is lines of text and not JSON.
    public let takesText: Bool
    /// Paths of the HTTP collector that lead here.
    public let listens: [String]
    /// Key of the array in a wrapping object, such as CloudTrail's `Records`; `nil` for bare events.
    public let recordsKey: String?
    /// Verb and line of each step, in order.
    public let steps: [(verb: String, line: Int)]

    let symbols: SymbolTable
    let program: Program
    /// Where the program lies.
    private let memory: ProgramMemory
    let redactedPaths: [FieldPath]
    let patterns: KeyPatterns
    let tests: [PipelineTest]
    let kindLiteral: Literal

    init(_ definition: PipelineDefinition, symbols: SymbolTable) throws(PipelineLoadError) {
        name = definition.name
        kind = definition.kind
        summary = definition.summary
        file = definition.file
        takesText = definition.input == .text
        listens = definition.listens
        recordsKey = definition.recordsKey
        steps = definition.steps.map { ($0.verb, $0.line) }
        self.symbols = symbols
        (program, memory) = try ProgramCompiler.compile(definition, symbols: symbols)
        patterns = KeyPatterns(extra: definition.redactKeys)
        if patterns.matches("original_id") {
            throw PipelineLoadError(
                file: definition.file, line: 0, key: "redact.keys",
                reason: "one of the words is found in \"original_id\", which tells duplicates and cannot be redacted")
        }
        var paths: [FieldPath] = []
        for reader in definition.redactPaths {
            let text = try reader.text()
            guard let path = FieldPath(text, symbols: symbols), path.arrayDepth == 0 else {
                throw reader.fault("\"\(text)\" is not a place without '[]'", key: "redact")
            }
            let names = FieldPath.names(in: text)
            if NamePlaces.identity.contains(where: { $0.starts(with: names) }) {
                throw reader.fault("\"\(text)\" tells duplicates and cannot be redacted: all events would be one")
            }
            paths.append(path)
        }
        redactedPaths = paths
        var tests: [PipelineTest] = []
        for reader in definition.tests { tests.append(try PipelineTest.read(reader)) }
        self.tests = tests
        kindLiteral = memory.literal(definition.kind)
    }

    /// Reads one definition by itself.
    public static func load(file: String) throws(PipelineLoadError) -> Pipeline {
        let definition = try PipelineSet.read(file: file)
        return try Pipeline(definition, symbols: SymbolTable(names: definition.names()))
    }
}

// `Literal` and `FieldPath` are plain bits; the literal's bytes live in `memory`, which the pipeline holds.
extension Literal: @unchecked Sendable {}
