import EventModel
import Yams

/// A place in a definition's YAML, read with errors that name file, line and key.
struct DefinitionReader {
    let file: String
    let key: String
    let node: Yams.Node
    /// 1-based; of the key where there is one, else of the value.
    let line: Int

    /// Parses the whole file. A key that stands twice is an error of its own.
    static func open(file: String, text: String) throws(PipelineLoadError) -> DefinitionReader {
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw PipelineLoadError(file: file, line: 0, key: "", reason: "the file is empty")
            }
            return DefinitionReader(file: file, key: "", node: node, line: node.mark?.line ?? 0)
        } catch let error as PipelineLoadError {
            throw error
        } catch let error as YamlError {
            throw PipelineLoadError(file: file, line: Self.line(of: error), key: "", reason: "not YAML: \(error)")
        } catch {
            throw PipelineLoadError(file: file, line: 0, key: "", reason: "not YAML: \(error)")
        }
    }

    private static func line(of error: YamlError) -> Int {
        switch error {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        default: 0
        }
    }

    func fault(_ reason: String, key other: String? = nil) -> PipelineLoadError {
        PipelineLoadError(file: file, line: line, key: other ?? key, reason: reason)
    }

    private func under(_ node: Yams.Node, key: String, line: Int? = nil) -> DefinitionReader {
        DefinitionReader(file: file, key: key, node: node, line: line ?? node.mark?.line ?? self.line)
    }

    /// The members of a mapping in order.
    func members() throws(PipelineLoadError) -> [(name: String, value: DefinitionReader)] {
        guard case .mapping(let mapping) = node else { throw fault("a mapping (key: value) is expected") }
        var list: [(name: String, value: DefinitionReader)] = []
        for (keyNode, value) in mapping {
            guard let name = keyNode.string else { throw fault("a key must be a word") }
            list.append((name, under(value, key: name, line: keyNode.mark?.line)))
        }
        return list
    }

    /// The members, refusing any name that is not in `allowed`.
    func members(allowed: [String]) throws(PipelineLoadError) -> [String: DefinitionReader] {
        var found: [String: DefinitionReader] = [:]
        for member in try members() {
            guard allowed.contains(member.name) else {
                throw member.value.fault("unknown key; known here: \(allowed.joined(separator: ", "))", key: member.name)
            }
            found[member.name] = member.value
        }
        return found
    }

    /// A sequence, or one value alone taken as a sequence of one.
    func list() -> [DefinitionReader] {
        guard case .sequence(let sequence) = node else { return [self] }
        return sequence.map { under($0, key: key) }
    }

    func sequence() throws(PipelineLoadError) -> [DefinitionReader] {
        guard case .sequence(let sequence) = node else { throw fault("a list (- …) is expected") }
        return sequence.map { under($0, key: key) }
    }

    func text() throws(PipelineLoadError) -> String {
        guard case .scalar(let scalar) = node else { throw fault("a single value is expected") }
        return scalar.string
    }

    var isMapping: Bool {
        if case .mapping = node { true } else { false }
    }

    var isSequence: Bool {
        if case .sequence = node { true } else { false }
    }

    /// A scalar with the JSON type that YAML's core schema gives it.
    func scalar() throws(PipelineLoadError) -> (shape: EventTree.Shape, text: String) {
        guard case .scalar(let scalar) = node else { throw fault("a single value is expected") }
        switch node.tag.description {
        case Tag.Name.null.rawValue: return (.null, "null")
        case Tag.Name.bool.rawValue: return (.boolean, (node.bool ?? false) ? "true" : "false")
        case Tag.Name.int.rawValue, Tag.Name.float.rawValue: return (.number, scalar.string)
        default: return (.string, scalar.string)
        }
    }
}
