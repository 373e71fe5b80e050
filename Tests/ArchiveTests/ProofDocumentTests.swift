import Testing

@testable import Archive

@Suite struct ProofDocumentTests {
    static let digest = Digest(of: [7])

    static func manifest() -> Manifest {
        let before = ProofTreeTests.tree((0..<5).map { MerkleHash.leaf([$0]) })
        var nodes = CompactRange(begin: 5)
        for leaf in 0..<6 { nodes.append(leafHash: MerkleHash.leaf([UInt8(leaf)])) }
        return Manifest(
            tenant: "acme", day: 20_777,
            contents: Manifest.Contents(
                events: 6, bytes: 4_000, firstSeq: 8, lastSeq: 13, firstReceived: 1_795_132_800_000, lastReceived: 1_795_132_800_001,
                minTime: 1_795_000_000_000, maxTime: 1_795_132_800_001, firstPosition: 17, lastPosition: 99,
                file: Manifest.File(name: "events.ndjson.gz", bytes: 812, digest: digest), digest: digest, lineChecksDigest: digest,
                blocks: [
                    Manifest.Block(firstSeq: 8, events: 4, bytes: 2_500, root: digest),
                    Manifest.Block(firstSeq: 12, events: 2, bytes: 1_500, root: digest),
                ],
                counts: ["webhook_failure": 1, "activity": 5]),
            gaps: [6...7], tree: Manifest.Tree(before: before, nodes: nodes), previous: Manifest.Previous(day: 20_776, digest: digest),
            erasures: ["erasure-1"], sealedAt: 1_795_132_900_000, software: "daybook 0.1.0")
    }

    @Test func aManifestReadsBackAsItIs() throws {
        let manifest = Self.manifest()
        #expect(try Manifest(json: manifest.encoded()) == manifest)
        var quiet = manifest
        quiet.contents = nil
        quiet.gaps = []
        quiet.previous = nil
        #expect(try Manifest(json: quiet.encoded()) == quiet)
        let text = String(decoding: manifest.encoded(), as: UTF8.self)
        #expect(text.hasPrefix("{\n  \"format\": 1,\n  \"tenant\": \"acme\",\n  \"day\": \"2026-11-20\",\n  \"events\": 6,\n"))
        #expect(text.hasSuffix("\n  ]\n}\n") && text.contains("\n    [8,4,2500,\"\(Self.digest.base64)\"],\n"))
    }

    @Test func aManifestHasOneSpelling() throws {
        let text = String(decoding: Self.manifest().encoded(), as: UTF8.self)
        let others = [
            text + "\n", String(text.dropLast()), " " + text, text.replacing("\"gaps\": [", with: "\"gaps\":  ["),
            text.replacing("\"events\": 6", with: "\"events\": 06"), text.replacing("\"events\": 6", with: "\"events\": 6.0"),
            text.replacing("\"acme\"", with: "\"\\u0061cme\""), text.replacing("\"format\": 1,", with: "\"format\": 1,\n  \"format\": 1,"),
            text.replacing("\"day\": \"2026-11-20\"", with: "\"day\": \"2026-11-31\""),
            text.replacing("\"format\": 1", with: "\"format\": 2"),
            text.replacing("\n  ]\n}\n", with: ",\n  ]\n}\n"), text.replacing("\"bytes\": 4000,", with: "\"bytes\": 4000,\n  \"more\": 1,"),
            text.replacing("[8,4,", with: "[8,5,"), text.replacing("\"size\": 11", with: "\"size\": 12"),
            text.replacing("\"first_leaf\": 5", with: "\"first_leaf\": 6"),
        ]
        for other in others {
            #expect(other != text)
            #expect(throws: DocumentError.self) { try Manifest(json: Array(other.utf8)) }
        }
        for length in stride(from: 0, to: text.utf8.count, by: 17) {
            #expect(throws: DocumentError.self) { try Manifest(json: Array(text.utf8.prefix(length))) }
        }
    }

    @Test func recordsReadBackAndOnlyAsTheirType() throws {
        let key = try SigningKey(name: "key")
        let prune = PruneRecord(
            tenant: "acme", firstSeq: 1, lastSeq: 9, files: [PruneRecord.File(day: 20_777, bytes: 5, digest: Self.digest)],
            plan: "30 days", at: 0)
        let erasure = ErasureRecord(
            tenant: "acme", day: 20_777, erasure: "e1", reason: "asked \"for\"", at: 1,
            changes: [ErasureRecord.Change(seq: 4, before: Self.digest, after: Digest(of: [8]))], rootBefore: Self.digest,
            rootAfter: Self.digest, manifestBefore: Self.digest)
        let rotation = KeyRecord(key: try SigningKey(name: "next").verifier, at: 2)
        func check<Content: RecordContent>(_ content: Content) throws {
            let record = try SignedRecord(SignedRecord.signed(content, by: key).encoded())
            try record.note.verify([key.verifier])
            #expect(record.note.text.hasPrefix("daybook.archive/\(Content.type)/v1\n{"))
            #expect(try record.content(Content.self) == content)
            #expect(try record.content(PruneRecord.self) == nil || Content.type == "prune")
        }
        try check(prune)
        try check(erasure)
        try check(rotation)
    }
}
