import Crypto
import Testing

@testable import Archive

@Suite struct DigestTests {
    @Test func holdsTheBytesOfAHash() throws {
        let hash = SHA256.hash(data: Array("abc".utf8))
        #expect(Digest(hash).bytes == Array(hash))
        #expect(Digest(Array(hash)) == Digest(hash))
        #expect(Digest([1, 2, 3]) == nil)
    }
}
