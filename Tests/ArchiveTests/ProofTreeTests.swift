import Testing

@testable import Archive

/// The eight leaves, roots and proofs that Certificate Transparency's implementations test with
/// (github.com/transparency-dev/merkle, log_verifier_test.go), then every small tree against the RFC's own definition.
@Suite struct ProofTreeTests {
    static let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
        .map { bytes(hex: $0) }

    static let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    /// Index, size, path.
    static let inclusion: [(UInt64, UInt64, [String])] = [
        (0, 1, []),
        (
            0, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            5, 8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1, 5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
    ]

    /// Earlier size, size, proof.
    static let consistency: [(UInt64, UInt64, [String])] = [
        (1, 1, []),
        (
            1, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            6, 8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (
            2, 5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
        (
            6, 7,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
    ]

    static func tree(_ leaves: some Sequence<Digest>) -> CompactRange {
        var tree = CompactRange()
        for leaf in leaves { tree.append(leafHash: leaf) }
        return tree
    }

    /// Computes a proof from the hashes of `leaves`, of which those before `known` are given as a range.
    static func hashes(_ path: [Range<UInt64>], of leaves: [Digest], known: Int = 0) -> [Digest]? {
        var collector = MerklePathCollector(path)
        var range = tree(leaves[..<known])
        collector.offer(range)
        for leaf in leaves[known...] { range.append(leafHash: leaf) { collector.offer($0, $1) } }
        return collector.hashes()
    }

    @Test func rootsOfThePublishedTrees() {
        #expect(CompactRange().root.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        var tree = CompactRange()
        for (leaf, root) in zip(Self.leaves, Self.roots) {
            tree.append(leafHash: MerkleHash.leaf(leaf))
            #expect(tree.root.hex == root)
        }
    }

    @Test(arguments: inclusion) func publishedInclusionProofs(index: UInt64, size: UInt64, proof: [String]) {
        let hashes = Self.leaves.prefix(Int(size)).map { MerkleHash.leaf($0) }
        #expect(Self.hashes(MerklePath.inclusion(index: index, size: size), of: hashes)?.map(\.hex) == proof)
        let root = MerklePath.root(leafHash: hashes[Int(index)], index: index, size: size, proof: proof.map { Digest(hex: $0)! })
        #expect(root?.hex == Self.roots[Int(size) - 1])
    }

    @Test(arguments: consistency) func publishedConsistencyProofs(earlier: UInt64, size: UInt64, proof: [String]) {
        let hashes = Self.leaves.prefix(Int(size)).map { MerkleHash.leaf($0) }
        #expect(Self.hashes(MerklePath.consistency(earlier: earlier, size: size), of: hashes)?.map(\.hex) == proof)
        let roots = Self.roots.map { Digest(hex: $0)! }
        let isConsistent = MerklePath.isConsistent(
            earlier: earlier, earlierRoot: roots[Int(earlier) - 1], size: size, root: roots[Int(size) - 1],
            proof: proof.map { Digest(hex: $0)! })
        #expect(isConsistent)
    }

    @Test func everySmallTreeIsThatOfTheDefinition() {
        let data = (0..<40).map { [UInt8](repeating: UInt8($0), count: $0) }
        let reference = data.map { RFC6962.leafHash($0) }
        let leaves = data.map { MerkleHash.leaf($0) }
        for size in 1...40 {
            let tree = Self.tree(leaves[..<size])
            #expect(tree.root.bytes == RFC6962.root(reference[..<size]))
            for known in [0, size / 3, size / 2, size - 1] {
                for index in known..<size {
                    let path = Self.hashes(
                        MerklePath.inclusion(index: UInt64(index), size: UInt64(size)), of: Array(leaves[..<size]), known: known)
                    #expect(path?.map(\.bytes) == RFC6962.path(index, reference[..<size]))
                    #expect(
                        MerklePath.root(leafHash: leaves[index], index: UInt64(index), size: UInt64(size), proof: path ?? []) == tree.root)
                }
            }
            for earlier in 1...size {
                let proof = Self.hashes(MerklePath.consistency(earlier: UInt64(earlier), size: UInt64(size)), of: Array(leaves[..<size]))
                #expect(proof?.map(\.bytes) == RFC6962.proof(earlier, reference[..<size]))
                let root = Self.tree(leaves[..<earlier]).root
                let isConsistent = MerklePath.isConsistent(
                    earlier: UInt64(earlier), earlierRoot: root, size: UInt64(size), root: tree.root, proof: proof ?? [])
                #expect(isConsistent)
            }
        }
    }

    @Test func aProofThatWasTouchedLeadsNowhere() {
        let leaves = (0..<23).map { MerkleHash.leaf([$0]) }
        let root = Self.tree(leaves).root
        for index in 0..<23 {
            let path = Self.hashes(MerklePath.inclusion(index: UInt64(index), size: 23), of: leaves)!
            var wrong: [(Digest, UInt64, UInt64, [Digest])] = [
                (leaves[(index + 1) % 23], UInt64(index), 23, path), (leaves[index], UInt64((index + 1) % 23), 23, path),
                (leaves[index], UInt64(index), 46, path), (leaves[index], UInt64(index), 11, path),
                (leaves[index], UInt64(index), 23, Array(path.dropLast())), (leaves[index], UInt64(index), 23, path + [root]),
                (leaves[index], UInt64(index), 23, [root] + path),
            ]
            for at in path.indices {
                var touched = path
                touched[at].words.0 ^= 8
                wrong.append((leaves[index], UInt64(index), 23, touched))
            }
            for (leaf, index, size, path) in wrong {
                #expect(MerklePath.root(leafHash: leaf, index: index, size: size, proof: path) != root)
            }
        }
        for earlier in 1..<23 {
            let earlierRoot = Self.tree(leaves[..<earlier]).root
            let proof = Self.hashes(MerklePath.consistency(earlier: UInt64(earlier), size: 23), of: leaves)!
            func holds(_ earlier: Int, _ earlierRoot: Digest, _ root: Digest, _ proof: [Digest]) -> Bool {
                MerklePath.isConsistent(earlier: UInt64(earlier), earlierRoot: earlierRoot, size: 23, root: root, proof: proof)
            }
            #expect(holds(earlier, earlierRoot, root, proof))
            #expect(!holds(earlier - 1, earlierRoot, root, proof))
            #expect(!holds(earlier, root, earlierRoot, proof))
            #expect(!holds(earlier, earlierRoot, root, proof + [root]))
            #expect(!holds(earlier, earlierRoot, root, Array(proof.dropLast())))
            for at in proof.indices {
                var touched = proof
                touched[at].words.3 ^= 16
                #expect(!holds(earlier, earlierRoot, root, touched))
            }
        }
    }

    @Test func rangesJoinWhereverTheyAreCut() {
        let leaves = (0..<70).map { MerkleHash.leaf([$0]) }
        let whole = Self.tree(leaves)
        for first in 0...70 {
            for second in stride(from: first, through: 70, by: 7) {
                var tree = Self.tree(leaves[..<first])
                for cut in [first..<second, second..<70] {
                    var range = CompactRange(begin: UInt64(cut.lowerBound))
                    for leaf in leaves[cut] { range.append(leafHash: leaf) }
                    #expect(CompactRange(begin: range.begin, end: range.end, hashes: range.hashes) == range)
                    tree.append(range)
                }
                #expect(tree == whole)
            }
        }
        #expect(CompactRange(size: 70, peaks: whole.peaks) == whole)
        #expect(CompactRange(size: 71, peaks: whole.peaks) == nil)
        #expect(CompactRange(begin: 5, end: 4, hashes: []) == nil)
    }
}
