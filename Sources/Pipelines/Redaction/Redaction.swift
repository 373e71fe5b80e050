import EventModel

/// Takes secrets out of an event before anything is written: what changed is recorded, the secret never is.
///
/// Four ways, all on by default: members whose key matches ``KeyPatterns``; pairs of a name that matches and its value,
/// as changes and lists of headers write them (``KeyRole``); places that the definition names; and `key=value` pairs
/// inside texts, such as the query of a URL (``TextScrub``).
/// Booleans and nulls stay: one bit is no secret, and "a password was set" is worth knowing.
///
/// Keys with a symbol are judged once, when the program is built; others are remembered by hash in a ``KeyMemory``, which
/// whoever redacts brings along: so this is immutable and walked without asking for exclusive access.
public final class Redaction: Sendable {
    public static let placeholder = "[REDACTED]"

    private let patterns: KeyPatterns
    private let symbolRoles: [KeyRole]
    private let paths: [FieldPath]
    private let timeSymbol = CanonicalSchema.symbol("time")
    private let unmappedSymbol = CanonicalSchema.symbol("unmapped")

    init(patterns: KeyPatterns, paths: [FieldPath], symbols: SymbolTable) {
        self.patterns = patterns
        self.paths = paths
        symbolRoles = (0..<symbols.count).map { number in
            guard number > 0 else { return [] }
            var name = symbols.name(Symbol(UInt16(number)))
            return name.withUTF8 { KeyRole(UnsafeRawBufferPointer($0), patterns) }
        }
    }

    func apply(_ tree: inout EventTree, _ memory: inout KeyMemory) {
        redactMembers(of: .root, &tree, &memory)
        for path in paths {
            let node = tree.resolve(path)
            if node.exists { replace(node, &tree) }
            // What has no place becomes `unmapped` only when the event is written: until then it stands where it came.
            guard path.count > 1, path[0] == unmappedSymbol else { continue }
            let unplaced = tree.resolve(path, from: 1)
            if unplaced.exists { replace(unplaced, &tree) }
        }
    }

    private func redactMembers(of parent: NodeIndex, _ tree: inout EventTree, _ memory: inout KeyMemory) {
        var child = tree.firstChild(of: parent)
        var seen: KeyRole = []
        while child.exists {
            let role = role(of: child, tree, &memory)
            seen.formUnion(role)
            if role.contains(.secret) {
                replace(child, &tree)
            } else {
                switch tree.shape(of: child) {
                case .object: redactMembers(of: child, &tree, &memory)
                case .array: redactElements(of: child, &tree, &memory)
                case .string: if tree.symbol(of: child) != timeSymbol { scrub(child, &tree) }
                case .number, .boolean, .null: break
                }
            }
            child = tree.next(after: child)
        }
        if seen.contains(.label), !seen.isDisjoint(with: [.value, .range]) { redactPair(parent, &tree, &memory) }
    }

    private func redactElements(of array: NodeIndex, _ tree: inout EventTree, _ memory: inout KeyMemory) {
        var element = tree.firstChild(of: array)
        while element.exists {
            switch tree.shape(of: element) {
            case .object: redactMembers(of: element, &tree, &memory)
            case .array:
                redactElements(of: element, &tree, &memory)
                redactTuple(element, &tree, &memory)
            case .string: scrub(element, &tree)
            case .number, .boolean, .null: break
            }
            element = tree.next(after: element)
        }
    }

    /// An object that names something in one member and holds it in another.
    private func redactPair(_ object: NodeIndex, _ tree: inout EventTree, _ memory: inout KeyMemory) {
        var secret: KeyRole = []
        var child = tree.firstChild(of: object)
        while child.exists {
            let role = role(of: child, tree, &memory)
            if role.contains(.label), isSecretName(child, tree, &memory) {
                secret.formUnion(role.contains(.field) ? [.value, .range] : .value)
            }
            child = tree.next(after: child)
        }
        guard !secret.isEmpty else { return }
        child = tree.firstChild(of: object)
        while child.exists {
            if !role(of: child, tree, &memory).isDisjoint(with: secret) { replace(child, &tree) }
            child = tree.next(after: child)
        }
    }

    /// `["Authorization","Bearer …"]` in a list of such.
    private func redactTuple(_ array: NodeIndex, _ tree: inout EventTree, _ memory: inout KeyMemory) {
        let name = tree.firstChild(of: array)
        guard name.exists, isSecretName(name, tree, &memory) else { return }
        let value = tree.next(after: name)
        if value.exists, !tree.next(after: value).exists { replace(value, &tree) }
    }

    private func isSecretName(_ node: NodeIndex, _ tree: borrowing EventTree, _ memory: inout KeyMemory) -> Bool {
        guard tree.shape(of: node) == .string else { return false }
        let text = tree.text(of: node)
        return text.count > 0 && text.count <= KeyRole.labelBytes && memory.role(text, patterns).contains(.secret)
    }

    @inline(__always)
    private func role(of node: NodeIndex, _ tree: borrowing EventTree, _ memory: inout KeyMemory) -> KeyRole {
        let symbol = tree.symbol(of: node)
        if symbol != .unknown { return symbolRoles[Int(symbol.number)] }
        let key = tree.key(of: node)
        return key.count > 0 ? memory.role(key, patterns) : []
    }

    private func replace(_ node: NodeIndex, _ tree: inout EventTree) {
        let shape = tree.shape(of: node)
        guard shape != .boolean, shape != .null, !Self.isBit(tree.text(of: node)) else { return }
        var placeholder = Self.placeholder
        placeholder.withUTF8 { tree.setString(node, UnsafeRawBufferPointer($0)) }
    }

    /// `"true"` and `"false"`, which some producers write as strings.
    static func isBit(_ text: some Sequence<UInt8>) -> Bool { text.elementsEqual("true".utf8) || text.elementsEqual("false".utf8) }

    @inline(__always)
    private func scrub(_ node: NodeIndex, _ tree: inout EventTree) {
        guard tree.mayHoldSigns(node) else { return }
        scrubText(node, &tree)
    }

    @inline(never)
    private func scrubText(_ node: NodeIndex, _ tree: inout EventTree) {
        let text = tree.text(of: node)
        guard TextScrub.mayHoldSecrets(text), let scrubbed = TextScrub(text, patterns).scrubbed() else { return }
        scrubbed.withUnsafeBytes { tree.setString(node, $0) }
    }

    /// The same for bytes that could not be parsed.
    static func scrubRaw(_ bytes: [UInt8], patterns: KeyPatterns = KeyPatterns()) -> [UInt8] {
        bytes.withUnsafeBytes { bytes in TextScrub(bytes, patterns).scrubbed() } ?? bytes
    }
}
