import CDeflate

/// Makes gzip members. One a thread: libdeflate's state is not shared.
package struct Deflater: ~Copyable {
    private let handle: OpaquePointer

    package init(level: Int) {
        guard let handle = libdeflate_alloc_compressor(Int32(level)) else {
            preconditionFailure("libdeflate has no level \(level), or no memory")
        }
        self.handle = handle
    }

    deinit { libdeflate_free_compressor(handle) }

    package func largestMember(of count: Int) -> Int { libdeflate_gzip_compress_bound(handle, count) }

    /// Length of the member written to `target`, which has room for `largestMember`.
    package func member(of source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int {
        let length = libdeflate_gzip_compress(handle, source.baseAddress, source.count, target.baseAddress, target.count)
        precondition(length > 0, "the target is shorter than largestMember")
        return length
    }
}

/// Reads gzip members and checks their CRC.
package struct Inflater: ~Copyable {
    private let handle: OpaquePointer

    package init() {
        guard let handle = libdeflate_alloc_decompressor() else { preconditionFailure("no memory") }
        self.handle = handle
    }

    deinit { libdeflate_free_decompressor(handle) }

    /// `nil` when the member is damaged or does not hold exactly `count` bytes.
    package func bytes(of member: UnsafeRawBufferPointer, count: Int) -> [UInt8]? {
        var good = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            var actual = 0
            let result = libdeflate_gzip_decompress(handle, member.baseAddress, member.count, target.baseAddress, count, &actual)
            good = result == LIBDEFLATE_SUCCESS && actual == count
            filled = good ? count : 0
        }
        return good ? bytes : nil
    }

    /// Fills `target` exactly; `false` when the member is damaged or holds another number of bytes.
    package func inflate(_ member: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Bool {
        var actual = 0
        let result = libdeflate_gzip_decompress(handle, member.baseAddress, member.count, target.baseAddress, target.count, &actual)
        return result == LIBDEFLATE_SUCCESS && actual == target.count
    }
}
