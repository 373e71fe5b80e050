import EventModel
import Foundation
import SystemPackage

extension DeadLetterLog {
    /// What ``rewrite(tenant:isDry:isHeld:change:)`` did, or would do.
    public struct Rewriting: Sendable, Equatable {
        public var changed = 0
        /// Would have changed, and stayed as they are.
        public var held = 0
    }

    /// Rewrites what letters of a tenant hold of what was sent, those of no known owner included: `change` gets a text, and
    /// gives what shall stand there, or `nil`. A letter that `isHeld` says is held stays as it is. Letters that were replayed
    /// and wait for the removal of their segment are changed too. Each segment takes the old one's place whole.
    /// `isDry`: only counts.
    public func rewrite(
        tenant: String, isDry: Bool, isHeld: @Sendable (DeadLetter) -> Bool, change: @Sendable ([UInt8]) -> [UInt8]?
    ) throws -> Rewriting {
        // What is being appended to is among them.
        if !isDry { close() }
        var total = Rewriting()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted() where name.hasSuffix(".ndjson") {
            let path = folder.appending(name)
            let content = try Data(contentsOf: URL(fileURLWithPath: path.string))
            let (lines, done) = rewritten(content, tenant, isHeld, change)
            if !isDry, done.changed > 0 { try replace(path, with: lines) }
            total.changed += done.changed
            total.held += done.held
        }
        if !isDry { closeActiveSegment() }
        return total
    }

    private func rewritten(
        _ content: Data, _ tenant: String, _ isHeld: (DeadLetter) -> Bool, _ change: ([UInt8]) -> [UInt8]?
    ) -> (lines: [UInt8], done: Rewriting) {
        var lines: [UInt8] = []
        var done = Rewriting()
        for line in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if var letter = DeadLetter(line: line), letter.owner == nil || letter.owner == tenant, letter.rewrite(change) {
                // Neither the tenant nor the time, which say whether it is held, is ever changed.
                let stays = isHeld(letter)
                if stays { done.held += 1 } else { done.changed += 1 }
                lines += stays ? [UInt8](line) : letter.line
            } else {
                lines += line
            }
            lines.append(UInt8(ascii: "\n"))
        }
        // The split gives an empty piece behind the last newline.
        lines.removeLast()
        return (lines, done)
    }

    private func replace(_ path: FilePath, with lines: [UInt8]) throws {
        let unfinished = FilePath(path.string + ".new")
        let file = try FileDescriptor.open(
            unfinished, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        try file.closeAfter {
            try file.writeAll(lines)
            try DeadLetterSegment.sync(file)
        }
        guard rename(unfinished.string, path.string) == 0 else { throw Errno(rawValue: errno) }
        try DeadLetterSegment.syncFolder(folder)
    }
}

extension DeadLetter {
    /// What came with the request, and what was said of it; whether anything changed.
    fileprivate mutating func rewrite(_ change: ([UInt8]) -> [UInt8]?) -> Bool {
        func changed(_ text: String) -> String? { change(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) } }
        let before = self
        if let raw = change(raw) { self.raw = raw }
        if let message = changed(rejection.message) { rejection.message = message }
        // The path of a member, which may be a name that somebody chose.
        if let field = changed(rejection.field) { rejection.field = field }
        if let key = idempotencyKey.flatMap(changed) { idempotencyKey = key }
        if let origin = changed(origin) { self.origin = origin }
        return self != before
    }
}
