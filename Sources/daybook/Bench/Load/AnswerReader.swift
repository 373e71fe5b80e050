import CLinux
import Foundation

/// Reads just enough of an HTTP/1.1 answer: status, length, whether the connection stays, and two numbers of a receipt.
/// A parser that understood more would take processor time from the server under test.
struct AnswerReader {
    private(set) var bytes: [UInt8] = []
    private var headEnd: Int?
    private(set) var status = 0
    private var length = 0
    private(set) var retryAfterSeconds: Int?
    private(set) var closes = false

    enum Problem: Error { case notHTTP, withoutLength }

    var isComplete: Bool { headEnd.map { bytes.count >= $0 + length } ?? false }
    var body: ArraySlice<UInt8> { bytes[(headEnd ?? bytes.count)...] }

    mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        headEnd = nil
        retryAfterSeconds = nil
    }

    mutating func append(_ piece: UnsafeRawBufferPointer) throws {
        bytes.append(contentsOf: piece)
        guard headEnd == nil, let end = find("\r\n\r\n") else { return }
        guard bytes.count > 12, bytes.starts(with: "HTTP/1.1 ".utf8) else { throw Problem.notHTTP }
        status = number(at: 9)
        headEnd = end + 4
        guard let lengthAt = header("content-length:") else { throw Problem.withoutLength }
        length = number(at: lengthAt)
        if status != 200 { retryAfterSeconds = header("retry-after:").map(number) }
        closes = header("connection: close") != nil
    }

    /// The number behind `name` in the body; 0 when it is not there.
    func count(_ name: StaticString) -> Int {
        guard let headEnd, let at = find(name, from: headEnd) else { return 0 }
        return number(at: at + name.utf8CodeUnitCount)
    }

    private func number(at start: Int) -> Int {
        var at = start
        while at < bytes.count, bytes[at] == 0x20 { at += 1 }
        var value = 0
        while at < bytes.count, bytes[at] &- 0x30 < 10 {
            value = value * 10 + Int(bytes[at] - 0x30)
            at += 1
        }
        return value
    }

    private func find(_ text: StaticString, from start: Int = 0) -> Int? {
        bytes.withUnsafeBytes { buffer in
            memmem(buffer.baseAddress! + start, buffer.count - start, text.utf8Start, text.utf8CodeUnitCount)
                .map { UnsafeRawPointer($0) - buffer.baseAddress! }
        }
    }

    /// Behind a header's name, in whatever case it was written.
    private func header(_ name: StaticString) -> Int? {
        let wanted = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        guard let headEnd else { return nil }
        var line = 0
        while line + wanted.count < headEnd {
            if (0..<wanted.count).allSatisfy({ bytes[line + $0] | 0x20 == wanted[$0] | 0x20 }) { return line + wanted.count }
            while line < headEnd, bytes[line] != 0x0A { line += 1 }
            line += 1
        }
        return nil
    }
}
