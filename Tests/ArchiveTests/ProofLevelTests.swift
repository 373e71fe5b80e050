import Testing

@testable import Archive

/// Nodes that a block's own tree and the tenant's tree share are computed once; both must come to what the RFC says.
@Suite struct ProofLevelTests {
    @Test("blocks appended level by level give the tree that single leaves give, from any leaf on")
    func anywhere() {
        let all = (0..<300).map { RFC6962.leafHash([UInt8($0 & 255), UInt8($0 >> 8)]) }
        let leaves = all.map { Digest($0)! }
        var levels = LeafLevels()
        var random = SystemRandomNumberGenerator()
        for begin in [0, 1, 2, 3, 4, 6, 8, 12, 16, 31, 32, 33, 64, 100, 128, 255] {
            for whole in [true, false] {
                var single = CompactRange(begin: UInt64(whole ? 0 : begin))
                if whole { for leaf in leaves[..<begin] { single.append(leafHash: leaf) } }
                var joined = single
                var at = begin
                while at < leaves.count {
                    let end = min(leaves.count, at + Int.random(in: 1...40, using: &random))
                    levels.removeAll()
                    for leaf in leaves[at..<end] {
                        levels.append(leafHash: leaf)
                        single.append(leafHash: leaf)
                    }
                    levels.join()
                    joined.append(levels)
                    #expect(joined == single, "leaves \(at)..<\(end), tree from \(single.begin)")
                    #expect(levels.leaves == Array(leaves[at..<end]))
                    #expect(levels.root.bytes == RFC6962.blockRoot(all[at..<end]), "leaves \(at)..<\(end)")
                    at = end
                }
            }
        }
    }
}

extension RFC6962 {
    /// RFC 6962, section 2.1, over leaf hashes.
    static func blockRoot(_ hashes: ArraySlice<[UInt8]>) -> [UInt8] {
        if hashes.count == 1 { return hashes.first! }
        var left = 1
        while left * 2 < hashes.count { left *= 2 }
        return nodeHash(blockRoot(hashes.prefix(left)), blockRoot(hashes.dropFirst(left)))
    }
}
