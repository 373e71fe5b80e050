import CDeflate

/// Makes gzip members. One a thread: libdeflate's state is not shared.
struct Deflater: ~Copyable {
    private let handle: OpaquePointer

    init(level: Int) {
        guard let handle = libdeflate_alloc_compressor(Int32(level)) else {
            preconditionFailure("libdeflate has no level \(level), or no memory")
        }
        self.handle = handle
    }

    deinit { libdeflate_free_compressor(handle) }

    func largestMember(of count: Int) -> Int { libdeflate_gzip_compress_bound(handle, count) }

    /// Length of the member written to `target`, which has room for `largestMember`.
    func member(of source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int {
        let length = libdeflate_gzip_compress(handle, source.baseAddress, source.count, target.baseAddress, target.count)
        precondition(length > 0, "the target is shorter than largestMember")
        return length
    }
}

/// CRC-32 as gzip has it behind each member (RFC 1952, section 8).
func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 { libdeflate_crc32(0, bytes.baseAddress, bytes.count) }

/// Reads gzip members and checks their CRC.
struct Inflater: ~Copyable {
    private let handle: OpaquePointer

    init() {
        guard let handle = libdeflate_alloc_decompressor() else { preconditionFailure("no memory") }
        self.handle = handle
    }

    deinit { libdeflate_free_decompressor(handle) }

    /// `nil` when the member is damaged or does not hold exactly `count` bytes.
    func bytes(of member: UnsafeRawBufferPointer, count: Int) -> [UInt8]? {
        var good = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            var actual = 0
            let result = libdeflate_gzip_decompress(handle, member.baseAddress, member.count, target.baseAddress, count, &actual)
            good = result == LIBDEFLATE_SUCCESS && actual == count
            filled = good ? count : 0
        }
        return good ? bytes : nil
    }

    /// The first `count` bytes of what a longer member inflates to, of which nothing is known to be right: gzip's CRC is
    /// that of the whole, so whoever asks must have a checksum of what it needs. `nil` when it is no longer member, or
    /// damaged within them.
    ///
    /// libdeflate stops when its target is full, and by then has written what lies before. That is how it works and not
    /// what it promises: another version may leave more bytes unwritten, which the checksum tells.
    func start(of member: UnsafeRawBufferPointer, count: Int) -> [UInt8]? {
        var isFull = false
        let room = count + Self.longestMatch
        let bytes = [UInt8](unsafeUninitializedCapacity: room) { target, filled in
            var actual = 0
            let result = libdeflate_gzip_decompress(handle, member.baseAddress, member.count, target.baseAddress, room, &actual)
            isFull = result == LIBDEFLATE_INSUFFICIENT_SPACE
            filled = isFull ? count : 0
        }
        return isFull ? bytes : nil
    }

    /// A match is written only when all of it fits (RFC 1951, section 3.2.5, has its length).
    private static let longestMatch = 258

    /// Fills `target` exactly; `false` when the member is damaged or holds another number of bytes.
    func inflate(_ member: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Bool {
        var actual = 0
        let result = libdeflate_gzip_decompress(handle, member.baseAddress, member.count, target.baseAddress, target.count, &actual)
        return result == LIBDEFLATE_SUCCESS && actual == target.count
    }
}
