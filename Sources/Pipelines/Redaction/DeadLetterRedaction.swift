import EventModel
import Foundation

/// Takes secrets out of what was refused, before it goes to the dead-letter log. A refused event went through no step or
/// only some, so its shape is the producer's: what parses is redacted as a tree, by the words and places of its
/// pipeline, or of all where none is known, and stays JSON that can be tried again. Only what does not parse is scrubbed
/// as text, which takes out more.
public struct DeadLetterRedaction: Sendable {
    private let rules: [String: DeadLetterRules]
    private let all: DeadLetterRules

    public init(_ set: PipelineSet) {
        let each = set.pipelines.map {
            ($0.name, DeadLetterRules(patterns: $0.patterns, paths: $0.refusedPaths, names: $0.refusedNames + Self.cloudEventNames))
        }
        rules = Dictionary(each, uniquingKeysWith: { first, _ in first })
        all = DeadLetterRules(
            patterns: KeyPatterns(union: set.pipelines.map(\.patterns)), paths: Array(Set(each.flatMap { $0.1.paths })),
            names: Array(Set(each.flatMap { $0.1.names })))
    }

    /// Attributes of a CloudEvent that become names; its data is an event by itself.
    private static let cloudEventNames = [["id"], ["source"], ["subject"]]

    /// - Parameter isText: a line for a pipeline that takes text, and not broken JSON.
    public func redact(_ raw: [UInt8], pipeline: String?, isText: Bool = false) -> [UInt8] {
        let rules = pipeline.flatMap { self.rules[$0] } ?? all
        if isText { return all.scrub(raw) }
        if Self.isLoneString(raw) { return JSONEscapes.encode(Array(Redaction.placeholder.utf8)) }
        guard let tree = RawJSON.read(raw) else { return all.scrub(raw) }
        var output: [UInt8] = []
        rules.redact(event: tree).write(to: &output)
        return output
    }

    /// For the reason of a refusal, which may repeat the value it complains about.
    public func scrub(_ message: String) -> String { String(decoding: all.scrub(Array(message.utf8)), as: UTF8.self) }

    /// A string is no event, and where a body was cut into lines it may be the value of the key before it.
    private static func isLoneString(_ raw: [UInt8]) -> Bool {
        var text = raw[...]
        while let last = text.last, TextScrub.isSpace(last) || last == UInt8(ascii: ",") { text.removeLast() }
        while let first = text.first, TextScrub.isSpace(first) { text.removeFirst() }
        guard text.count >= 2, text.first == UInt8(ascii: "\"") else { return false }
        if case .string? = RawJSON.read(Array(text)) { return true }
        return false
    }
}
