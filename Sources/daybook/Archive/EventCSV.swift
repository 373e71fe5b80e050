import DaybookClient

/// Canonical events as rows of a table (RFC 4180): one header, the same whatever the events hold.
///
/// Text is written as it is, everything else as its JSON text. Text that a spreadsheet would take for a formula gets an
/// apostrophe in front; numbers do not, since they are numbers.
///
/// Bytes go from the line to the row; a value becomes a string of Swift's only where it holds a backslash. The working
/// memory serves all rows.
struct EventCSV {
    /// Dotted paths. What has several members stands under its own name, as JSON.
    static let columns: [String] = [
        "seq", "id", "received", "time", "tenant", "kind", "type", "action", "outcome", "severity", "actor.type", "actor.id", "actor.name",
        "actor.email", "actor.roles", "actor.details", "effective_user.type", "effective_user.id", "effective_user.name",
        "effective_user.email", "effective_user.roles", "effective_user.details", "area", "category", "summary", "target.type", "target.id",
        "target.name", "targets", "changes", "raw.old", "raw.new", "reason", "status_code", "source.ip", "source.user_agent",
        "request.method", "request.url", "request.id", "session", "portal", "brand", "auth.method", "auth.provider", "auth.mfa",
        "webhook.id", "webhook.name", "webhook.url", "webhook.event", "attempt.number", "attempt.max", "attempt.next_at",
        "attempt.duration_ms", "failure.class", "failure.type", "failure.message", "failure.status_code", "failure.details", "message_id",
        "retry_state", "integration.id", "integration.name", "integration.type", "integration.account", "operation", "correlation_id",
        "change_set", "trace_id", "labels", "producer.name", "producer.version", "original_id", "unmapped",
    ]

    static let header: [UInt8] = Array((columns.joined(separator: ",") + "\r\n").utf8)

    /// A root member, or one of its members: its column, and whether its own members may be columns.
    private struct Name {
        var text: [UInt8]
        var column: Int?
        var isParent = false
    }

    private static let names: [UInt64: Name] = {
        var names: [UInt64: Name] = [:]
        for (index, column) in columns.enumerated() {
            let text = Array(column.utf8)
            names[text.withUnsafeBytes { hash($0, from: start) }] = Name(text: text, column: index)
            guard let dot = text.firstIndex(of: UInt8(ascii: ".")) else { continue }
            let parent = Array(text[..<dot])
            let key = parent.withUnsafeBytes { hash($0, from: start) }
            names[key] = Name(text: parent, column: names[key]?.column, isParent: true)
        }
        let parents = Set(columns.filter { $0.contains(".") }.map { $0.prefix { $0 != "." } })
        precondition(names.count == columns.count + parents.count, "two names have one hash")
        return names
    }()

    /// FNV-1a. What has the hash of a name is compared with it.
    private static func hash(_ text: UnsafeRawBufferPointer, from start: UInt64) -> UInt64 {
        var value = start
        for byte in text { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return value
    }

    private static let start: UInt64 = 0xCBF2_9CE4_8422_2325

    private var cells = [Range<Int>?](repeating: nil, count: columns.count)

    /// Appends the row of one canonical line, with its line end; nothing when `line` is no object.
    mutating func append(_ line: UnsafeRawBufferPointer, to rows: inout [UInt8]) {
        guard var root = JSONMemberPlaces(line, 0..<line.count) else { return }
        for index in cells.indices { cells[index] = nil }
        while let (key, value) = root.next() {
            let hash = Self.hash(UnsafeRawBufferPointer(rebasing: line[key]), from: Self.start)
            guard let name = Self.names[hash], name.text.elementsEqual(line[key]) else { continue }
            if let column = name.column {
                cells[column] = value
            } else if name.isParent {
                takeMembers(of: value, named: name.text.count, Self.hash(Self.dot, from: hash), line)
            }
        }
        guard root.isWhole else { return }
        for (index, cell) in cells.enumerated() {
            if index > 0 { rows.append(UInt8(ascii: ",")) }
            if let cell { Self.append(UnsafeRawBufferPointer(rebasing: line[cell]), to: &rows) }
        }
        rows.append(0x0D)
        rows.append(0x0A)
    }

    private static var dot: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: ("." as StaticString).utf8Start, count: 1) }

    /// `count`: bytes of the parent's name; `start`: the hash of it and its dot.
    private mutating func takeMembers(of value: Range<Int>, named count: Int, _ start: UInt64, _ line: UnsafeRawBufferPointer) {
        guard var members = JSONMemberPlaces(line, value) else { return }
        while let (key, value) = members.next() {
            let hash = Self.hash(UnsafeRawBufferPointer(rebasing: line[key]), from: start)
            guard let name = Self.names[hash], let column = name.column, name.text.dropFirst(count + 1).elementsEqual(line[key]) else {
                continue
            }
            cells[column] = value
        }
    }

    /// `value`: JSON text.
    private static func append(_ value: UnsafeRawBufferPointer, to rows: inout [UInt8]) {
        guard value[0] == UInt8(ascii: "\"") else {
            if !value.elementsEqual("null".utf8) { write(value, to: &rows) }
            return
        }
        let inside = UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1])
        guard inside.contains(UInt8(ascii: "\\")) else { return append(text: inside, to: &rows) }
        var text = JSONText(Array(value))?.string ?? ""
        text.withUTF8 { append(text: UnsafeRawBufferPointer($0), to: &rows) }
    }

    /// Spreadsheets pass over a tab or a carriage return before they look for `=`.
    private static func append(text: UnsafeRawBufferPointer, to rows: inout [UInt8]) {
        switch text.first {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x09, 0x0D:
            write(text, prefix: UInt8(ascii: "'"), to: &rows)
        default: write(text, to: &rows)
        }
    }

    private static func write(_ text: UnsafeRawBufferPointer, prefix: UInt8? = nil, to rows: inout [UInt8]) {
        var needsQuotes = false
        for byte in text where byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == 0x0D || byte == 0x0A {
            needsQuotes = true
            break
        }
        if needsQuotes { rows.append(UInt8(ascii: "\"")) }
        if let prefix { rows.append(prefix) }
        guard needsQuotes else { return rows.append(contentsOf: text) }
        for byte in text {
            if byte == UInt8(ascii: "\"") { rows.append(byte) }
            rows.append(byte)
        }
        rows.append(UInt8(ascii: "\""))
    }
}
