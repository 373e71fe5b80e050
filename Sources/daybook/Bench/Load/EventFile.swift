import CLinux
import EventModel
import Foundation

/// An NDJSON file as memory, so that a request's body is a slice of the page cache and costs the driver nothing.
final class EventFile {
    let path: String
    let bytes: UnsafeRawBufferPointer

    init(path: String) throws {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandFailure("Cannot read \(path): \(String(cString: strerror(errno))).") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0 else { throw CommandFailure("\(path) is empty.") }
        guard let base = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0), base != MAP_FAILED else {
            throw CommandFailure("Cannot map \(path): \(String(cString: strerror(errno))).")
        }
        bytes = UnsafeRawBufferPointer(start: base, count: Int(status.st_size))
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }

    /// Up to `count` whole lines from `start` on.
    func lines(from start: Int, count: Int) -> (range: Range<Int>, lines: Int) {
        var end = start
        var lines = 0
        while lines < count, end < bytes.count {
            let newline = memchr(bytes.baseAddress! + end, 0x0A, bytes.count - end)
            end = newline.map { UnsafeRawPointer($0) - bytes.baseAddress! + 1 } ?? bytes.count
            lines += 1
        }
        return (start..<end, lines)
    }

    /// The whole line around `offset`, without its newline.
    func line(around offset: Int) -> ArraySlice<UInt8> {
        var start = min(offset, bytes.count - 2)
        while start > 0, bytes[start - 1] != 0x0A { start -= 1 }
        let range = lines(from: start, count: 1).range
        let text = Array(bytes[range])
        return text.last == 0x0A ? text.dropLast() : text[...]
    }

    func contains(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        return memmem(bytes.baseAddress!, bytes.count, wanted, wanted.count) != nil
    }

    /// Generates `count` events into `path`.
    static func generate(count: Int, seed: UInt64, path: String) throws -> EventFile {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw CommandFailure("Cannot write \(path): \(String(cString: strerror(errno))).")
        }
        var bar = ProgressBar("generating", total: count)
        var generator = EventGenerator(count: count, seed: seed)
        var text = ByteWriter(capacity: 5 << 20)
        var made = 0
        while generator.appendNext(to: &text) {
            made += 1
            guard text.bytes.count >= 4 << 20 else { continue }
            try handle.write(contentsOf: Data(text.bytes))
            text.removeAll()
            bar.update(made, note: "\(Numbers.grouped(made)) events")
        }
        try handle.write(contentsOf: Data(text.bytes))
        try handle.close()
        bar.finish()
        return try EventFile(path: path)
    }
}
