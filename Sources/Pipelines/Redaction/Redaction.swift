import EventModel

/// Takes secrets out of an event before anything is written: what changed is recorded, the secret never is.
///
/// Four ways, all on by default: members whose key matches ``KeyPatterns``; pairs of a name that matches and its value,
/// as changes and lists of headers write them (``KeyRole``); places that the definition names; and `key=value` pairs
/// inside texts, such as the query of a URL (``TextScrub``).
/// Booleans and nulls stay: one bit is no secret, and "a password was set" is worth knowing. Names of things
/// (``NamePlaces``) keep what stands behind a colon, and those that tell duplicates are never changed.
///
/// Keys with a symbol are judged once, when the program is built; others are remembered by hash in a ``KeyMemory``, which
/// whoever redacts brings along: so this is immutable and walked without asking for exclusive access.
public final class Redaction: Sendable {
    public static let placeholder = "[REDACTED]"

    private let patterns: KeyPatterns
    /// For texts that are JSON themselves.
    private let textRules: DeadLetterRules
    private let symbolRoles: [KeyRole]
    private let paths: [FieldPath]
    private let timeSymbol = CanonicalSchema.symbol("time")
    private let unmappedSymbol = CanonicalSchema.symbol("unmapped")
    private let names = NameSymbols()
    private let originalID = CanonicalSchema.symbol("original_id")
    private let producer = CanonicalSchema.symbol("producer")
    private let producerName = CanonicalSchema.symbol("name")

    init(patterns: KeyPatterns, paths: [FieldPath], symbols: SymbolTable) {
        self.patterns = patterns
        textRules = DeadLetterRules(patterns: patterns, paths: [], names: [])
        self.paths = paths
        symbolRoles = (0..<symbols.count).map { number in
            guard number > 0 else { return [] }
            var name = symbols.name(Symbol(UInt16(number)))
            return name.withUTF8 { KeyRole(UnsafeRawBufferPointer($0), patterns) }
        }
    }

    /// By `original_id` and the producer's name a duplicate is told, from the stored line as well as here: what is taken
    /// out of them would make one event of many. So they are never changed, and an event is refused whose
    /// identity holds a secret.
    ///
    /// - Parameter isReplay: the event was redacted before, when it was refused.
    func checkIdentity(_ tree: borrowing EventTree, isReplay: Bool) throws(Rejection) {
        let original = tree.child(of: .root, originalID)
        if original.exists { try checkIdentity(tree, original, "original_id", isReplay) }
        let producer = tree.child(of: .root, producer)
        guard producer.exists, tree.shape(of: producer) == .object else { return }
        let name = tree.child(of: producer, producerName)
        if name.exists { try checkIdentity(tree, name, "producer.name", isReplay) }
    }

    @inline(__always)
    private func checkIdentity(_ tree: borrowing EventTree, _ node: NodeIndex, _ name: StaticString, _ isReplay: Bool) throws(Rejection) {
        guard tree.shape(of: node) == .string, isReplay || tree.mayHoldSigns(node) else { return }
        try checkName(tree.text(of: node), "\(name)", isReplay)
    }

    @inline(never)
    private func checkName(_ text: UnsafeRawBufferPointer, _ field: String, _ isReplay: Bool) throws(Rejection) {
        if isReplay, String(decoding: text, as: UTF8.self).contains(Self.placeholder) {
            throw Rejection(
                field: field, code: .invalidValue,
                message: "a secret was taken out of this \(field), so that it no longer tells one event from another")
        }
        guard TextScrub.mayHoldSecrets(text), TextScrub(text, patterns, isName: true).scrubbed() != nil else { return }
        throw Rejection(
            field: field, code: .invalidValue,
            message: "\(field) is stored as it came and must hold no secret, such as token=… or the password of a URL")
    }

    /// Whether what is to be kept as a name holds a secret.
    public static func holdsSecret(name: String) -> Bool {
        Array(name.utf8).withUnsafeBytes {
            TextScrub.mayHoldSecrets($0) && TextScrub($0, standardPatterns, isName: true).scrubbed() != nil
        }
    }

    private static let standardPatterns = KeyPatterns()

    func apply(_ tree: inout EventTree, _ memory: inout KeyMemory) {
        redactMembers(of: .root, .root, &tree, &memory)
        for path in paths {
            let node = tree.resolve(path)
            if node.exists { replace(node, &tree) }
            // What has no place becomes `unmapped` only when the event is written: until then it stands where it came.
            guard path.count > 1, path[0] == unmappedSymbol else { continue }
            let unplaced = tree.resolve(path, from: 1)
            if unplaced.exists { replace(unplaced, &tree) }
        }
    }

    private func redactMembers(of parent: NodeIndex, _ part: EventPart, _ tree: inout EventTree, _ memory: inout KeyMemory) {
        var child = tree.firstChild(of: parent)
        var seen: KeyRole = []
        while child.exists {
            let role = role(of: child, tree, &memory)
            let symbol = tree.symbol(of: child)
            seen.formUnion(role)
            if role.contains(.secret), !names.isKept(symbol, in: part) {
                replace(child, &tree)
            } else {
                switch tree.shape(of: child) {
                case .object: redactMembers(of: child, names.part(symbol, in: part), &tree, &memory)
                case .array: redactElements(of: child, names.part(symbol, in: part), &tree, &memory)
                // Only the event's own time is known to be one, or the event is refused.
                case .string: if symbol != timeSymbol || part != .root { scrub(child, symbol, part, &tree) }
                case .number, .boolean, .null: break
                }
            }
            if symbol == .unknown, tree.mayKeyHoldSigns(child) { scrubKey(child, of: parent, &tree) }
            child = tree.next(after: child)
        }
        if seen.contains(.label), !seen.isDisjoint(with: [.value, .range]) { redactPair(parent, &tree, &memory) }
    }

    /// - Parameter part: what an object among the elements is.
    private func redactElements(of array: NodeIndex, _ part: EventPart, _ tree: inout EventTree, _ memory: inout KeyMemory) {
        var element = tree.firstChild(of: array)
        while element.exists {
            switch tree.shape(of: element) {
            case .object: redactMembers(of: element, part, &tree, &memory)
            case .array:
                redactElements(of: element, .other, &tree, &memory)
                redactTuple(element, &tree, &memory)
            case .string: scrub(element, .unknown, .other, &tree)
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
            if role.contains(.label), isSecretLabel(child, tree, &memory) {
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

    /// Paths may be written as lists: `["user","password"]`.
    private func isSecretLabel(_ node: NodeIndex, _ tree: borrowing EventTree, _ memory: inout KeyMemory) -> Bool {
        guard tree.shape(of: node) == .array else { return isSecretName(node, tree, &memory) }
        var part = tree.firstChild(of: node)
        while part.exists {
            if isSecretName(part, tree, &memory) { return true }
            part = tree.next(after: part)
        }
        return false
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

    /// A text at `symbol`, a member of `part`.
    @inline(__always)
    private func scrub(_ node: NodeIndex, _ symbol: Symbol, _ part: EventPart, _ tree: inout EventTree) {
        guard tree.mayHoldSigns(node) else { return }
        scrubText(node, symbol, part, &tree)
    }

    @inline(never)
    private func scrubText(_ node: NodeIndex, _ symbol: Symbol, _ part: EventPart, _ tree: inout EventTree) {
        let text = tree.text(of: node)
        guard TextScrub.mayHoldSecrets(text) else { return }
        if part == .root && symbol == originalID || part == .producer && symbol == producerName { return }
        let isName = names.isName(symbol, in: part)
        guard let scrubbed = textRules.scrubbed(text, isName: isName, depth: DeadLetterRules.textDepth) else { return }
        scrubbed.withUnsafeBytes { tree.setString(node, $0) }
    }

    /// A key may hold a pair itself. Two that differed only in their secrets are told apart by their places.
    @inline(never)
    private func scrubKey(_ node: NodeIndex, of parent: NodeIndex, _ tree: inout EventTree) {
        let key = tree.key(of: node)
        guard TextScrub.mayHoldSecrets(key), var scrubbed = textRules.scrubbed(key, isName: false, depth: 0) else { return }
        var ordinal = 0
        var count = 0
        var isTaken = false
        var other = tree.firstChild(of: parent)
        while other.exists {
            count += 1
            if other == node {
                ordinal = count
            } else if tree.key(of: other).elementsEqual(scrubbed) {
                isTaken = true
            }
            other = tree.next(after: other)
        }
        if isTaken { scrubbed += Array("~\(ordinal)".utf8) }
        scrubbed.withUnsafeBytes { tree.setKey(node, $0) }
    }

    /// The same for bytes that could not be parsed.
    static func scrubRaw(_ bytes: [UInt8], patterns: KeyPatterns = KeyPatterns()) -> [UInt8] {
        bytes.withUnsafeBytes { bytes in TextScrub(bytes, patterns).scrubbed() } ?? bytes
    }
}
