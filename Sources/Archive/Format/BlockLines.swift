import EventModel
import EventStore
import Glibc

/// Whose lines a file holds, with what is the same in all of them, to be compared without parsing.
struct ArchiveOwner {
    let tenant: UInt32
    let tenantName: String
    /// Days since 1970.
    let day: Int64

    /// First five digits of an id's second half, four, a dash, one: variant and tenant (see ``EventID``).
    fileprivate let idDigits: [UInt8]
    fileprivate let date: [UInt8]
    /// What follows the time.
    fileprivate let tenantField: [UInt8]

    init(tenant: UInt32, tenantName: String, day: Int64) {
        self.tenant = tenant
        self.tenantName = tenantName
        self.day = day
        let id = EventID(received: 0, node: 0, tenant: tenant, position: 0).description
        idDigits = Array(Array(id.utf8)[19..<25])
        date = Array(Timestamp(milliseconds: day * 86_400_000).description.utf8.prefix(10))
        tenantField = Array(",\"tenant\":\"\(tenantName)\"".utf8)
    }

    /// From the first line of a member; `nil` when it is none.
    init?(of line: UnsafeRawBufferPointer) {
        guard let head = CanonicalLine(line), let id = EventID(String(decoding: head.id, as: UTF8.self)) else { return nil }
        let received = head.received
        self.init(
            tenant: id.tenant, tenantName: LineIdentity(head.body).tenant,
            day: (received - (received % 86_400_000 + 86_400_000) % 86_400_000) / 86_400_000)
    }
}

/// The lines of one member, found and checked: canonical heads, of the file's tenant and day, `seq` ascending.
struct BlockLines {
    /// Where each line ends: the index of its newline.
    private(set) var ends: [Int] = []
    private(set) var times: [Int64] = []
    /// Ranges of `seq` that are missing before and between these lines.
    private(set) var gaps: [ClosedRange<UInt64>] = []

    /// What the member is made of; its place in the file is left to the caller. Throws what is wrong with it.
    mutating func scan(_ lines: UnsafeRawBufferPointer, of owner: ArchiveOwner, afterSeq: UInt64) throws(LineRefusal) -> ArchiveBlock {
        ends.removeAll(keepingCapacity: true)
        times.removeAll(keepingCapacity: true)
        gaps.removeAll(keepingCapacity: true)
        guard lines.count > 0, lines[lines.count - 1] == UInt8(ascii: "\n") else { throw LineRefusal("the last line has no end", afterSeq) }
        var block = ArchiveBlock(
            firstSeq: 0, lastSeq: afterSeq, events: 0, minTime: .max, maxTime: .min, firstPosition: 0, lastPosition: 0, offset: 0,
            length: 0,
            bytes: lines.count)
        var start = 0
        while start < lines.count {
            guard let newline = memchr(lines.baseAddress! + start, 10, lines.count - start) else { break }
            let end = UnsafeRawPointer(newline) - lines.baseAddress!
            let head = try Self.head(UnsafeRawBufferPointer(rebasing: lines[start..<end]), of: owner, afterSeq: block.lastSeq)
            if head.seq > block.lastSeq + 1 { gaps.append(block.lastSeq + 1...head.seq - 1) }
            if block.events == 0 {
                block.firstSeq = head.seq
                block.firstPosition = head.position
            }
            block.lastSeq = head.seq
            block.events += 1
            let time = head.time
            block.minTime = min(block.minTime, time)
            block.maxTime = max(block.maxTime, time)
            if end + 1 == lines.count { block.lastPosition = head.position }
            ends.append(end)
            times.append(time)
            start = end + 1
        }
        return block
    }

    @inline(__always)
    private static func head(_ line: UnsafeRawBufferPointer, of owner: ArchiveOwner, afterSeq: UInt64) throws(LineRefusal) -> CanonicalLine
    {
        guard let head = CanonicalLine(line), isEqual(line, 0, seqKey, 7), line[line.count - 1] == UInt8(ascii: "}"),
            isEqual(line, head.bodyStart, timeKey, 8)
        else { throw LineRefusal("a line is not canonical", afterSeq) }
        let isOwned = owner.idDigits.withUnsafeBytes { isEqual(line, head.bodyStart - 26 - 14 - 36 + 19, $0.baseAddress!, 6) }
        let isNamed = owner.tenantField.withUnsafeBytes {
            line.count - head.bodyStart > 33 + $0.count && isEqual(line, head.bodyStart + 33, $0.baseAddress!, $0.count)
        }
        guard isOwned, isNamed else { throw LineRefusal("seq \(head.seq) is of another tenant", afterSeq) }
        let isToday = owner.date.withUnsafeBytes { isEqual(line, head.bodyStart - 26, $0.baseAddress!, 10) }
        guard isToday else { throw LineRefusal("seq \(head.seq) was received on another day", afterSeq) }
        guard head.seq > afterSeq else { throw LineRefusal("seq \(head.seq) comes behind \(afterSeq)", afterSeq) }
        return head
    }

    @inline(__always)
    private static func isEqual(_ line: UnsafeRawBufferPointer, _ offset: Int, _ text: UnsafeRawPointer, _ count: Int) -> Bool {
        memcmp(line.baseAddress! + offset, text, count) == 0
    }

    private static var seqKey: UnsafeRawPointer { UnsafeRawPointer(("{\"seq\":" as StaticString).utf8Start) }
    private static var timeKey: UnsafeRawPointer { UnsafeRawPointer(("\"time\":\"" as StaticString).utf8Start) }
}

/// Why lines are not taken.
struct LineRefusal: Error {
    let reason: String
    let afterSeq: UInt64

    init(_ reason: String, _ afterSeq: UInt64) {
        self.reason = reason
        self.afterSeq = afterSeq
    }
}
