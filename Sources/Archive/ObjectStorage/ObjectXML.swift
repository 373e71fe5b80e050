/// The XML that S3 answers with, as a small tree: names, text, children; attributes are passed over.
///
/// Strict where it matters: one root, tags that match, nothing behind it. Document types are refused, so no entity can
/// grow or name a file, and depth is bounded. Foundation's parser would link libxml2, with all that it can do, for the
/// dozen element names of these answers.
package struct ObjectXML: Sendable, Equatable {
    package var name: String
    package var text = ""
    package var children: [ObjectXML] = []

    package struct Malformed: Error, Equatable {
        package var offset: Int
        package var reason: String
    }

    package init(_ bytes: [UInt8]) throws(Malformed) {
        var parser = Parser(bytes: bytes)
        self = try parser.document()
    }

    private init(name: String) { self.name = name }

    package subscript(_ name: String) -> ObjectXML? { children.first { $0.name == name } }

    /// Text of a child; empty when there is no such child.
    package func text(_ name: String) -> String { self[name]?.text ?? "" }

    package func all(_ name: String) -> [ObjectXML] { children.filter { $0.name == name } }

    private struct Parser {
        let bytes: [UInt8]
        var at = 0

        static let deepest = 32

        mutating func document() throws(Malformed) -> ObjectXML {
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
            try passOverMarkup()
            guard peek("<"), !peek("</") else { throw fault("it does not begin with an element") }
            let root = try element(depth: 0)
            try passOverMarkup()
            guard at == bytes.count else { throw fault("there is something behind the last element") }
            return root
        }

        private mutating func element(depth: Int) throws(Malformed) -> ObjectXML {
            guard depth < Self.deepest else { throw fault("it is too deep") }
            at += 1
            var node = ObjectXML(name: try name())
            guard try !passOverAttributes() else { return node }
            var text: [UInt8] = []
            while true {
                guard at < bytes.count else { throw fault("<\(node.name)> has no end") }
                if peek("</") {
                    at += 2
                    let closing = try name()
                    skipSpace()
                    guard closing == node.name, peek(">") else { throw fault("<\(node.name)> is ended by another name") }
                    at += 1
                    node.text = String(decoding: text, as: UTF8.self)
                    return node
                } else if peek("<!--") {
                    try skip(past: "-->")
                } else if peek("<![CDATA[") {
                    let start = at + 9
                    try skip(past: "]]>")
                    text += bytes[start..<at - 3]
                } else if peek("<?") {
                    try skip(past: "?>")
                } else if peek("<!") {
                    throw fault("a declaration is not expected")
                } else if bytes[at] == UInt8(ascii: "<") {
                    node.children.append(try element(depth: depth + 1))
                } else if bytes[at] == UInt8(ascii: "&") {
                    text += try entity()
                } else {
                    text.append(bytes[at])
                    at += 1
                }
            }
        }

        /// A name without its namespace prefix.
        private mutating func name() throws(Malformed) -> String {
            let start = at
            while at < bytes.count, !Self.endsName(bytes[at]) { at += 1 }
            let name = String(decoding: bytes[start..<at], as: UTF8.self)
            guard !name.isEmpty else { throw fault("a name is missing") }
            return name.split(separator: ":").last.map(String.init) ?? name
        }

        private static func endsName(_ byte: UInt8) -> Bool {
            byte <= 0x20 || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "<") || byte == UInt8(ascii: "=")
        }

        /// To behind the `>` of a start tag; true when it was `/>`.
        private mutating func passOverAttributes() throws(Malformed) -> Bool {
            while true {
                skipSpace()
                if peek("/>") {
                    at += 2
                    return true
                }
                if peek(">") {
                    at += 1
                    return false
                }
                _ = try name()
                skipSpace()
                guard peek("=") else { throw fault("an attribute has no value") }
                at += 1
                skipSpace()
                guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") || bytes[at] == UInt8(ascii: "'") else {
                    throw fault("an attribute's value is not quoted")
                }
                let quote = String(UnicodeScalar(bytes[at]))
                at += 1
                try skip(past: quote)
            }
        }

        private mutating func entity() throws(Malformed) -> [UInt8] {
            guard let end = bytes[at...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else { throw fault("an entity has no end") }
            let name = String(decoding: bytes[at + 1..<end], as: UTF8.self)
            let scalar: UnicodeScalar? =
                switch name {
                case "lt": "<"
                case "gt": ">"
                case "amp": "&"
                case "quot": "\""
                case "apos": "'"
                case _ where name.hasPrefix("#x"): UInt32(name.dropFirst(2), radix: 16).flatMap(UnicodeScalar.init)
                case _ where name.hasPrefix("#"): UInt32(name.dropFirst()).flatMap(UnicodeScalar.init)
                default: nil
                }
            guard let scalar else { throw fault("&\(name); is unknown") }
            at = end + 1
            return Array(String(scalar).utf8)
        }

        private mutating func passOverMarkup() throws(Malformed) {
            while true {
                skipSpace()
                if peek("<?") { try skip(past: "?>") } else if peek("<!--") { try skip(past: "-->") } else { return }
            }
        }

        private mutating func skipSpace() {
            while at < bytes.count, bytes[at] == 0x20 || (0x09...0x0D).contains(bytes[at]) { at += 1 }
        }

        private func peek(_ text: StaticString) -> Bool {
            text.withUTF8Buffer { wanted in bytes.count - at >= wanted.count && bytes[at..<at + wanted.count].elementsEqual(wanted) }
        }

        private mutating func skip(past text: String) throws(Malformed) {
            let wanted = Array(text.utf8)
            while bytes.count - at >= wanted.count {
                if bytes[at] == wanted[0], bytes[at..<at + wanted.count].elementsEqual(wanted) {
                    at += wanted.count
                    return
                }
                at += 1
            }
            throw fault("\(text) is missing")
        }

        private func fault(_ reason: String) -> Malformed { Malformed(offset: at, reason: reason) }
    }
}
