import NIOCore

extension ByteBuffer: BodyPiece {
    public var byteCount: Int { readableBytes }

    public func withBytes<Result, Failure: Error>(
        _ range: Range<Int>, _ work: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // As for arrays: the outcome carries the typed error.
        let outcome = withUnsafeReadableBytes { bytes -> Swift.Result<Result, Failure> in
            do throws(Failure) { return .success(try work(UnsafeRawBufferPointer(rebasing: bytes[range]))) } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}
