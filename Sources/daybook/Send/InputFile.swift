import DaybookClient
import Foundation

/// A file, or standard input, cut into bodies for the server.
///
/// Lines are cut into slices of bounded size, read as they are sent, so that a file of any size passes through little
/// memory. The cuts depend on the content alone, so the same file gives the same slices. A JSON document (an array, or
/// an object that goes on over lines or holds `Records`) cannot be cut and is sent whole.
struct InputFile {
    struct Slice {
        var bytes: [UInt8]
        var type: String
        /// In the file, from 0.
        var offset: Int
        /// Of the file, from 1.
        var firstLine: Int
    }

    static let sliceLines = 1000
    static let sliceBytes = 1 << 20

    /// 0 when it is not known.
    let size: Int
    private let path: String
    private let handle: FileHandle
    private let asText: Bool
    private var type: String?
    private var pending: [UInt8] = []
    private var offset = 0
    private var line = 1
    private var atEnd = false

    /// `asText`: the pipeline may read lines that are no JSON.
    init(path: String, asText: Bool) throws {
        self.path = path
        self.asText = asText
        guard path != "-" else {
            handle = .standardInput
            size = 0
            return
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure("Cannot read \(path): \(String(cString: strerror(errno))).")
        }
        self.handle = handle
        var status = stat()
        size = fstat(handle.fileDescriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    mutating func next() throws -> Slice? {
        try fill(Self.sliceBytes)
        if type == nil { try recognise() }
        guard !pending.isEmpty, let type else { return nil }
        guard type != "application/json" else {
            defer { pending = [] }
            return Slice(bytes: pending, type: type, offset: 0, firstLine: 1)
        }
        let cut = try cutLines()
        let slice = Slice(bytes: Array(pending[..<cut.end]), type: type, offset: offset, firstLine: line)
        pending.removeFirst(cut.end)
        offset += cut.end
        line += cut.lines
        return slice
    }

    /// Up to `sliceLines` whole lines within `sliceBytes`; a longer line stands alone.
    private mutating func cutLines() throws -> (end: Int, lines: Int) {
        var end = 0
        var lines = 0
        while lines < Self.sliceLines, let newline = pending[end...].firstIndex(of: UInt8(ascii: "\n")) {
            guard lines == 0 || newline < Self.sliceBytes else { break }
            end = newline + 1
            lines += 1
        }
        if lines == 0, !atEnd {
            try fill(pending.count * 2)
            return try cutLines()
        }
        let isLastLine = atEnd && lines < Self.sliceLines && !pending[end...].contains(UInt8(ascii: "\n"))
        let fits = lines == 0 || pending.count <= Self.sliceBytes
        return isLastLine && fits && end < pending.count ? (pending.count, lines + 1) : (end, lines)
    }

    /// What the first bytes say that no pipeline reads, and what to do about it.
    private static let unreadable: [(head: [UInt8], what: String, advice: String)] = [
        ([0xEF, 0xBB, 0xBF], "begins with a byte order mark (EF BB BF)", "tail -c +4 FILE | daybook send -"),
        ([0xFF, 0xFE], "is UTF-16 (byte order mark FF FE)", "iconv -f UTF-16 -t UTF-8 FILE | daybook send -"),
        ([0xFE, 0xFF], "is UTF-16 (byte order mark FE FF)", "iconv -f UTF-16 -t UTF-8 FILE | daybook send -"),
        ([0x1F, 0x8B], "is compressed with gzip", "gzip -dc FILE | daybook send -"),
        ([0x28, 0xB5, 0x2F, 0xFD], "is compressed with zstd", "zstd -dc FILE | daybook send -"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "is compressed with xz", "xz -dc FILE | daybook send -"),
    ]

    private mutating func recognise() throws {
        if let found = Self.unreadable.first(where: { pending.starts(with: $0.head) }) {
            throw CommandFailure("\(path) \(found.what).", advice: "Send it without: " + found.advice.replacing("FILE", with: path))
        }
        let head = pending.first { !" \t\r\n".utf8.contains($0) }
        switch head {
        case UInt8(ascii: "["): type = asText && !isArrayOfObjects ? "text/plain" : "application/json"
        case UInt8(ascii: "{"):
            let first = JSONText(pending.drop { " \t\r\n".utf8.contains($0) }.prefix { $0 != UInt8(ascii: "\n") })
            type = first == nil || first?["Records"]?.elements != nil ? "application/json" : "application/x-ndjson"
        case nil: type = nil
        default:
            guard asText else {
                throw CommandFailure("\(path) holds lines that are no JSON.", advice: "Name the pipeline that reads them with --pipeline.")
            }
            type = "text/plain"
        }
        if type == "application/json" { try fill(.max) }
    }

    /// Log lines may begin with a bracket, too: `[2026-11-20 12:00:00] …`.
    private var isArrayOfObjects: Bool {
        let inner = pending.drop { " \t\r\n".utf8.contains($0) }.dropFirst().first { !" \t\r\n".utf8.contains($0) }
        return inner == UInt8(ascii: "{") || inner == UInt8(ascii: "]")
    }

    /// Until `count` bytes are pending or the input ends.
    private mutating func fill(_ count: Int) throws {
        while !atEnd, pending.count < count {
            let piece = try handle.read(upToCount: 1 << 20) ?? Data()
            if piece.isEmpty { atEnd = true } else { pending.append(contentsOf: piece) }
        }
    }
}
