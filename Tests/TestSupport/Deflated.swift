import CZlib

/// Packed bodies for tests.
package enum Deflated {
    package static func gzip(_ bytes: [UInt8]) -> [UInt8] { pack(bytes, windowBits: 31) }
    package static func zlib(_ bytes: [UInt8]) -> [UInt8] { pack(bytes, windowBits: 15) }

    private static func pack(_ bytes: [UInt8], windowBits: Int32) -> [UInt8] {
        var stream = z_stream()
        var input = bytes
        deflateInit2_(&stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.count))) + 32
        return [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(bound)
                precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
            }
            count = bound - Int(stream.avail_out)
        }
    }
}
