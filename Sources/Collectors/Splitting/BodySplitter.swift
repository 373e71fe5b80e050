import EventModel

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Cuts a body, fed in pieces of any size, into raw events, and hands them out slice by slice.
///
/// It looks only at frames (line ends, brackets, strings); whether an event is JSON is the normaliser's business, so
/// that every byte is judged once. A slice is at most ``sliceBytes`` or ``sliceEvents``, one unfinished event is kept for
/// the next one, and an event that grows past ``Limits/eventBytes`` is dropped while it runs, all but its beginning:
/// memory is bounded however long the body is.
///
/// The bytes of a slice lie in one buffer with ``Limits/parserPadding`` bytes behind it, as the parser needs.
struct BodySplitter: ~Copyable {
    /// Half a megabyte: large enough to amortise a commit, small enough to stay in the second-level cache with its
    /// normalised copy.
    static let sliceBytes = 512 << 10
    static let sliceEvents = 2000
    /// What is kept of an event that is too long, for the dead-letter log.
    static let overlongBytesKept = 4096

    enum Mode {
        case detect
        case lines
        case values
        case wrapper
        case array
        case arrayEnded
    }

    var mode: Mode
    /// Key of the array in a wrapping object, such as CloudTrail's `Records`.
    let recordsKey: [UInt8]?
    var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    var count = 0
    /// First byte that was not looked at yet.
    var scanned = 0
    /// First byte of the event being read.
    var start = 0
    /// Number of the event being read.
    var line = 1
    var events: [RawEvent] = []
    var scan = ValueScan()
    var wrapper = WrapperScan()
    var array = ArrayState.valueOrEnd
    /// The event being read is too long; only its beginning is in the buffer.
    var overlongBytes = 0
    /// Bytes of the body that are no longer in the buffer and came before its end.
    private var droppedBytes = 0
    /// Everything behind a broken frame is dropped.
    var isBroken = false
    /// The body's first bytes were not looked at yet.
    private var isFirst: Bool

    init(framing: Framing, recordsKey: String? = nil, isContinuation: Bool = false) {
        isFirst = !isContinuation
        mode = framing == .detect ? .detect : .lines
        self.recordsKey = recordsKey.map { Array($0.utf8) }
        capacity = 16 << 10
        base = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit { base.deallocate() }

    var isFull: Bool { events.count >= Self.sliceEvents || count >= Self.sliceBytes && !events.isEmpty }

    func bytes(of event: RawEvent) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + event.offset, count: event.length)
    }

    /// Takes bytes until all are taken or a slice is full; returns how many it took.
    mutating func feed(_ chunk: UnsafeRawBufferPointer) throws(Problem) -> Int {
        var taken = 0
        while taken < chunk.count || scanned < count, !isFull {
            if scanned == count {
                let piece = min(chunk.count - taken, 64 << 10)
                append(UnsafeRawBufferPointer(rebasing: chunk[taken..<taken + piece]))
                taken += piece
            }
            if isFirst, count >= 3 { try refuseByteOrderMark() }
            advance()
            if count - start - pendingReturn > Limits.eventBytes, overlongBytes == 0 {
                // No array so far: it is looked at again as an event, and found too long only then.
                if mode == .wrapper { forgetWrapper() } else if scanned == count { beginOverlong() }
            }
            if overlongBytes > 0 { dropOverlong() }
        }
        return taken
    }

    /// 1 where the last byte may be half of a line end, which is no part of the event: whether a line is too long must not
    /// depend on where the network has cut it.
    private var pendingReturn: Int { mode == .lines && count > start && byte(count - 1) == 0x0D ? 1 : 0 }

    /// The body ended: completes what is unfinished.
    mutating func finish() throws(Problem) {
        if isFirst { try refuseByteOrderMark() }
        repeat { advance() } while scanned < count && !isFull
        guard !isFull else { return }
        if mode == .detect { throw .badBody("the body holds nothing but white space") }
        endOfBody()
    }

    /// Where in the body the byte at `offset` of the buffer stands, from 0. Exact for what stands behind an event's kept
    /// beginning.
    func bodyOffset(_ offset: Int) -> Int { droppedBytes + offset }

    /// Forgets the slice's events; keeps what is unfinished, moved to the front.
    mutating func releaseSlice() {
        events.removeAll(keepingCapacity: true)
        guard start > 0 else { return }
        let rest = count - start
        if rest > 0 { memmove(base, base + start, rest) }
        scanned -= start
        count = rest
        droppedBytes += start
        wrapper.move(by: start)
        start = 0
    }

    private mutating func append(_ piece: UnsafeRawBufferPointer) {
        if count + piece.count + Limits.parserPadding > capacity { grow(to: count + piece.count + Limits.parserPadding) }
        if let source = piece.baseAddress { memcpy(base + count, source, piece.count) }
        count += piece.count
    }

    private mutating func grow(to needed: Int) {
        let wanted = max(needed, capacity * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 64)
        memcpy(larger, base, count)
        base.deallocate()
        base = larger
        capacity = wanted
    }

    private mutating func refuseByteOrderMark() throws(Problem) {
        isFirst = false
        let head = UnsafeRawBufferPointer(start: base, count: min(count, 3))
        if head.elementsEqual([0xEF, 0xBB, 0xBF]) {
            throw .badBody("the body begins with a byte order mark (EF BB BF); RFC 8259 section 8.1 forbids it: send it without")
        }
        if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) {
            throw .badBody("the body begins with the byte order mark of UTF-16; send UTF-8")
        }
    }

    private mutating func advance() {
        if isBroken {
            scanned = count
            start = count
            return
        }
        switch mode {
        case .detect: detect()
        case .lines: scanLines()
        case .values: scanValues()
        case .wrapper: scanWrapper()
        case .array: scanArray()
        case .arrayEnded: scanBehindArray()
        }
    }

    /// Ends the event being read at `end` and begins the next at `next`.
    mutating func complete(end: Int, next: Int) {
        if overlongBytes > 0 {
            let total = overlongBytes + (end - start)
            emit(
                end: min(end, start + Self.overlongBytesKept),
                fault: Rejection(
                    field: "", code: .tooLarge,
                    message:
                        "the event has \(total) bytes, more than the limit of \(Limits.eventBytes); send a link to the large part instead"))
            overlongBytes = 0
        } else {
            emit(end: end, fault: nil)
        }
        start = next
        line += 1
    }

    mutating func emit(end: Int, fault: Rejection?) {
        var fault = fault
        fault?.line = line
        events.append(RawEvent(offset: start, length: end - start, line: line, fault: fault))
    }

    private mutating func beginOverlong() {
        let excess = count - start - Self.overlongBytesKept
        overlongBytes = excess
        droppedBytes += excess
        count -= excess
        scanned = count
    }

    /// Drops what was read of an overlong event beyond its beginning; `start` and the kept bytes stay.
    private mutating func dropOverlong() {
        let keptEnd = start + Self.overlongBytesKept
        guard scanned > keptEnd, scanned == count else { return }
        overlongBytes += count - keptEnd
        droppedBytes += count - keptEnd
        count = keptEnd
        scanned = keptEnd
    }
}
