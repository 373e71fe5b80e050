extension UnsafeRawBufferPointer {
    /// The little-endian number at `offset`, which must lie within the buffer whole.
    @inline(__always)
    func number<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type, at offset: Int) -> Number {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}

extension UnsafeMutableRawPointer {
    @inline(__always)
    func put<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number, at offset: Int) {
        storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }
}

extension [UInt8] {
    mutating func append<Number: FixedWidthInteger>(littleEndian number: Number) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }

    /// `withUnsafeBytes` that keeps the type of what is thrown.
    func withTypedBytes<Answer, Fault: Error>(_ body: (UnsafeRawBufferPointer) throws(Fault) -> Answer) throws(Fault) -> Answer {
        let outcome = withUnsafeBytes { bytes -> Result<Answer, Fault> in
            do throws(Fault) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }
}
