import EventModel

/// Takes secrets out of an event before anything is written: what changed is recorded, the secret never is.
///
/// Four ways, all on by default: members whose key matches ``KeyPatterns``; `old` and `new` of a change whose `field`
/// matches; places that the definition names; and `key=value` pairs inside texts, such as the query of a URL.
/// Booleans and nulls stay: one bit is no secret, and "a password was set" is worth knowing.
///
/// Keys with a symbol are judged once, when the program is built; others are remembered by hash.
public final class Redaction {
    public static let placeholder = "[REDACTED]"

    private let patterns: KeyPatterns
    private let secretSymbols: [Bool]
    private let paths: [FieldPath]
    private var remembered: [UInt64: Bool] = [:]
    /// Keys with no symbol that are remembered; when full the memory starts anew.
    private static let rememberedKeys = 4096

    init(patterns: KeyPatterns, paths: [FieldPath], symbols: SymbolTable) {
        self.patterns = patterns
        self.paths = paths
        secretSymbols = (0..<symbols.count).map { $0 > 0 && patterns.matches(symbols.name(Symbol(UInt16($0)))) }
    }

    private static let time = CanonicalSchema.symbol("time")
    private static let changes = CanonicalSchema.symbol("changes")
    private static let field = CanonicalSchema.symbol("field")
    private static let old = CanonicalSchema.symbol("old")
    private static let new = CanonicalSchema.symbol("new")

    func apply(_ tree: inout EventTree) {
        redactMembers(of: .root, &tree)
        redactChanges(&tree)
        for path in paths {
            let node = tree.resolve(path)
            if node.exists { replace(node, &tree) }
        }
    }

    private func redactMembers(of parent: NodeIndex, _ tree: inout EventTree) {
        var child = tree.firstChild(of: parent)
        while child.exists {
            switch tree.shape(of: child) {
            case .object, .array:
                if isSecret(child, tree) { replace(child, &tree) } else { redactMembers(of: child, &tree) }
            case .string:
                if isSecret(child, tree) { replace(child, &tree) } else if tree.symbol(of: child) != Self.time { scrub(child, &tree) }
            case .number:
                if isSecret(child, tree) { replace(child, &tree) }
            case .boolean, .null: break
            }
            child = tree.next(after: child)
        }
    }

    @inline(__always)
    private func isSecret(_ node: NodeIndex, _ tree: borrowing EventTree) -> Bool {
        let symbol = tree.symbol(of: node)
        if symbol != .unknown { return secretSymbols[Int(symbol.number)] }
        let key = tree.key(of: node)
        return key.count > 0 && remembers(key)
    }

    private func remembers(_ key: UnsafeRawBufferPointer) -> Bool {
        let hash = Hash64.hash(key)
        if let known = remembered[hash] { return known }
        if remembered.count >= Self.rememberedKeys { remembered.removeAll(keepingCapacity: true) }
        let isSecret = patterns.matches(key)
        remembered[hash] = isSecret
        return isSecret
    }

    private func redactChanges(_ tree: inout EventTree) {
        let changes = tree.child(of: .root, Self.changes)
        guard changes.exists, tree.shape(of: changes) == .array else { return }
        var change = tree.firstChild(of: changes)
        while change.exists {
            if tree.shape(of: change) == .object {
                let field = tree.child(of: change, Self.field)
                if field.exists, tree.text(of: field).count > 0, remembers(tree.text(of: field)) {
                    for symbol in [Self.old, Self.new] {
                        let value = tree.child(of: change, symbol)
                        if value.exists { replace(value, &tree) }
                    }
                }
            }
            change = tree.next(after: change)
        }
    }

    private func replace(_ node: NodeIndex, _ tree: inout EventTree) {
        let shape = tree.shape(of: node)
        guard shape != .boolean, shape != .null, !isBit(tree.text(of: node)) else { return }
        var placeholder = Self.placeholder
        placeholder.withUTF8 { tree.setString(node, UnsafeRawBufferPointer($0)) }
    }

    /// `"true"` and `"false"`, which some producers write as strings.
    private func isBit(_ text: UnsafeRawBufferPointer) -> Bool { text.elementsEqual("true".utf8) || text.elementsEqual("false".utf8) }

    private func scrub(_ node: NodeIndex, _ tree: inout EventTree) {
        let text = tree.text(of: node)
        guard TextScrub.mayHoldPairs(text), let scrubbed = TextScrub.scrub(text, patterns: patterns) else { return }
        scrubbed.withUnsafeBytes { tree.setString(node, $0) }
    }

    /// The same for bytes that could not be parsed, before they go to the dead-letter log.
    public static func scrubRaw(_ bytes: [UInt8], patterns: KeyPatterns = KeyPatterns()) -> [UInt8] {
        bytes.withUnsafeBytes { TextScrub.scrub($0, patterns: patterns) } ?? bytes
    }
}
