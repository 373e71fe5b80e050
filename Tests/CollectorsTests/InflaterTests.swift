import CZlib
import TestSupport
import Testing

@testable import Collectors

@Suite struct InflaterTests {
    private func inflate(_ packed: [UInt8], pieces: Int = .max) throws -> [UInt8] {
        let inflater = Inflater()
        var plain: [UInt8] = []
        var at = 0
        while at < packed.count {
            let end = min(packed.count, at + min(pieces, packed.count))
            try packed[at..<end].withUnsafeBytes { bytes in
                inflater.supply(bytes)
                while true {
                    let output = try inflater.output()
                    if output.isEmpty { break }
                    plain += output
                    inflater.drop(output.count)
                }
            }
            at = end
        }
        try inflater.finish()
        return plain
    }

    private let text = Array(String(repeating: "{\"kind\":\"access\"}\n", count: 9000).utf8)

    @Test("gzip and zlib bodies inflate, fed in any pieces", arguments: [1, 100, 1_000_000])
    func formats(pieces: Int) throws {
        #expect(try inflate(Deflated.gzip(text), pieces: pieces) == text)
        #expect(try inflate(Deflated.zlib(text), pieces: pieces) == text)
    }

    @Test("gzip of several members is one body")
    func members() throws {
        #expect(try inflate(Deflated.gzip(text) + Deflated.gzip([1, 2, 3]), pieces: 5) == text + [1, 2, 3])
    }

    @Test("zeros behind the last member are padding, in whatever pieces they come", arguments: [1, 7, 10_000])
    func padding(size: Int) throws {
        let zeros = [UInt8](repeating: 0, count: 5000)
        #expect(try inflate(Deflated.gzip(text) + zeros, pieces: size) == text)
        for broken in [zeros + [1], zeros + Deflated.gzip(text)] {
            #expect(throws: Problem.self) { _ = try inflate(Deflated.gzip(text) + broken, pieces: size) }
        }
        #expect(throws: Problem.self) { _ = try inflate(Deflated.zlib(text) + zeros, pieces: size) }
    }

    @Test("a truncated, damaged or overlong stream is refused")
    func damage() {
        let packed = Deflated.gzip(text)
        var flipped = packed
        flipped[packed.count - 6] ^= 1
        for broken in [
            Array(packed.dropLast()), Array(packed.prefix(5)), packed + [0, 1], packed + Array("more".utf8), flipped, Array("no gzip".utf8),
        ] {
            #expect(throws: Problem.self) { try inflate(broken) }
        }
    }
}
