import EventModel

/// Strings as JSON.
enum JSONWriter {
    static func quoted(_ text: String) -> String {
        var writer = ByteWriter(capacity: text.utf8.count + 2)
        var text = text
        text.withUTF8 { writer.appendQuoted(escaping: UnsafeRawBufferPointer($0)) }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
