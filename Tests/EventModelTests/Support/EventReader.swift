@testable import EventModel

/// One tree and one writer, used for event after event as a running normaliser does, so that whatever an event leaves
/// behind meets the next one.
///
/// Documents lie in the middle of one buffer; the bytes behind them are hostile JSON, so reading too far shows.
final class EventReader {
    var tree: EventTree
    var writer = CanonicalWriter()
    private let buffer: UnsafeMutableRawBufferPointer

    init(symbols: SymbolTable = SymbolTable()) {
        tree = EventTree(symbols: symbols)
        buffer = .allocate(byteCount: Limits.eventBytes * 2, alignment: 1)
    }

    deinit { buffer.deallocate() }

    func parse(_ bytes: [UInt8], followedBy padding: String = "\"}]}0,\"seq\":1e5\\u0041") throws(Rejection) {
        buffer.copyBytes(from: bytes)
        var following = padding.utf8.makeIterator()
        for index in bytes.count..<min(buffer.count, bytes.count + Limits.parserPadding) { buffer[index] = following.next() ?? 0x5D }
        try tree.parse(UnsafeRawBufferPointer(rebasing: buffer[..<bytes.count]))
    }

    func parse(_ text: String) throws(Rejection) { try parse(Array(text.utf8)) }

    /// What the tree refuses `text` with; `nil` when it takes it.
    func rejection(_ bytes: [UInt8]) -> Rejection? {
        do throws(Rejection) {
            try parse(bytes)
            return nil
        } catch {
            return error
        }
    }

    func rejection(_ text: String) -> Rejection? { rejection(Array(text.utf8)) }

    /// The event's canonical body with its opening brace, as one JSON object.
    func write(time: Timestamp = Timestamp(milliseconds: 0)) throws(Rejection) -> [UInt8] {
        _ = try writer.write(tree, time: time)
        return [UInt8(ascii: "{")] + Array(writer.output.bytes)
    }

    func canonical(_ text: String) throws(Rejection) -> String {
        try parse(text)
        return String(decoding: try write(), as: UTF8.self)
    }

    /// What parsing or writing refuses `text` with; `nil` when both take it.
    func canonicalRejection(_ text: String) -> Rejection? {
        do throws(Rejection) {
            _ = try canonical(text)
            return nil
        } catch {
            return error
        }
    }

    /// The whole tree as a value.
    func value(of node: NodeIndex = .root) -> JSONValue {
        switch tree.shape(of: node) {
        case .null: .null
        case .boolean: .boolean(tree.string(of: node) == "true")
        case .number: .number(tree.string(of: node))
        case .string: .string(Array(tree.text(of: node)))
        case .array: .array(children(of: node).map { value(of: $0) })
        case .object: .object(children(of: node).map { JSONValue.Member(name: Array(tree.key(of: $0)), value: value(of: $0)) })
        }
    }

    func children(of node: NodeIndex) -> [NodeIndex] {
        var list: [NodeIndex] = []
        var child = tree.firstChild(of: node)
        while child.exists {
            list.append(child)
            child = tree.next(after: child)
        }
        return list
    }

    func symbol(_ name: String) -> Symbol { tree.symbols.symbol(name) }
}

/// An event that holds what the canonical form demands, and `more` (such as `"area":"billing"`).
func event(_ more: String = "") -> String {
    let required =
        #""tenant":"t1","kind":"activity","type":"contact.update","action":"update","outcome":"success","severity":"low","actor":{"id":"u1"}"#
    return "{" + required + (more.isEmpty ? "" : "," + more) + "}"
}
