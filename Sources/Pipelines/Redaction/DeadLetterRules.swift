import EventModel
import Foundation

/// The words and places of one pipeline, or of several, applied to a refused event.
struct DeadLetterRules {
    let patterns: KeyPatterns
    let paths: [[String]]
    /// Places of names (``NamePlaces``), as the producer writes them.
    let names: [[String]]

    /// How often JSON is looked for inside the strings of JSON: this recursion's bound.
    static let textDepth = 3

    func scrub(_ raw: [UInt8]) -> [UInt8] { raw.withUnsafeBytes { scrubbed($0, isName: false, depth: 0) } ?? raw }

    /// A text with its secrets taken out; `nil` when there were none. In JSON that names a secret beside its value only
    /// that one is taken out; where a text is no JSON as a whole, all that a secret might be called.
    ///
    /// - Parameter depth: how often JSON inside it is read as such; with 0 it is only text.
    func scrubbed(_ text: UnsafeRawBufferPointer, isName: Bool, depth: Int) -> [UInt8]? {
        var scrub = TextScrub(text, patterns, isName: isName)
        if TextScrub.holdsQuote(text), scrub.namesSecret() {
            if depth > 0, let tree = RawJSON.read(Array(text)) {
                var output: [UInt8] = []
                redact(tree, [], depth - 1).write(to: &output)
                return output
            }
            scrub.valuesAreSecret = true
        }
        return scrub.scrubbed()
    }

    func redact(event: RawJSON) -> RawJSON {
        var event = redact(event, names + names.map { ["data"] + $0 }, Self.textDepth)
        for path in paths {
            event = replace(path[...], in: event)
            // The data of a CloudEvent is the event.
            event = replace(["data"] + path, in: event)
        }
        return event
    }

    /// - Parameter names: paths from here on; an empty one is here.
    private func redact(_ value: RawJSON, _ names: [[String]], _ depth: Int) -> RawJSON {
        switch value {
        case .object(let members): return .object(redact(members, names, depth))
        case .array(let elements): return .array(elements.map { redactElement($0, names, depth) })
        case .string(let text): return .string(scrubText(text, isName: names.contains([]), depth) ?? text)
        case .other: return value
        }
    }

    private func redact(_ members: [(key: [UInt8], value: RawJSON)], _ names: [[String]], _ depth: Int)
        -> [(key: [UInt8], value: RawJSON)]
    {
        let roles = members.map { member in JSONEscapes.decode(member.key).withUnsafeBytes { KeyRole($0, patterns) } }
        var secret: KeyRole = .secret
        for (member, role) in zip(members, roles) where role.contains(.label) && isSecretLabel(member.value) {
            secret.formUnion(role.contains(.field) ? [.value, .range] : .value)
        }
        return zip(members, roles).map { member, role in
            // A key may hold a pair itself.
            let key = scrubText(member.key, isName: false, depth) ?? member.key
            if !role.isDisjoint(with: secret) { return (key, replaced(member.value)) }
            if member.key.elementsEqual("data_base64".utf8), case .string(let text) = member.value { return (key, packed(text)) }
            let name = JSONEscapes.decode(member.key)
            let below = names.filter { $0.first.map { name.elementsEqual($0.utf8) } ?? false }.map { Array($0.dropFirst()) }
            return (key, redact(member.value, below, depth))
        }
    }

    private func redactElement(_ element: RawJSON, _ names: [[String]], _ depth: Int) -> RawJSON {
        if case .array(let pair) = element, pair.count == 2, isSecretName(pair[0]) { return .array([pair[0], replaced(pair[1])]) }
        return redact(element, names, depth)
    }

    /// Paths may be written as lists: `["user","password"]`.
    private func isSecretLabel(_ value: RawJSON) -> Bool {
        if case .array(let parts) = value { return parts.contains(where: isSecretName) }
        return isSecretName(value)
    }

    private func isSecretName(_ value: RawJSON) -> Bool {
        guard case .string(let text) = value, text.count <= KeyRole.labelBytes else { return false }
        return JSONEscapes.decode(text).withUnsafeBytes { patterns.matches($0) }
    }

    /// Escaped as it came; `nil` when there is nothing to take out.
    private func scrubText(_ text: [UInt8], isName: Bool, _ depth: Int) -> [UInt8]? {
        let decoded = JSONEscapes.decode(text)
        guard let scrubbed = decoded.withUnsafeBytes({ scrubbed($0, isName: isName, depth: depth) }) else { return nil }
        return Array(JSONEscapes.encode(scrubbed).dropFirst().dropLast())
    }

    /// A CloudEvent's data in base64 (CloudEvents JSON format 1.0.2, section 3.1.1).
    private func packed(_ text: [UInt8]) -> RawJSON {
        guard let data = Data(base64Encoded: Data(JSONEscapes.decode(text))) else { return .string(Array(Redaction.placeholder.utf8)) }
        var output: [UInt8] = []
        if let tree = RawJSON.read(Array(data)) { redact(event: tree).write(to: &output) } else { output = scrub(Array(data)) }
        return .string(Array(Data(output).base64EncodedString().utf8))
    }

    private func replaced(_ value: RawJSON) -> RawJSON {
        switch value {
        case .string(let text) where Redaction.isBit(text): return value
        case .other(let text) where Redaction.isBit(text) || text.elementsEqual("null".utf8): return value
        default: return .string(Array(Redaction.placeholder.utf8))
        }
    }

    private func replace(_ path: ArraySlice<String>, in value: RawJSON) -> RawJSON {
        guard let name = path.first else { return replaced(value) }
        switch value {
        case .array(let elements): return .array(elements.map { replace(path, in: $0) })
        case .object(let members):
            return .object(
                members.map { member in
                    JSONEscapes.decode(member.key).elementsEqual(name.utf8)
                        ? (member.key, replace(path.dropFirst(), in: member.value)) : member
                })
        case .string, .other: return value
        }
    }
}

extension TextScrub {
    /// Whether some `"field":"…"` or `"name":"…"` of the text names a secret, so that the values beside it hold it.
    func namesSecret() -> Bool {
        for sign in 0..<text.count where text[sign] == UInt8(ascii: ":") {
            guard let key = key(before: sign), key.quote != nil,
                KeyRole(UnsafeRawBufferPointer(rebasing: text[key.range]), patterns).contains(.label)
            else { continue }
            var next = sign + 1
            while next < text.count, Self.isSpace(text[next]) { next += 1 }
            // Paths may be written as lists. Other lists and objects would be read to their end again and again.
            if next < text.count, text[next] == UInt8(ascii: "["), listNamesSecret(next + 1) { return true }
            guard next < text.count, Self.isQuote(text[next]) || text[next] == UInt8(ascii: "\\") else { continue }
            let value = value(behind: sign..<sign + 1, of: key).range
            if isSecretName(value) { return true }
        }
        return false
    }

    private func isSecretName(_ range: Range<Int>) -> Bool {
        range.count <= KeyRole.labelBytes && JSONEscapes.decode(text[range]).withUnsafeBytes { patterns.matches($0) }
    }

    /// Whether one of the strings up to the next bracket does.
    private func listNamesSecret(_ start: Int) -> Bool {
        let end = text[start..<min(text.count, start + KeyRole.labelBytes)].firstIndex(of: UInt8(ascii: "]")) ?? start
        return text[start..<end].split(separator: UInt8(ascii: ",")).contains { part in
            patterns.matches(UnsafeRawBufferPointer(rebasing: part))
        }
    }
}

extension Pipeline {
    /// Where the places to redact may stand in an event that went through no step: there, where a step would have taken
    /// them from, and at the root instead of `unmapped`.
    var refusedPaths: [[String]] {
        let paths = sources(of: redactedPaths.map(names))
        return paths + paths.filter { $0.first == "unmapped" && $0.count > 1 }.map { Array($0.dropFirst()) }
    }

    /// The same for names.
    var refusedNames: [[String]] { sources(of: NamePlaces.paths) }

    private func names(_ path: FieldPath) -> [String] { (0..<Int(path.count)).map { symbols.name(path[$0]) } }

    /// `places`, and where steps take from what they put there.
    private func sources(of places: [[String]]) -> [[String]] {
        var paths = places
        // Backwards, so that a place that was moved twice is followed to where it began.
        for instruction in program.instructions.reversed() {
            let (from, to): (FieldPath, FieldPath)
            switch instruction.operation {
            case .move(let source, let place), .copy(let source, let place): (from, to) = (source, place)
            default: continue
            }
            let (source, place) = (names(from), names(to))
            for path in paths where path.starts(with: place) { paths.append(source + path.dropFirst(place.count)) }
        }
        return paths
    }
}
