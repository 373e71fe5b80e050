/// A definition as it stands in its file, checked for shape but not yet compiled.
struct PipelineDefinition {
    enum Input: String {
        case json
        /// Each line is text; the steps find it as `message`.
        case text
    }

    var file: String
    var name: String
    var kind: String
    var summary: String
    var input: Input
    /// Paths of the HTTP collector that lead here, such as `/v1/activity`.
    var listens: [String]
    /// Key of the array in a wrapping object, such as CloudTrail's `Records`.
    var recordsKey: String?
    var steps: [Step]
    var redactKeys: [String]
    var redactPaths: [DefinitionReader]
    var tests: [DefinitionReader]

    struct Step {
        var verb: String
        var body: DefinitionReader
        var when: DefinitionReader?
        var line: Int
    }

    static let keys = ["name", "kind", "summary", "input", "listens", "records", "steps", "redact", "tests"]
    static let verbs = [
        "rename", "copy", "set", "default", "template", "map", "classify", "split", "match", "time", "lowercase", "remove", "require",
        "allow",
    ]

    static func read(file: String, text: String) throws(PipelineLoadError) -> PipelineDefinition {
        let reader = try DefinitionReader.open(file: file, text: text)
        let members = try reader.members(allowed: keys)
        func required(_ key: String) throws(PipelineLoadError) -> DefinitionReader {
            guard let member = members[key] else { throw reader.fault("the key is missing", key: key) }
            return member
        }
        let nameReader = try required("name")
        let name = try nameReader.text()
        guard isName(name) else { throw nameReader.fault("\"\(name)\" is not a name: lower-case letters, digits and '-'") }
        let kindReader = try required("kind")
        let kind = try kindReader.text()
        guard isKind(kind) else { throw kindReader.fault("\"\(kind)\" is not a kind: lower-case letters, digits and '_'") }
        var input = Input.json
        if let member = members["input"] {
            guard let known = Input(rawValue: try member.text()) else { throw member.fault("input is json or text") }
            input = known
        }
        var listens: [String] = []
        for member in members["listens"]?.list() ?? [] { listens.append(try member.text()) }
        var steps: [Step] = []
        for member in try members["steps"]?.sequence() ?? [] { steps.append(try step(member)) }
        let redaction = try members["redact"]?.members(allowed: ["keys", "paths"]) ?? [:]
        var redactKeys: [String] = []
        for member in redaction["keys"]?.list() ?? [] { redactKeys.append(try member.text()) }
        return PipelineDefinition(
            file: file, name: name, kind: kind, summary: try members["summary"]?.text() ?? "", input: input, listens: listens,
            recordsKey: try members["records"]?.text(), steps: steps, redactKeys: redactKeys, redactPaths: redaction["paths"]?.list() ?? [],
            tests: try members["tests"]?.sequence() ?? [])
    }

    private static func step(_ reader: DefinitionReader) throws(PipelineLoadError) -> Step {
        let members = try reader.members(allowed: verbs + ["when"])
        let found = verbs.filter { members[$0] != nil }
        guard found.count == 1, let verb = found.first, let body = members[verb] else {
            throw reader.fault("a step has exactly one verb: \(verbs.joined(separator: ", "))", key: found.first ?? "steps")
        }
        return Step(verb: verb, body: body, when: members["when"], line: reader.line)
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "-") }
    }

    private static func isKind(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "_") }
    }

    /// Every name that a path of this definition speaks of, for the symbol table. Too many does no harm.
    func names() -> [String] {
        var list: [String] = ["message"]
        func collect(_ reader: DefinitionReader) {
            if let members = try? reader.members() {
                for member in members {
                    list += FieldPath.names(in: member.name)
                    collect(member.value)
                }
            } else if reader.isSequence {
                reader.list().forEach(collect)
            } else if let text = try? reader.text(), text.utf8.count <= 512 {
                list += FieldPath.names(in: text)
                list += Placeholder.paths(in: text).flatMap(FieldPath.names)
            }
        }
        for step in steps {
            collect(step.body)
            step.when.map(collect)
        }
        redactPaths.forEach(collect)
        return list.filter { !$0.isEmpty && $0.utf8.count <= 64 && $0.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7B && $0 != 0x7D } }
    }
}

/// The `{…}` of templates and patterns.
enum Placeholder {
    enum Piece {
        case text(String)
        case name(String)
    }

    /// Pieces in order; `nil` when a brace is not closed or stands empty.
    static func pieces(of text: String) -> [Piece]? {
        var pieces: [Piece] = []
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
            guard let close = rest[open...].firstIndex(of: "}") else { return nil }
            let name = rest[rest.index(after: open)..<close]
            guard !name.isEmpty else { return nil }
            pieces.append(.name(String(name)))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        return pieces
    }

    static func paths(in text: String) -> [String] {
        (pieces(of: text) ?? []).compactMap { if case .name(let name) = $0 { name } else { nil } }
    }
}
