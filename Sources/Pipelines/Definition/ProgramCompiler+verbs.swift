import EventModel

// The verbs that need tables of their own.
extension ProgramCompiler {
    func templates(_ reader: DefinitionReader) throws(PipelineLoadError) -> [Operation] {
        var operations: [Operation] = []
        for member in try reader.members() {
            guard let pieces = Placeholder.pieces(of: try member.value.text()) else {
                throw member.value.fault("a '{' is not closed or holds no name")
            }
            var compiled: [Template.Piece] = []
            for piece in pieces {
                switch piece {
                case .text(let text): compiled.append(.text(memory.literal(text)))
                case .name(let name): compiled.append(.place(try path(name, member.value)))
                }
            }
            memory.templates.append(Template(pieces: memory.keep(compiled)))
            operations.append(.fill(try target(member.name, member.value), template: memory.templates.count - 1))
        }
        return operations
    }

    /// `map: {field: P, to: Q, values: {a: b, c: {X: y, Z: w}}, otherwise: …}`; `to` is `field` when left out.
    func translation(_ reader: DefinitionReader) throws(PipelineLoadError) -> Operation {
        let members = try reader.members(allowed: ["field", "to", "values", "otherwise"])
        let field = try self.field(members, reader)
        var destination = try members["field"]!.text()
        if let to = members["to"] { destination = try to.text() }
        var cases: [Translation.Case] = []
        guard let values = members["values"] else { throw reader.fault("the key is missing", key: "values") }
        for member in try values.members() {
            cases.append(
                Translation.Case(value: memory.literal(member.name), assignments: try outcome(member.value, destination: destination)))
        }
        var otherwise = memory.keep([Assignment]())
        if let reader = members["otherwise"] { otherwise = try outcome(reader, destination: destination) }
        memory.translations.append(Translation(cases: memory.keep(cases), otherwise: otherwise))
        return .translate(field, table: memory.translations.count - 1)
    }

    private func outcome(_ reader: DefinitionReader, destination: String) throws(PipelineLoadError) -> UnsafeBufferPointer<Assignment> {
        if reader.isMapping { return try assignments(reader) }
        let place = try target(destination, reader)
        let value = try literal(reader)
        let text = String(decoding: value.text, as: UTF8.self)
        if let choices = CanonicalSchema.choices(at: destination), !choices.contains(text) {
            throw reader.fault("\"\(text)\" is not one of: \(choices.words.joined(separator: ", "))")
        }
        return memory.keep([Assignment(path: place, literal: value, onlyMissing: false)])
    }

    /// `classify: {field: P, rules: [{contains|starts_with|equals: […] | range: [a, b], set: {…}}], otherwise: {…}}`.
    /// A rule fills only what is still missing, so that a producer's own word stands.
    func classification(_ reader: DefinitionReader) throws(PipelineLoadError) -> Operation {
        let members = try reader.members(allowed: ["field", "rules", "otherwise"])
        let field = try self.field(members, reader)
        var rules: [Classification.Rule] = []
        for rule in try members["rules"]?.sequence() ?? [] {
            let parts = try rule.members(allowed: ["contains", "starts_with", "equals", "range", "set"])
            guard let set = parts["set"] else { throw rule.fault("the key is missing", key: "set") }
            guard parts.count == 2 else { throw rule.fault("a rule has one of contains, starts_with, equals, range beside set") }
            rules.append(Classification.Rule(test: try classificationTest(parts), assignments: try assignments(set, onlyMissing: true)))
        }
        guard !rules.isEmpty else { throw reader.fault("at least one rule is needed", key: "rules") }
        let otherwise =
            try members["otherwise"].map { set throws(PipelineLoadError) in try assignments(set, onlyMissing: true) } ?? memory.keep([])
        memory.classifications.append(Classification(rules: memory.keep(rules), otherwise: otherwise))
        return .classify(field, table: memory.classifications.count - 1)
    }

    private func classificationTest(_ parts: [String: DefinitionReader]) throws(PipelineLoadError) -> Classification.Test {
        func literals(_ reader: DefinitionReader) throws(PipelineLoadError) -> UnsafeBufferPointer<Literal> {
            var list: [Literal] = []
            for item in reader.list() { list.append(memory.literal(try item.text())) }
            return memory.keep(list)
        }
        if let reader = parts["contains"] { return .contains(try literals(reader)) }
        if let reader = parts["starts_with"] { return .startsWith(try literals(reader)) }
        if let reader = parts["equals"] { return .equals(try literals(reader)) }
        let reader = parts["range"]!
        var bounds: [Int] = []
        for item in reader.list() {
            guard let bound = Int(try item.text()) else { throw item.fault("a range has two whole numbers") }
            bounds.append(bound)
        }
        guard bounds.count == 2, bounds[0] <= bounds[1] else { throw reader.fault("a range has two whole numbers, the smaller first") }
        return .range(low: bounds[0], high: bounds[1])
    }

    /// `split: {field: P, by: ".", into: [a, _, b]}`.
    func splitting(_ reader: DefinitionReader) throws(PipelineLoadError) -> Operation {
        let members = try reader.members(allowed: ["field", "by", "into"])
        let field = try self.field(members, reader)
        guard let by = try members["by"]?.text(), !by.isEmpty else { throw reader.fault("the separator is missing", key: "by") }
        var places: [FieldPath?] = []
        for item in try members["into"]?.sequence() ?? [] {
            let name = try item.text()
            places.append(name == "_" ? nil : try target(name, item))
        }
        guard places.count > 1 else { throw reader.fault("at least two places are needed", key: "into") }
        memory.splittings.append(Splitting(separator: memory.literal(by), places: memory.keep(places)))
        return .split(field, table: memory.splittings.count - 1)
    }

    /// `match: {field: P, rules: [{pattern: "… {place} …", set: {…}}], otherwise: {…}}`.
    func match(_ reader: DefinitionReader) throws(PipelineLoadError) -> Operation {
        let members = try reader.members(allowed: ["field", "rules", "otherwise"])
        let field = try self.field(members, reader)
        var rules: [Matching.Rule] = []
        for rule in try members["rules"]?.sequence() ?? [] {
            let parts = try rule.members(allowed: ["pattern", "set"])
            guard let pattern = parts["pattern"] else { throw rule.fault("the key is missing", key: "pattern") }
            let set = try parts["set"].map { set throws(PipelineLoadError) in try assignments(set) } ?? memory.keep([])
            rules.append(Matching.Rule(pattern: try textPattern(pattern), assignments: set))
        }
        guard !rules.isEmpty else { throw reader.fault("at least one rule is needed", key: "rules") }
        let otherwise = try members["otherwise"].map { set throws(PipelineLoadError) in try assignments(set) } ?? memory.keep([])
        memory.matches.append(Matching(rules: memory.keep(rules), otherwise: otherwise))
        return .match(field, table: memory.matches.count - 1)
    }

    private func textPattern(_ reader: DefinitionReader) throws(PipelineLoadError) -> TextPattern {
        guard let pieces = Placeholder.pieces(of: try reader.text()), !pieces.isEmpty else {
            throw reader.fault("a '{' is not closed or holds no name")
        }
        var compiled: [TextPattern.Piece] = []
        var lastWasCapture = false
        var longest: Int?
        for piece in pieces {
            switch piece {
            case .text(let text):
                compiled.append(.text(memory.literal(text)))
                lastWasCapture = false
            case .name(let name):
                if lastWasCapture { throw reader.fault("two captures need text between them") }
                var name = name
                if name.hasSuffix("...") {
                    guard longest == nil else { throw reader.fault("only one capture of a pattern may take as much as it can") }
                    longest = compiled.count
                    name.removeLast(3)
                }
                compiled.append(.capture(name == "_" ? nil : try target(name, reader)))
                lastWasCapture = true
            }
        }
        return TextPattern(pieces: memory.keep(compiled), longest: longest)
    }

    /// `time: {field: P, formats: […], offset: "+01:00", into: time}`; `into` is the event's time when left out.
    func time(_ reader: DefinitionReader) throws(PipelineLoadError) -> Operation {
        let members = try reader.members(allowed: ["field", "formats", "offset", "into"])
        let field = try self.field(members, reader)
        var formats: [TimeReading.Format] = []
        for item in members["formats"]?.list() ?? [] {
            guard let format = TimeReading.Format(rawValue: try item.text()) else {
                throw item.fault("formats: \(TimeReading.Format.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            formats.append(format)
        }
        guard !formats.isEmpty else { throw reader.fault("at least one format is needed", key: "formats") }
        var offset = 0
        if let member = members["offset"] {
            let text = try member.text()
            guard let epoch = Timestamp("1970-01-02T00:00:00" + text) else { throw member.fault("an offset is written +01:00 or Z") }
            offset = Int((86_400_000 - epoch.milliseconds) / 60_000)
        }
        var place = try path("time", reader)
        if let into = members["into"] { place = try target(try into.text(), into) }
        memory.times.append(TimeReading(formats: memory.keep(formats), offsetMinutes: offset, place: place))
        return .readTime(field, table: memory.times.count - 1)
    }

    /// A list of places, an operation for each.
    func places(_ reader: DefinitionReader, _ make: (FieldPath) -> Operation) throws(PipelineLoadError) -> [Operation] {
        var operations: [Operation] = []
        for item in reader.list() { operations.append(make(try path(try item.text(), item))) }
        return operations
    }

    /// `require: [actor.id, [target, category]]`: an inner list needs one of its places.
    func requirements(_ reader: DefinitionReader) throws(PipelineLoadError) -> [Operation] {
        var operations: [Operation] = []
        for item in reader.list() {
            var anyOf: [FieldPath] = []
            var names: [String] = []
            for place in item.list() {
                names.append("\"\(try place.text())\"")
                anyOf.append(try path(try place.text(), place))
            }
            guard !anyOf.isEmpty else { throw item.fault("an empty list") }
            memory.requirements.append(Requirement(anyOf: memory.keep(anyOf), names: memory.literal(names.joined(separator: " or "))))
            operations.append(.require(group: memory.requirements.count - 1))
        }
        return operations
    }

    /// `allow: {P: [a, b]}`: the place, where it is filled, holds one of these.
    func allowances(_ reader: DefinitionReader) throws(PipelineLoadError) -> [Operation] {
        var operations: [Operation] = []
        for member in try reader.members() {
            var values: [Literal] = []
            for item in member.value.list() { values.append(try literal(item)) }
            let names = values.map { String(decoding: $0.text, as: UTF8.self) }.joined(separator: ", ")
            memory.allowances.append(Allowance(values: memory.keep(values), names: memory.literal(names)))
            operations.append(.allow(try path(member.name, member.value), table: memory.allowances.count - 1))
        }
        return operations
    }

    private func field(_ members: [String: DefinitionReader], _ reader: DefinitionReader) throws(PipelineLoadError) -> FieldPath {
        guard let field = members["field"] else { throw reader.fault("the key is missing", key: "field") }
        return try path(try field.text(), field)
    }
}
