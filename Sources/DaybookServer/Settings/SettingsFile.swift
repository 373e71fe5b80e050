import Collectors
import Foundation
import Yams

/// The configuration file, flattened: `journal: {segment_bytes: 64MiB}` is `journal.segment_bytes`.
struct SettingsFile {
    struct Value {
        var text: String
        var line: Int
    }

    var path: String
    var values: [String: Value] = [:]
    /// `tail`, the one setting that is a list.
    var tails: [TailEntry] = []

    static let tailKey = "tail"

    static func read(_ path: String) throws(SettingsError) -> SettingsFile {
        var file = SettingsFile(path: path)
        let text: String
        do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
            throw SettingsError(key: "config", place: path, reason: "the file cannot be read: \(error.localizedDescription)")
        }
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch {
            throw SettingsError(key: "config", place: path, reason: "it is not YAML: \(error)")
        }
        // A file of nothing but comments has no root.
        guard let root, root.null == nil else { return file }
        guard let mapping = root.mapping else { throw SettingsError(key: "config", place: path, reason: "it must hold `key: value` pairs") }
        try file.flatten(mapping, prefix: "")
        return file
    }

    private mutating func flatten(_ mapping: Node.Mapping, prefix: String) throws(SettingsError) {
        for (keyNode, node) in mapping {
            let key = prefix + (keyNode.string ?? "")
            let line = keyNode.mark?.line ?? 0
            if key == Self.tailKey {
                tails = try readTails(node, line: line)
            } else if let inner = node.mapping, inner.isEmpty {
                // As if all in it were commented out; a section that does not exist is told from one that does later.
                values[key] = Value(text: "", line: line)
            } else if let inner = node.mapping {
                try flatten(inner, prefix: key + ".")
            } else if let scalar = node.scalar {
                guard values[key] == nil else { throw fault(key, line, "it stands twice") }
                values[key] = Value(text: scalar.string, line: line)
            } else {
                throw fault(key, line, "a list is not expected here")
            }
        }
    }

    private func readTails(_ node: Node, line: Int) throws(SettingsError) -> [TailEntry] {
        if node.null != nil { return [] }
        guard let list = node.sequence else { throw fault(Self.tailKey, line, "it must be a list of files to follow") }
        var entries: [TailEntry] = []
        for item in list {
            let line = item.mark?.line ?? line
            guard let members = item.mapping else {
                throw fault(Self.tailKey, line, "each entry has path, and pipeline, tenant, from where wanted")
            }
            var entry = TailEntry(path: "")
            for (keyNode, value) in members {
                let key = keyNode.string ?? ""
                guard let text = value.string, !text.isEmpty else { throw fault("tail.\(key)", line, "it has no value") }
                switch key {
                case "path": entry.path = text
                case "pipeline": entry.pipeline = text
                case "tenant": entry.tenant = text
                case "from":
                    guard let from = TailEntry.Beginning(rawValue: text) else { throw fault("tail.from", line, "it must be start or end") }
                    entry.from = from
                case "quiet":
                    guard let quiet = SettingsReader.duration(text), quiet <= .seconds(86_400) else {
                        throw fault("tail.quiet", line, "it must be a duration of at most a day, such as 10s")
                    }
                    entry.quiet = quiet
                default: throw fault("tail.\(key)", line, "there is no such setting; there are path, pipeline, tenant, from, quiet")
                }
            }
            guard !entry.path.isEmpty else { throw fault("tail.path", line, "an entry must name the file to follow") }
            entries.append(entry)
        }
        return entries
    }

    private func fault(_ key: String, _ line: Int, _ reason: String) -> SettingsError {
        SettingsError(key: key, place: "\(path):\(line)", reason: reason)
    }
}
