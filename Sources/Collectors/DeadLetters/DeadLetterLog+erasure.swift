import EventModel
import Foundation
import SystemPackage

extension DeadLetterLog {
    /// Rewrites the raw text of letters: `change` gets what was sent, and gives what shall stand there, or `nil`. Letters
    /// that were replayed and wait for the removal of their segment are changed too. Each segment takes the old one's
    /// place whole. Returns how many letters changed.
    public func rewrite(tenant: String, _ change: @Sendable ([UInt8]) -> [UInt8]?) throws -> Int {
        // What is being appended to is among them.
        close()
        var changed = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted() where name.hasSuffix(".ndjson") {
            changed += try rewrite(folder.appending(name), tenant, change)
        }
        closeActiveSegment()
        return changed
    }

    private func rewrite(_ path: FilePath, _ tenant: String, _ change: ([UInt8]) -> [UInt8]?) throws -> Int {
        let content = try Data(contentsOf: URL(fileURLWithPath: path.string))
        var lines: [UInt8] = []
        var changed = 0
        for line in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if var letter = DeadLetter(line: line), letter.tenant == nil || letter.tenant == tenant, letter.rewrite(change) {
                lines += letter.line
                changed += 1
            } else {
                lines += line
            }
            lines.append(UInt8(ascii: "\n"))
        }
        guard changed > 0 else { return 0 }
        // The split gives an empty piece behind the last newline.
        lines.removeLast()
        let unfinished = FilePath(path.string + ".new")
        let file = try FileDescriptor.open(
            unfinished, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        try file.closeAfter {
            try file.writeAll(lines)
            try DeadLetterSegment.sync(file)
        }
        guard rename(unfinished.string, path.string) == 0 else { throw Errno(rawValue: errno) }
        try DeadLetterSegment.syncFolder(folder)
        return changed
    }
}

extension DeadLetter {
    /// What came, and what was said of it; whether anything changed.
    fileprivate mutating func rewrite(_ change: ([UInt8]) -> [UInt8]?) -> Bool {
        let (raw, message) = (change(raw), change(Array(rejection.message.utf8)))
        if let raw { self.raw = raw }
        if let message { rejection.message = String(decoding: message, as: UTF8.self) }
        return raw != nil || message != nil
    }
}
