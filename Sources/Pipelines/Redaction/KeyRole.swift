/// What a member's key says about it: that it is a secret, or that it names or holds the secret of a pair such as
/// `{"name":"Authorization","value":"…"}` or `{"field":"password","from":"…","to":"…"}`.
struct KeyRole: OptionSet {
    var rawValue: UInt8

    static let secret = KeyRole(rawValue: 1)
    /// Its value is the name of what stands beside it.
    static let label = KeyRole(rawValue: 2)
    /// The label of a change, beside which `from` and `to` are values; beside a `name` they are places and people.
    static let field = KeyRole(rawValue: 4)
    static let value = KeyRole(rawValue: 8)
    static let range = KeyRole(rawValue: 16)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ key: UnsafeRawBufferPointer, _ patterns: KeyPatterns) {
        self = patterns.matches(key) ? .secret : []
        guard key.count <= 10 else { return }
        switch String(decoding: key, as: UTF8.self).lowercased() {
        case "name", "key", "header": insert(.label)
        case "field", "property", "attribute", "path", "column", "setting", "parameter", "param", "field_name", "fieldname":
            formUnion([.label, .field])
        case "value", "values", "old", "new", "before", "after", "old_value", "new_value", "oldvalue", "newvalue", "previous":
            insert(.value)
        case "from", "to": insert(.range)
        default: break
        }
    }

    /// The longest name of a secret; longer labels are prose.
    static let labelBytes = 128
}
