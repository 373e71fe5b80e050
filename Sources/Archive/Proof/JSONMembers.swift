import EventModel

/// A manifest or record cannot be read; says where.
package struct DocumentError: Error, Equatable, CustomStringConvertible {
    package var description: String
}

/// Members of an object by name, each checked for its type as it is asked for.
package struct JSONMembers {
    private var members: [String: JSONDocument] = [:]

    init(_ document: JSONDocument, of what: String) throws(DocumentError) {
        guard case .object(let pairs) = document else { throw DocumentError(description: "\(what) is no JSON object") }
        for (key, value) in pairs {
            guard members.updateValue(value, forKey: key) == nil else { throw DocumentError(description: "\(key) occurs twice in \(what)") }
        }
    }

    var keys: some Sequence<String> { members.keys }

    subscript(_ key: String) -> JSONDocument? { members[key] }

    func has(_ key: String) -> Bool { members[key] != nil }

    func string(_ key: String) throws(DocumentError) -> String {
        guard case .string(let text)? = members[key] else { throw wrong(key, "a string") }
        return text
    }

    func number(_ key: String) throws(DocumentError) -> Int {
        guard case .number(let value)? = members[key], value >= 0 else { throw wrong(key, "a number from 0") }
        return value
    }

    func array(_ key: String) throws(DocumentError) -> [JSONDocument] {
        guard case .array(let elements)? = members[key] else { throw wrong(key, "an array") }
        return elements
    }

    func object(_ key: String) throws(DocumentError) -> JSONMembers {
        guard let value = members[key] else { throw wrong(key, "an object") }
        return try JSONMembers(value, of: key)
    }

    /// `key` holds 64 hex digits.
    func digest(_ key: String) throws(DocumentError) -> Digest {
        guard case .string(let text)? = members[key], let digest = Digest(hex: text) else { throw wrong(key, "64 hex digits") }
        return digest
    }

    /// `key` holds a hash of the tree, in base64.
    func node(_ key: String) throws(DocumentError) -> Digest {
        guard let value = members[key], let digest = value.node else { throw wrong(key, "a hash in base64") }
        return digest
    }

    func nodes(_ key: String) throws(DocumentError) -> [Digest] {
        let hashes = try array(key).compactMap(\.node)
        guard hashes.count == (try array(key)).count else { throw wrong(key, "hashes in base64") }
        return hashes
    }

    /// `key` holds `2026-11-20`; days since 1970.
    func day(_ key: String) throws(DocumentError) -> Int64 {
        guard case .string(let text)? = members[key], let day = Timestamp(day: text) else { throw wrong(key, "a day such as 2026-11-20") }
        return day.dayNumber
    }

    /// `key` holds a time with milliseconds; milliseconds since 1970.
    func time(_ key: String) throws(DocumentError) -> Int64 {
        guard case .string(let text)? = members[key], let time = Timestamp(text) else { throw wrong(key, "a time") }
        return time.milliseconds
    }

    func wrong(_ key: String, _ wanted: String) -> DocumentError {
        DocumentError(description: members[key] == nil ? "\(key) is missing" : "\(key) must be \(wanted)")
    }
}

extension JSONDocument {
    static func day(_ day: Int64) -> JSONDocument { .string(Timestamp(milliseconds: day * 86_400_000).day) }
    static func time(_ milliseconds: Int64) -> JSONDocument { .string(Timestamp(milliseconds: milliseconds).description) }
    static func hex(_ digest: Digest) -> JSONDocument { .string(digest.hex) }
    static func node(_ digest: Digest) -> JSONDocument { .string(digest.base64) }
    static func seq(_ seq: UInt64) -> JSONDocument { .number(Int(seq)) }

    var node: Digest? {
        guard case .string(let text) = self else { return nil }
        return Digest(base64: text)
    }

    /// The elements of an array of `count` numbers from 0, as `[first, last]`.
    func numbers(_ count: Int) -> [UInt64]? {
        guard case .array(let elements) = self, elements.count == count else { return nil }
        var numbers: [UInt64] = []
        for case .number(let value) in elements where value >= 0 { numbers.append(UInt64(value)) }
        return numbers.count == count ? numbers : nil
    }
}
