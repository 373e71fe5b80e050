import Archive
import DaybookClient
import Foundation

/// `pack.zip.partial/`: what is there of a pack already, and how far it is. `content/` becomes the pack as it lies there.
struct RetrieveFolder: Sendable {
    let path: String
    var state: State

    struct State: Sendable {
        var request: String
        /// Ids of the runs so far.
        var ids: [String] = []
        /// Days that were open when `open/events.ndjson` was begun.
        var open: [Int64] = []
        var search = Search()
        /// A pack was made of it that lacks what the server could not read.
        var isIncomplete = false
    }

    /// How far a search has come: everything before `cursor` is in the first `bytes` of `events.ndjson`.
    struct Search: Sendable {
        var cursor: String?
        var bytes = 0
        var events = 0
        var damagedBlocks = 0
        var isDone = false
    }

    var content: String { path + "/content" }
    private var stateFile: String { path + "/state.json" }

    /// Takes up what an earlier run of the same request left. Throws ``CommandFailure`` when it is another's.
    static func open(_ path: String, request: String) throws -> RetrieveFolder {
        let files = FileManager.default
        guard let bytes = files.contents(atPath: path + "/state.json") else {
            let found = files.fileExists(atPath: path) ? try files.contentsOfDirectory(atPath: path) : []
            guard found.isEmpty || found == ["content"] else {
                throw CommandFailure("\(path) is there and is not the beginning of a pack.", advice: "Remove it, or give another --output.")
            }
            try files.createDirectory(atPath: path + "/content", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let folder = RetrieveFolder(path: path, state: State(request: request))
            try folder.save()
            return folder
        }
        guard let state = JSONText(Array(bytes)), let text = state["request"]?.string else {
            throw CommandFailure("\(path)/state.json cannot be read.", advice: "Remove the folder to begin anew.")
        }
        guard text == request else {
            throw CommandFailure(
                "\(path) is the beginning of another pack: \(TextWidth.harmless(text)).", advice: "Remove it, or give another --output.")
        }
        var known = State(request: text)
        known.ids = (state["ids"]?.elements ?? []).compactMap(\.string)
        known.open = (state["open"]?.elements ?? []).compactMap(\.integer).map(Int64.init)
        known.search.cursor = state["cursor"]?.string
        known.search.bytes = state["bytes"]?.integer ?? 0
        known.search.events = state["events"]?.integer ?? 0
        known.search.damagedBlocks = state["damaged_blocks"]?.integer ?? 0
        known.isIncomplete = state["incomplete"]?.shown == "true"
        known.search.isDone = state["search_done"]?.shown == "true"
        return RetrieveFolder(path: path, state: known)
    }

    /// Whether a pack was made of what lies at `path`, and can be made again with what it lacked.
    static func isIncomplete(_ path: String) -> Bool {
        FileManager.default.contents(atPath: path + "/state.json").flatMap { JSONText(Array($0)) }?["incomplete"]?.shown == "true"
    }

    var isResumed: Bool { !state.ids.isEmpty }

    func save() throws {
        let ids = state.ids.map(JSONWriter.quoted).joined(separator: ",")
        let open = state.open.map(String.init).joined(separator: ",")
        let cursor = state.search.cursor.map(JSONWriter.quoted) ?? "null"
        let text =
            "{\"request\":\(JSONWriter.quoted(state.request)),\"ids\":[\(ids)],\"open\":[\(open)],\"cursor\":\(cursor),"
            + "\"bytes\":\(state.search.bytes),\"events\":\(state.search.events),\"damaged_blocks\":\(state.search.damagedBlocks),"
            + "\"search_done\":\(state.search.isDone),\"incomplete\":\(state.isIncomplete)}\n"
        try Data(text.utf8).write(to: URL(fileURLWithPath: stateFile), options: .atomic)
    }

    // MARK: Files of the content

    func file(_ name: String) -> String { content + "/" + name }

    func size(_ name: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: file(name)))?[.size] as? Int
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        try makeFolder(of: name)
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)), options: .atomic)
    }

    func makeFolder(of name: String) throws {
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: file(name)).deletingLastPathComponent().path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    func remove(_ name: String) throws {
        if FileManager.default.fileExists(atPath: file(name)) { try FileManager.default.removeItem(atPath: file(name)) }
    }

    /// SHA-256 in hexadecimal, piece by piece; `nil` when there is no such file.
    func digest(_ name: String) throws -> String? {
        guard FileManager.default.fileExists(atPath: file(name)) else { return nil }
        return try Digest(ofFile: file(name)).hex
    }

    /// Names of all files below `content`, sorted.
    func names() throws -> [String] {
        guard let walk = FileManager.default.enumerator(atPath: content) else { return [] }
        var names: [String] = []
        for case let name as String in walk where walk.fileAttributes?[.type] as? FileAttributeType == .typeRegular { names.append(name) }
        return names.sorted()
    }
}
