/// A JSON value as the tests see it: numbers as their text, strings as their unescaped bytes, members in order.
indirect enum JSONValue: Equatable {
    case null
    case boolean(Bool)
    case number(String)
    case string([UInt8])
    case array([JSONValue])
    case object([Member])

    struct Member: Equatable {
        var name: [UInt8]
        var value: JSONValue
    }

    static func text(_ text: String) -> JSONValue { .string(Array(text.utf8)) }

    /// The value of a member of this object; `nil` where there is none.
    subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == Array(name.utf8) }?.value
    }

    /// Names of this object's members, in order.
    var names: [String] {
        guard case .object(let members) = self else { return [] }
        return members.map { String(decoding: $0.name, as: UTF8.self) }
    }
}
