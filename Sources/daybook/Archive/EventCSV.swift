import DaybookClient
import Foundation

/// Canonical events as rows of a table (RFC 4180): one header, the same whatever the events hold.
///
/// Text is written as it is, everything else as its JSON text. Text that a spreadsheet would take for a formula gets an
/// apostrophe in front; numbers do not, since they are numbers.
enum EventCSV {
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

    private static let positions = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1, $0) })
    /// Root members whose own members are columns.
    private static let parents = Set(columns.compactMap { column in column.firstIndex(of: ".").map { String(column[..<$0]) } })

    /// The row of one canonical line, with its line end; empty when `line` is no object.
    static func row(_ line: [UInt8]) -> [UInt8] {
        guard let event = JSONText(line), event.bytes.first == UInt8(ascii: "{") else { return [] }
        var cells = [JSONText?](repeating: nil, count: columns.count)
        for (name, value) in event.members {
            if let position = positions[name] {
                cells[position] = value
            } else if parents.contains(name) {
                for (inner, value) in value.members { if let position = positions[name + "." + inner] { cells[position] = value } }
            }
        }
        var row: [UInt8] = []
        for (index, cell) in cells.enumerated() {
            if index > 0 { row.append(UInt8(ascii: ",")) }
            if let cell, !cell.isNull { append(cell, to: &row) }
        }
        row += [0x0D, 0x0A]
        return row
    }

    private static func append(_ value: JSONText, to row: inout [UInt8]) {
        var text = value.shown
        if value.bytes.first == UInt8(ascii: "\""), isFormula(text) { text = "'" + text }
        guard text.utf8.contains(where: { ",\"\r\n".utf8.contains($0) }) else {
            row += text.utf8
            return
        }
        row.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") { row.append(byte) }
            row.append(byte)
        }
        row.append(UInt8(ascii: "\""))
    }

    /// Spreadsheets pass over a tab or a carriage return before they look for `=`.
    private static func isFormula(_ text: String) -> Bool {
        text.utf8.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
    }
}
