import EventModel
import EventStore
import Glibc

/// The lines of one tenant's day that is not sealed yet, in the order of `seq`, a part at a time. For one thread at a time.
package final class OpenDayLines: @unchecked Sendable {
    private let reader: StoredDayReader
    private let tenant: UInt32
    private var after: UInt64
    /// Of the day, in front of the next member.
    private var events = 0
    private var isDone = false

    private struct Enough: Error {}
    private static let partBytes = 1 << 20

    init(_ reader: StoredDayReader, tenant: UInt32, after: UInt64) {
        self.reader = reader
        self.tenant = tenant
        self.after = after
    }

    /// Whole lines, about 1 MiB of them; `nil` behind the last. Throws when a member of the store cannot be read.
    package func next() throws -> [UInt8]? {
        var part: [UInt8] = []
        while part.isEmpty, !isDone {
            do {
                try reader.members(of: tenant, behind: events) { lines, before in
                    events = before + take(lines, into: &part)
                    if part.count >= Self.partBytes { throw Enough() }
                }
                isDone = true
            } catch is Enough {}
        }
        return part.isEmpty ? nil : part
    }

    /// Returns how many lines there are, those that are passed over included.
    private func take(_ lines: UnsafeRawBufferPointer, into part: inout [UInt8]) -> Int {
        var (start, count) = (0, 0)
        while start < lines.count, let found = memchr(lines.baseAddress! + start, 0x0A, lines.count - start) {
            let end = UnsafeRawPointer(found) - lines.baseAddress! + 1
            let line = UnsafeRawBufferPointer(rebasing: lines[start..<end])
            if let seq = CanonicalLine(line)?.seq, seq > after {
                part.append(contentsOf: line)
                after = seq
            }
            count += 1
            start = end
        }
        return count
    }
}
