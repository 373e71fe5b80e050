/// Where an archive's bytes come from: a file of this machine, or an object in a bucket that is read in ranges. Reads come
/// from several threads at once.
package protocol ByteSource: Sendable {
    /// Bytes in all.
    var count: Int { get }

    /// What messages call it: a path, a URL.
    var name: String { get }

    /// Exactly the bytes of `range`, which lies within `0..<count`. Throws when they cannot be had, also when the source
    /// has become shorter.
    func read(_ range: Range<Int>) throws -> [UInt8]

    /// Has `range` fetched meanwhile, where that costs nothing but the disk's time: a hint, without waiting.
    func prepare(_ range: Range<Int>)
}

extension ByteSource {
    package func prepare(_ range: Range<Int>) {}
}
