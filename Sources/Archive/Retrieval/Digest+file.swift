import Crypto

extension Digest {
    /// SHA-256 of a file, read a piece at a time. Throws what ``LocalFile`` throws.
    package init(ofFile path: String) throws {
        let file = try LocalFile(path: path)
        var hasher = SHA256()
        var at = 0
        while at < file.count {
            let end = min(at + (1 << 20), file.count)
            hasher.update(data: try file.read(at..<end))
            at = end
        }
        self.init(hasher.finalize())
    }
}
