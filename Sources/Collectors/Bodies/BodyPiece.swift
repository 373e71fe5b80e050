/// A piece of a body as its carrier holds it, so that the way in depends on no carrier.
public protocol BodyPiece {
    var byteCount: Int { get }
    func withBytes<Result, Failure: Error>(
        _ range: Range<Int>, _ work: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result
}

extension [UInt8]: BodyPiece {
    public var byteCount: Int { count }

    public func withBytes<Result, Failure: Error>(
        _ range: Range<Int>, _ work: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // `withUnsafeBytes` does not know typed errors yet; the outcome carries one through it.
        let outcome = withUnsafeBytes { bytes -> Swift.Result<Result, Failure> in
            do throws(Failure) { return .success(try work(UnsafeRawBufferPointer(rebasing: bytes[range]))) } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}
