import CZlib

/// Inflates a gzip (RFC 1952, several members too) or zlib (RFC 1950, what HTTP calls deflate) body piece by piece into
/// one small buffer, so that a body which grows a thousandfold costs no more memory than one that does not.
///
/// Windows of 15 bits, plus 32 to recognise the format by its header (zlib manual, `inflateInit2`).
final class Inflater {
    static let outputBytes = 64 << 10

    // zlib keeps a pointer back to the stream, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let buffer: UnsafeMutableRawBufferPointer
    /// Between two members, or behind the last.
    private var isAtMemberEnd = false
    private var isGzip = false
    /// Zeros follow the last member.
    private var isPadding = false
    private var sawInput = false
    private var pending = 0..<0

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        buffer = .allocate(byteCount: Self.outputBytes, alignment: 16)
        let code = czlib_inflate_init(stream, 15 + 32)
        precondition(code == Z_OK, "zlib of another version or no memory")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        buffer.deallocate()
    }

    /// Compressed bytes that were supplied and not used yet.
    var unusedInput: Int { Int(stream.pointee.avail_in) }

    /// Gives the next compressed bytes. They must stay in place until ``output()`` was called for the last time before
    /// the next supply.
    func supply(_ input: UnsafeRawBufferPointer) {
        if !sawInput, let first = input.first {
            sawInput = true
            isGzip = first == 0x1F
        }
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(input.count)
    }

    /// Inflated bytes that were not dropped yet, else the next up to ``outputBytes``; empty when more input is needed.
    /// Valid until the next call.
    func output() throws(Problem) -> UnsafeRawBufferPointer {
        if pending.isEmpty { pending = 0..<(try inflateMore()) }
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[pending])
    }

    func drop(_ count: Int) { pending = pending.lowerBound + count..<pending.upperBound }

    private func inflateMore() throws(Problem) -> Int {
        while true {
            if isAtMemberEnd {
                guard stream.pointee.avail_in > 0 else { return 0 }
                if isGzip { skipPadding() }
                guard stream.pointee.avail_in > 0 else { return 0 }
                guard isGzip, !isPadding, stream.pointee.next_in.pointee == 0x1F else {
                    throw .badBody("bytes follow the end of the compressed body")
                }
                inflateReset(stream)
                isAtMemberEnd = false
            }
            stream.pointee.next_out = buffer.baseAddress!.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(Self.outputBytes)
            let code = inflate(stream, Z_NO_FLUSH)
            guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                let reason = stream.pointee.msg.map { String(cString: $0) } ?? "error \(code)"
                throw .badBody("the compressed body is damaged: \(reason), after \(stream.pointee.total_in) bytes of it")
            }
            if code == Z_STREAM_END { isAtMemberEnd = true }
            let produced = Self.outputBytes - Int(stream.pointee.avail_out)
            if produced > 0 || code != Z_STREAM_END { return produced }
        }
    }

    /// Tapes and block devices fill the last block with zeros; gzip ignores them (its manual, "Tapes"), and so do we.
    private func skipPadding() {
        while stream.pointee.avail_in > 0, stream.pointee.next_in.pointee == 0 {
            isPadding = true
            stream.pointee.next_in += 1
            stream.pointee.avail_in -= 1
        }
    }

    /// The body ended here.
    func finish() throws(Problem) {
        guard isAtMemberEnd, pending.isEmpty else { throw .badBody("the compressed body breaks off before its end") }
    }
}
