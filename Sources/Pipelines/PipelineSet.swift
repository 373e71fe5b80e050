import EventModel
import Foundation

/// All pipelines of a folder, over one symbol table: loaded all or nothing.
public struct PipelineSet: Sendable {
    public let pipelines: [Pipeline]
    let symbols: SymbolTable

    /// Reads every `*.yaml` of `folder`.
    ///
    /// Two pipelines may make the same kind (an adapter beside the natural one): an event that names only its kind goes
    /// to the pipeline whose name is the kind with `-` for `_`, else to the first by file name.
    public static func load(folder: String) throws(PipelineLoadError) -> PipelineSet {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw PipelineLoadError(file: folder, line: 0, key: "", reason: "the folder cannot be read: \(error.localizedDescription)")
        }
        var definitions: [PipelineDefinition] = []
        for name in names.sorted() where name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
            definitions.append(try read(file: folder + "/" + name))
        }
        guard !definitions.isEmpty else {
            throw PipelineLoadError(file: folder, line: 0, key: "", reason: "there is no pipeline (*.yaml) in this folder")
        }
        return try PipelineSet(definitions)
    }

    init(_ definitions: [PipelineDefinition]) throws(PipelineLoadError) {
        let symbols = SymbolTable(names: definitions.flatMap { $0.names() })
        var pipelines: [Pipeline] = []
        for definition in definitions {
            if let other = pipelines.first(where: { $0.name == definition.name }) {
                throw PipelineLoadError(
                    file: definition.file, line: 0, key: "name", reason: "\"\(definition.name)\" is already defined in \(other.file)")
            }
            for path in definition.listens {
                if let other = pipelines.first(where: { $0.listens.contains(path) }) {
                    throw PipelineLoadError(
                        file: definition.file, line: 0, key: "listens", reason: "\(path) already leads to \"\(other.name)\"")
                }
            }
            pipelines.append(try Pipeline(definition, symbols: symbols))
        }
        self.pipelines = pipelines
        self.symbols = symbols
    }

    static func read(file: String) throws(PipelineLoadError) -> PipelineDefinition {
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            throw PipelineLoadError(file: file, line: 0, key: "", reason: "the file cannot be read as UTF-8: \(error.localizedDescription)")
        }
        return try PipelineDefinition.read(file: file, text: text)
    }

    public func pipeline(named name: String) -> Pipeline? { pipelines.first { $0.name == name } }

    public func pipeline(kind: String) -> Pipeline? {
        let natural = String(kind.map { $0 == "_" ? "-" : $0 })
        return pipelines.first { $0.kind == kind && $0.name == natural && !$0.takesText }
            ?? pipelines.first { $0.kind == kind && !$0.takesText }
    }

    public func pipeline(listening path: String) -> Pipeline? { pipelines.first { $0.listens.contains(path) } }

    /// Every kind that some pipeline makes.
    public var kinds: [String] { Array(Set(pipelines.map(\.kind))).sorted() }
}
