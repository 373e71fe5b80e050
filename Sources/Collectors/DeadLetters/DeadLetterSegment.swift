import Foundation
import SystemPackage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One file of the dead-letter log. A torn last line, left by a stop in the middle of a write, is no letter and left out.
struct DeadLetterSegment {
    var letters: [DeadLetter] = []
    var done: Set<UInt64> = []
    var bytes = 0
    /// Whole lines that are neither letters nor marks.
    var foreignLines = 0

    private struct Done: Decodable { var done: [String] }

    static func read(_ path: FilePath) throws -> DeadLetterSegment {
        let content = try Data(contentsOf: URL(fileURLWithPath: path.string))
        var segment = DeadLetterSegment(bytes: content.count)
        let wholeEnd = content.lastIndex(of: UInt8(ascii: "\n")) ?? content.startIndex
        for line in content.split(separator: UInt8(ascii: "\n")) {
            if let letter = DeadLetter(line: line) {
                segment.letters.append(letter)
            } else if let done = try? JSONDecoder().decode(Done.self, from: Data(line)) {
                segment.done.formUnion(done.done.compactMap { UInt64($0) })
            } else if line.startIndex < wholeEnd {
                segment.foreignLines += 1
            }
        }
        return segment
    }

    static func sync(_ file: FileDescriptor) throws {
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }

    /// A new file's name is durable only when its folder is synced.
    static func syncFolder(_ path: FilePath) throws {
        let folder = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
        defer { try? folder.close() }
        try sync(folder)
    }
}
