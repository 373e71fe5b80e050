import CDeflate

/// Takes a file apart member by member, from its begin, without trusting its index. Where bytes are no member it goes on
/// at the next place that is one, so that damage costs no more than the members it lies in.
package struct ArchiveWalker: ~Copyable {
    package enum Part: Sendable, Equatable {
        /// A member with any valid header that is not one of our index, and what it inflates to; its CRC-32 held.
        case lines([UInt8])
        /// An index member or the trailer: its payload, which nothing has checked.
        case index([UInt8], isTrailer: Bool)
        /// Bytes that are no member, until the next one that is.
        case damage(reason: String)
    }

    package struct Step: Sendable, Equatable {
        package var offset: Int
        package var length: Int
        package var part: Part
    }

    private let source: any ByteSource
    private let handle: OpaquePointer
    private var window: [UInt8] = []
    private var windowStart = 0
    private var target: [UInt8] = Array(repeating: 0, count: 1 << 20)
    private var offset = 0
    /// A member that was found while looking for the end of damage.
    private var found: Step?

    /// No member of ours is longer; most are some ten thousand bytes.
    private static let windowBytes = 8 << 20
    /// A store joins its blocks into members of at most some hundred thousand bytes; one event alone may be larger.
    private static let largestLines = 64 << 20

    package init(_ source: any ByteSource) {
        self.source = source
        guard let handle = libdeflate_alloc_decompressor() else { preconditionFailure("no memory") }
        self.handle = handle
    }

    deinit { libdeflate_free_decompressor(handle) }

    /// Parts follow each other without holes up to the end of the file; `nil` behind the last. Throws what the source throws.
    package mutating func next() throws -> Step? {
        if let step = found {
            found = nil
            offset = step.offset + step.length
            return step
        }
        if offset >= source.count { return nil }
        let start = offset
        var attempt = try member(at: start)
        if case .damage(let reason) = attempt.part {
            var at = start
            while case .damage = attempt.part {
                guard let next = try nextMagic(after: at) else {
                    offset = source.count
                    return Step(offset: start, length: source.count - start, part: .damage(reason: reason))
                }
                at = next
                attempt = try member(at: at)
            }
            found = attempt
            return Step(offset: start, length: at - start, part: .damage(reason: reason))
        }
        offset = start + attempt.length
        return attempt
    }

    /// The member at `offset`, or damage of length 0.
    private mutating func member(at offset: Int) throws -> Step {
        try load(offset, atLeast: IndexMember.dataMagic.count)
        // One that reaches behind the window is tried again in a window that begins with it.
        for isAgain in [false, true] {
            if isAgain {
                if windowStart == offset || windowStart + window.count == source.count { break }
                try load(offset, atLeast: Self.windowBytes)
            }
            let start = offset - windowStart
            if let (kind, range) = window.withUnsafeBytes({ IndexMember.payload(of: UnsafeRawBufferPointer(rebasing: $0[start...])) }) {
                let payload = Array(window[start + range.lowerBound..<start + range.upperBound])
                return Step(
                    offset: offset, length: payload.count + IndexMember.overhead, part: .index(payload, isTrailer: kind == .trailer))
            }
            if let step = window.withUnsafeBytes({ data(UnsafeRawBufferPointer(rebasing: $0[start...])) }) {
                return Step(offset: offset, length: step.length, part: .lines(Array(target[..<step.count])))
            }
        }
        let begin = offset - windowStart
        let isMember = window.withUnsafeBytes { IndexMember.mayBegin(UnsafeRawBufferPointer(rebasing: $0[begin...])) }
        return Step(
            offset: offset, length: 0, part: .damage(reason: isMember ? "a member is not what was written" : "no member begins here"))
    }

    private mutating func data(_ bytes: UnsafeRawBufferPointer) -> (length: Int, count: Int)? {
        guard bytes.count > 18, IndexMember.mayBegin(bytes) else { return nil }
        while true {
            var consumed = 0
            var written = 0
            let result = libdeflate_gzip_decompress_ex(handle, bytes.baseAddress!, bytes.count, &target, target.count, &consumed, &written)
            if result == LIBDEFLATE_SUCCESS { return (consumed, written) }
            guard result == LIBDEFLATE_INSUFFICIENT_SPACE, target.count < Self.largestLines else { return nil }
            target = Array(repeating: 0, count: target.count * 2)
        }
    }

    private mutating func nextMagic(after offset: Int) throws -> Int? {
        var at = offset + 1
        let count = IndexMember.gzipMagic.count + 1
        while at + count <= source.count {
            try load(at, atLeast: count)
            let hit = window.withUnsafeBytes { window -> Int? in
                var index = at - windowStart
                while index + count <= window.count {
                    if window[index] == 0x1F {
                        if IndexMember.mayBegin(UnsafeRawBufferPointer(rebasing: window[index..<index + count])) { return index }
                    }
                    index += 1
                }
                return nil
            }
            if let hit { return windowStart + hit }
            at = windowStart + window.count - count + 1
        }
        return nil
    }

    /// Makes the window hold what stands at `offset`, at least so many bytes of it where the file has them.
    private mutating func load(_ offset: Int, atLeast count: Int) throws {
        let wanted = min(count, source.count - offset)
        if offset >= windowStart, offset + wanted <= windowStart + window.count { return }
        window = []
        window = try source.read(offset..<min(offset + Self.windowBytes, source.count))
        windowStart = offset
    }
}
