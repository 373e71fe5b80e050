import Archive
import Foundation

/// A file of lines, read a piece at a time. Memory: one piece and the longest line.
struct LineFile {
    let path: String

    init(_ path: String) { self.path = path }

    private static let pieceBytes = 1 << 20

    /// Visits each line without its newline; none where there is no file. What follows the last newline is no line.
    func forEach(_ visit: (UnsafeRawBufferPointer) throws -> Void) throws {
        _ = try scan(from: 0) { line in
            try visit(line)
            return true
        }
    }

    /// As ``forEach(_:)`` from byte `start` on, where a line begins, until `visit` returns false. Returns where the next line
    /// begins; `nil` behind the last.
    func scan(from start: Int, _ visit: (UnsafeRawBufferPointer) throws -> Bool) throws -> Int? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let file = try LocalFile(path: path)
        var rest: [UInt8] = []
        var (at, next) = (start, start)
        var goesOn = true
        while at < file.count, goesOn {
            let end = min(at + Self.pieceBytes, file.count)
            rest += try file.read(at..<end)
            at = end
            let taken = try rest.withUnsafeBytes { bytes in
                try Self.lines(bytes) { line in
                    goesOn = try visit(line)
                    return goesOn
                }
            }
            next += taken
            rest.removeFirst(taken)
        }
        return goesOn ? nil : next
    }

    /// Visits the whole lines of `bytes` until `visit` returns false; returns how many bytes were visited.
    static func lines(_ bytes: UnsafeRawBufferPointer, _ visit: (UnsafeRawBufferPointer) throws -> Bool) rethrows -> Int {
        var start = 0
        while start < bytes.count, let found = memchr(bytes.baseAddress! + start, 0x0A, bytes.count - start) {
            let end = UnsafeRawPointer(found) - bytes.baseAddress!
            let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            start = end + 1
            if try !visit(line) { break }
        }
        return start
    }

    /// Takes away what follows the last newline. Returns the last line; empty when there is none.
    func cutToWholeLines() throws -> [UInt8] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        let file = try LocalFile(path: path)
        var tail: [UInt8] = []
        var start = file.count
        while start > 0 {
            let before = max(0, start - Self.pieceBytes)
            tail = try file.read(before..<start) + tail
            start = before
            if tail.count(where: { $0 == 0x0A }) >= 2 { break }
        }
        guard let end = tail.lastIndex(of: 0x0A) else {
            try cut(to: 0)
            return []
        }
        try cut(to: start + end + 1)
        let begin = tail[..<end].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return Array(tail[begin..<end])
    }

    func cut(to bytes: Int) throws {
        guard truncate(path, off_t(bytes)) == 0 else { throw CommandFailure("\(path): truncate: \(String(cString: strerror(errno))).") }
    }
}
