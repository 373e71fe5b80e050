import EventModel

/// Replaces what a person is known by in canonical lines. A pure function of the line: the same line gives the same
/// replacement wherever a copy of it lies.
///
/// | | goes |
/// |---|---|
/// | e-mails | from every string and key, also inside of longer text; `xada@…` is somebody else's |
/// | ids of four and more characters with a letter | from every string and key, where they stand as a word |
/// | other ids, such as `42` | where a person stands: `actor.id`, `effective_user.id`, and `target.id` when its type is one of a person |
/// | names nobody else bears | from every string and key, where they stand as words |
/// | names that others bear too | the same, in events that hold the id or an e-mail |
/// | all of these but ids such as `42` | where they stand percent-encoded, escaped or, from eight bytes on, in base64 as well |
/// | `source.ip`, `source.user_agent`, `session` | whole, from events whose actor is the person |
///
/// `seq`, `id`, `received`, `time`, `tenant`, `kind`, `action`, `outcome` and `severity` stay, so every line keeps its place.
package struct PersonEraser {
    struct Trace {
        var needle: Needle
        var kind: Kind
    }

    enum Kind { case email, wordID, plainID, name, sharedName }

    let traces: [Trace]
    /// What lines are looked through for first: the same as lines write it.
    private let written: [Needle]
    private var plain: [UInt8] = []
    /// Those that base64 is looked through for.
    let encoded: [Needle]
    /// Letters of base64 that the shortest of them takes.
    let leastRun: Int
    let base64 = Base64Text()
    var decoded: [UInt8] = []

    package static let mark = "[erased]"
    private static let fixed: Set<String> = ["seq", "id", "received", "time", "tenant", "kind", "action", "outcome", "severity"]
    static let personTypes = ["user", "admin", "agent", "contact", "customer", "person", "member", "employee", "account_user"]

    package init(_ person: Person) {
        func traces(_ texts: Set<String>, _ kind: (String) -> Kind) -> [Trace] {
            texts.flatMap { text in Needle.variants(of: text).map { Trace(needle: $0, kind: kind(text)) } }
        }
        // Longest first, so that a name within an address does not break the address up.
        self.traces =
            (traces(person.emails) { _ in .email } + traces(person.ids) { Self.isWord($0) ? .wordID : .plainID }
            + traces(person.names) { _ in .name } + traces(person.sharedNames) { _ in .sharedName })
            .sorted { $0.needle.bytes.count > $1.needle.bytes.count }
        written = self.traces.map { $0.needle.written }
        encoded = self.traces.filter { $0.kind != .plainID }.map(\.needle).filter { $0.bytes.count >= Self.leastEncoded }
        leastRun = Base64Text.letters(of: encoded.map(\.bytes.count).min() ?? Self.leastEncoded)
    }

    private static func isWord(_ id: String) -> Bool { id.utf8.count >= 4 && id.contains { $0.isLetter } }

    /// The line to stand in the place of `line` (both without newline); `nil` where it holds nothing of the person.
    package mutating func replacement(for line: UnsafeRawBufferPointer) -> [UInt8]? {
        guard written.contains(where: { $0.occurs(in: line) }) || mayHide(line) else { return nil }
        let whose = relation(line)
        var result: [UInt8] = []
        var copied = 0
        var isChanged = false
        var strings = LineStrings(line)
        var targetType = 0..<0
        while strings.next() {
            if strings.isFirst { targetType = 0..<0 }
            if !strings.isKey, strings.isKeyed("type") { targetType = strings.string }
            guard !isFixed(strings, line) else { continue }
            let isWhole = whose.isActor && !strings.isKey && Self.isActorsTrail(strings)
            guard let replaced = isWhole ? Array(Self.mark.utf8) : erased(strings, line, targetType, whose) else { continue }
            result += line[copied..<strings.string.lowerBound]
            result += replaced
            copied = strings.string.upperBound
            isChanged = true
        }
        guard isChanged else { return nil }
        result += line[copied...]
        return result
    }

    /// The same for text that is no canonical line, such as rejected input: e-mails, ids that stand as a word, and names;
    /// names that others bear too where one of the first two is there. `nil` where it holds nothing of the person.
    package mutating func replacement(forText text: UnsafeRawBufferPointer) -> [UInt8]? {
        plain.removeAll(keepingCapacity: true)
        plain += text
        let isPersons =
            traces.contains { Self.tells($0.kind) && Self.place($0, in: text, from: 0) != nil }
            || !disguises(in: text, where: Self.tells).isEmpty
        var isChanged = false
        for trace in traces where trace.kind != .plainID && (trace.kind != .sharedName || isPersons) {
            isChanged = replaceAll(trace) || isChanged
        }
        isChanged = replaceDisguises(isPersons: isPersons) || isChanged
        return isChanged ? plain : nil
    }

    /// In `plain`; whether there was one.
    private mutating func replaceAll(_ trace: Trace) -> Bool {
        var from = 0
        while let place = plain.withUnsafeBytes({ Self.place(trace, in: $0, from: from) }) {
            plain.replaceSubrange(place..<place + trace.needle.bytes.count, with: Self.mark.utf8)
            from = place + Self.mark.utf8.count
        }
        return from > 0
    }

    /// The same for what stands there in other writing.
    private mutating func replaceDisguises(isPersons: Bool) -> Bool {
        let places = plain.withUnsafeBytes { plain in
            disguises(in: plain) { $0 != .plainID && ($0 != .sharedName || isPersons) }
        }
        for place in places.reversed() { plain.replaceSubrange(place, with: Self.mark.utf8) }
        return !places.isEmpty
    }

    /// Whether what has such a trace is the person's.
    private static func tells(_ kind: Kind) -> Bool { kind == .email || kind == .wordID }

    private func isFixed(_ strings: LineStrings, _ line: UnsafeRawBufferPointer) -> Bool {
        guard strings.depth == 1 else { return false }
        if strings.isKey { return true }
        return Self.fixed.contains { strings.isKeyed($0) }
    }

    private static func isActorsTrail(_ strings: LineStrings) -> Bool {
        strings.isAt("source", "ip") || strings.isAt("source", "user_agent") || strings.isAt("session")
    }

    /// How the event has to do with the person.
    private mutating func relation(_ line: UnsafeRawBufferPointer) -> (isPersons: Bool, isActor: Bool) {
        var isPersons = false
        var isActor = false
        var strings = LineStrings(line)
        var targetType = 0..<0
        while strings.next() {
            if strings.isFirst { targetType = 0..<0 }
            if !strings.isKey, strings.isKeyed("type") { targetType = strings.string }
            if isFixed(strings, line) { continue }
            decode(strings, line)
            let isHit = plain.withUnsafeBytes { plain in
                traces.contains { trace in
                    switch trace.kind {
                    case .email, .wordID: Self.place(trace, in: plain, from: 0) != nil
                    case .plainID: isPersonsPlace(strings, line, targetType) && Self.equals(plain, trace.needle)
                    case .name, .sharedName: false
                    }
                }
            }
            guard isHit || plain.withUnsafeBytes({ !disguises(in: $0, where: Self.tells).isEmpty }) else { continue }
            isPersons = true
            if strings.isAt("actor", "id") || strings.isAt("actor", "email") { isActor = true }
        }
        return (isPersons, isActor)
    }

    /// The string as it shall be written; `nil` when it stays.
    private mutating func erased(
        _ strings: LineStrings, _ line: UnsafeRawBufferPointer, _ targetType: Range<Int>, _ whose: (isPersons: Bool, isActor: Bool)
    ) -> [UInt8]? {
        decode(strings, line)
        var isChanged = false
        for trace in traces {
            if trace.kind == .sharedName, !whose.isPersons { continue }
            if trace.kind == .plainID {
                guard isPersonsPlace(strings, line, targetType), plain.withUnsafeBytes({ Self.equals($0, trace.needle) }) else { continue }
                plain = Array(Self.mark.utf8)
                isChanged = true
                continue
            }
            isChanged = replaceAll(trace) || isChanged
        }
        isChanged = replaceDisguises(isPersons: whose.isPersons) || isChanged
        guard isChanged else { return nil }
        var writer = ByteWriter(capacity: plain.count + 16)
        plain.withUnsafeBytes { writer.appendQuoted(escaping: $0) }
        return Array(writer.bytes.dropFirst().dropLast())
    }

    private mutating func decode(_ strings: LineStrings, _ line: UnsafeRawBufferPointer) {
        let raw = UnsafeRawBufferPointer(rebasing: line[strings.string])
        if strings.isEscaped {
            CanonicalLine.unescape(raw, into: &plain)
        } else {
            plain.removeAll(keepingCapacity: true)
            plain += raw
        }
    }

    private func isPersonsPlace(_ strings: LineStrings, _ line: UnsafeRawBufferPointer, _ targetType: Range<Int>) -> Bool {
        if strings.isKey { return false }
        if strings.isAt("actor", "id") || strings.isAt("effective_user", "id") { return true }
        guard strings.isAt("target", "id") || strings.isAt("targets", "id") else { return false }
        return Self.personTypes.contains { line[targetType].elementsEqual($0.utf8) }
    }

    private static func equals(_ plain: UnsafeRawBufferPointer, _ needle: Needle) -> Bool { plain.elementsEqual(needle.bytes) }

    /// The next place where the trace stands by itself.
    static func place(_ trace: Trace, in plain: UnsafeRawBufferPointer, from: Int) -> Int? {
        var at = from
        while let place = trace.needle.first(in: plain, from: at) {
            let end = place + trace.needle.bytes.count
            let isFree = trace.kind == .email ? isFreeEmail(place..<end, plain) : isFreeWord(place..<end, plain, trace.kind)
            if isFree { return place }
            at = place + 1
        }
        return nil
    }
}
