import EventModel

/// Turns the steps of a definition into a ``Program``. Everything that can be wrong is found here, at load, and said
/// with file, line and key; running never fails for the definition's sake.
struct ProgramCompiler {
    let symbols: SymbolTable
    let memory = ProgramMemory()

    static func compile(_ definition: PipelineDefinition, symbols: SymbolTable) throws(PipelineLoadError) -> (
        program: Program, memory: ProgramMemory
    ) {
        let compiler = ProgramCompiler(symbols: symbols)
        var instructions: [Instruction] = []
        for (index, step) in definition.steps.enumerated() {
            let condition = try step.when.map { when throws(PipelineLoadError) in try compiler.condition(when) } ?? -1
            for operation in try compiler.operations(step) {
                instructions.append(Instruction(operation: operation, needs: operation.needs, condition: condition, step: index))
            }
        }
        return (compiler.memory.program(instructions), compiler.memory)
    }

    private func operations(_ step: PipelineDefinition.Step) throws(PipelineLoadError) -> [Operation] {
        switch step.verb {
        case "rename": try pairs(step.body) { .move(from: $0, to: $1) }
        case "copy": try pairs(step.body) { .copy(from: $0, to: $1) }
        case "set": try literals(step.body) { .set($0, $1) }
        case "default": try literals(step.body) { .setDefault($0, $1) }
        case "template": try templates(step.body)
        case "map": [try translation(step.body)]
        case "classify": [try classification(step.body)]
        case "split": [try splitting(step.body)]
        case "match": [try match(step.body)]
        case "time": [try time(step.body)]
        case "lowercase": try places(step.body) { .lowercase($0) }
        case "remove": try places(step.body) { .remove($0) }
        case "allow": try allowances(step.body)
        case "require": try requirements(step.body)
        default: throw step.body.fault("no such verb")
        }
    }

    // MARK: Places and literals

    func path(_ text: String, _ reader: DefinitionReader, arrays: Bool = false) throws(PipelineLoadError) -> FieldPath {
        guard let path = FieldPath(text, symbols: symbols) else {
            throw reader.fault(
                "\"\(text)\" is not a place: names joined by '.', at most \(FieldPath.longest), at most one '[]' and not at the end")
        }
        guard arrays || path.arrayDepth == 0 else { throw reader.fault("\"\(text)\": this verb does not work on elements of arrays") }
        return path
    }

    /// A place that is written to: a canonical one, or one under `unmapped` or beside the canonical fields, which
    /// then ends up in `unmapped`.
    func target(_ text: String, _ reader: DefinitionReader, arrays: Bool = false) throws(PipelineLoadError) -> FieldPath {
        let names = FieldPath.names(in: text)
        if let first = names.first, CanonicalSchema.rootNames.contains(first), !CanonicalSchema.contains(path: names) {
            throw reader.fault("\"\(text)\" is not a place of the canonical event")
        }
        return try path(text, reader, arrays: arrays)
    }

    func literal(_ reader: DefinitionReader) throws(PipelineLoadError) -> Literal {
        let scalar = try reader.scalar()
        return memory.literal(scalar.text, shape: scalar.shape)
    }

    private func pairs(_ reader: DefinitionReader, _ make: (FieldPath, FieldPath) -> Operation) throws(PipelineLoadError) -> [Operation] {
        var operations: [Operation] = []
        for member in try reader.members() {
            let from = try path(member.name, member.value, arrays: true)
            let to = try target(try member.value.text(), member.value, arrays: true)
            guard from.sharesArray(with: to) else { throw member.value.fault("both places must go through the same array") }
            operations.append(make(from, to))
        }
        return operations
    }

    private func literals(_ reader: DefinitionReader, _ make: (FieldPath, Literal) -> Operation) throws(PipelineLoadError) -> [Operation] {
        var operations: [Operation] = []
        for member in try reader.members() {
            let place = try target(member.name, member.value, arrays: true)
            operations.append(make(place, try checked(try literal(member.value), at: member.name, member.value)))
        }
        return operations
    }

    /// Refuses a constant that the canonical field could never hold.
    private func checked(_ literal: Literal, at place: String, _ reader: DefinitionReader) throws(PipelineLoadError) -> Literal {
        let text = String(decoding: literal.text, as: UTF8.self)
        if let choices = CanonicalSchema.choices(at: place), !choices.contains(text) {
            throw reader.fault("\"\(text)\" is not one of: \(choices.words.joined(separator: ", "))")
        }
        return literal
    }

    func assignments(_ reader: DefinitionReader, onlyMissing: Bool = false) throws(PipelineLoadError) -> UnsafeBufferPointer<Assignment> {
        var list: [Assignment] = []
        for member in try reader.members() {
            let place = try target(member.name, member.value)
            let value = try checked(try literal(member.value), at: member.name, member.value)
            list.append(Assignment(path: place, literal: value, onlyMissing: onlyMissing))
        }
        return memory.keep(list)
    }

    // MARK: Conditions

    private func condition(_ reader: DefinitionReader) throws(PipelineLoadError) -> Int {
        var tests: [Condition] = []
        for member in try reader.members() {
            tests.append(Condition(path: try path(member.name, member.value), test: try test(member.value)))
        }
        memory.conditions.append(memory.keep(tests))
        return memory.conditions.count - 1
    }

    private func test(_ reader: DefinitionReader) throws(PipelineLoadError) -> Condition.Test {
        guard reader.isMapping else {
            var values: [Literal] = []
            for value in reader.list() { values.append(try literal(value)) }
            return .oneOf(memory.keep(values))
        }
        guard let is_ = try reader.members(allowed: ["is"])["is"] else { throw reader.fault("`is:` is expected") }
        switch try is_.text() {
        case "present": return .present
        case "missing": return .missing
        case "empty": return .empty
        case "string": return .shape(.string)
        case "number": return .shape(.number)
        case "boolean": return .shape(.boolean)
        case "object": return .shape(.object)
        case "array": return .shape(.array)
        default: throw is_.fault("is: present, missing, empty, string, number, boolean, object or array")
        }
    }
}
