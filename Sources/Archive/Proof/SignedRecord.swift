/// Something done to an archive after its days were sealed, told by a signed note in `tenant=NAME/_records/`: a header line
/// `daybook.archive/TYPE/v1`, then one line of JSON.
package struct SignedRecord: Sendable, Equatable {
    package static let folderName = "_records"

    /// `prune`, `erasure`, `key`, or one that this version does not know.
    package let type: String
    /// The JSON line, without its newline.
    package let line: String
    package let note: SignedNote

    /// Writes and signs. Throws what signing throws.
    package static func signed<Content: RecordContent>(_ content: Content, by key: SigningKey) throws -> SignedRecord {
        let line = JSONDocument.object(content.members).line()
        let type = Content.type
        return SignedRecord(type: type, line: line, note: try key.sign("daybook.archive/\(type)/v1\n\(line)\n"))
    }

    /// Reads a record without believing it: ``SignedNote/verify(_:)`` of `note` comes first. Throws `NoteError`.
    package init(_ bytes: [UInt8]) throws {
        note = try SignedNote(bytes)
        let lines = note.text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        let header = lines[0].split(separator: "/", omittingEmptySubsequences: false)
        guard lines.count == 3, lines[2].isEmpty, header.count == 3, header[0] == "daybook.archive", header[2] == "v1" else {
            throw NoteError.malformed("it is no record: a line daybook.archive/TYPE/v1 and one of JSON")
        }
        type = String(header[1])
        line = lines[1]
    }

    private init(type: String, line: String, note: SignedNote) {
        self.type = type
        self.line = line
        self.note = note
    }

    /// The content; `nil` when the record is of another type. Throws ``DocumentError`` when it cannot be read.
    package func content<Content: RecordContent>(_ type: Content.Type = Content.self) throws -> Content? {
        guard self.type == Content.type else { return nil }
        let document: JSONDocument
        do { document = try JSONDocumentReader.read(Array(line.utf8)) } catch {
            throw DocumentError(description: "byte \(error.offset) of its JSON line is not as the format has it")
        }
        let content = try Content(JSONMembers(document, of: "the record"))
        guard JSONDocument.object(content.members).line() == line else {
            throw DocumentError(description: "it is not written as records are: a member, a space or their order differs")
        }
        return content
    }

    package func encoded() -> [UInt8] { note.encoded() }
}

/// What a record of one type says; one of ``PruneRecord``, ``ErasureRecord``, ``KeyRecord``.
package protocol RecordContent: Sendable, Equatable {
    static var type: String { get }
    /// Members of the JSON line, in order.
    var members: [(String, JSONDocument)] { get }
    init(_ members: JSONMembers) throws
}
