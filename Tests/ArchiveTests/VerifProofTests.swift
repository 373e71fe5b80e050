import EventModel
import Foundation
import Testing

@testable import Archive

/// Inclusion proofs, made from the files and checked by other code than that which made them.
@Suite struct VerifProofTests {
    let archive: VerifArchive
    let day = VerifArchive.firstDay + 1

    init() throws { archive = try VerifArchive() }

    /// Every line of a day: id, line, index in the tree.
    private func events(_ tenant: String, _ day: Int64) throws -> [(id: EventID, line: [UInt8], index: UInt64)] {
        let first = try archive.readManifest(tenant, day).tree.firstLeaf
        return try archive.members(archive.events(tenant, day)).blocks.flatMap(\.lines).enumerated().map { offset, line in
            let id = line.withUnsafeBytes { String(decoding: CanonicalLine($0)!.id, as: UTF8.self) }
            return (EventID(id)!, line, first + UInt64(offset))
        }
    }

    /// A reader of tlog-proof written from the specification, with the RFC's own definition of a path.
    private func independentlyChecked(_ proof: [UInt8], _ line: [UInt8]) -> Bool {
        let lines = String(decoding: proof, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines[0] == "c2sp.org/tlog-proof@v1", lines[1] == "extra " + Data(line).base64EncodedString(), lines[2].hasPrefix("index "),
            let index = Int(lines[2].dropFirst(6)), let blank = lines.firstIndex(of: "")
        else { return false }
        let path = lines[3..<blank].map { Array(Data(base64Encoded: $0)!) }
        guard let size = Int(lines[blank + 2]), let root = Data(base64Encoded: lines[blank + 3]) else { return false }
        return RFC6962.root(leaf: RFC6962.leafHash(line), index: index, size: size, path: path[...]) == Array(root)
    }

    @Test func everyEventOfADayCanBeProven() throws {
        for tenant in ["acme", "globex"] {
            for (id, line, index) in try events(tenant, day) {
                let proof = try DayProver.proof(of: id, archive: archive.path)
                #expect(proof.line == line && proof.index == index)
                #expect(independentlyChecked(proof.encoded(), line))
                #expect(try LogProof(proof.encoded()) == proof)
                let head = try LogProof(proof.encoded()).verify([archive.key.verifier])
                #expect(head.checkpoint.tenant == tenant && head.checkpoint.day == day)
            }
        }
    }

    @Test func manyEventsAreProvenInOneReading() throws {
        let events = try events("acme", day)
        let proofs = try DayProver(folder: archive.folder("acme", day)).proofs(of: events.map(\.id))
        #expect(proofs.map(\.index) == events.map(\.index))
        for (proof, event) in zip(proofs, events) { #expect(independentlyChecked(proof.encoded(), event.line)) }
    }

    @Test(arguments: 0...6) func proofsHoldWhateverIsKeptOfTheTree(level: Int) throws {
        for tenant in ["acme", "globex"] {
            for day in VerifArchive.firstDay...VerifArchive.lastDay where day != VerifArchive.quietDay {
                let prover = try DayProver(folder: archive.folder(tenant, day), level: level)
                for event in try events(tenant, day) {
                    let proof = try prover.proofs(of: [event.id])[0]
                    #expect(proof.index == event.index && independentlyChecked(proof.encoded(), event.line), "\(tenant) \(event.index)")
                }
            }
        }
    }

    @Test func aDayIsReadOnceAndFurtherProofsReadTheirBlocks() throws {
        let source = CountedSource(try LocalFile(path: archive.events("acme", day)))
        let prover = try DayProver(folder: archive.folder("acme", day), events: source, level: 2)
        let opened = source.scanned.bytes
        while try prover.advance() {}
        let members = try archive.members(archive.events("acme", day)).blocks.map(\.range.count)
        #expect(source.scanned.bytes - opened == members.reduce(0, +))
        let before = source.scanned
        let event = try events("acme", day)[12]
        #expect(try prover.proofs(of: [event.id])[0].index == event.index)
        // Leaves 32 to 35 around the event lie in its own block.
        #expect(source.scanned.reads - before.reads == 2 && source.scanned.bytes - before.bytes == 2 * members[1])
    }

    @Test(arguments: 0...3) func aBlockThatCannotBeReadCostsOnlyTheProofsThatNeedIt(block: Int) throws {
        let all = try events("acme", day)
        let range = try archive.members(archive.events("acme", day)).blocks[block].range
        try archive.patch(archive.events("acme", day)) { $0[range.lowerBound + range.count / 2] ^= 0x10 }
        let manifest = try archive.readManifest("acme", day)
        let lost = manifest.tree.firstLeaf + UInt64(block * 8)..<min(manifest.tree.firstLeaf + UInt64(block * 8 + 8), manifest.tree.size)
        let whole = MerkleNode.covering(manifest.tree.firstLeaf..<manifest.tree.size).map(\.leaves).filter { !$0.overlaps(lost) }
        for level in [0, 3, 6] {
            let outcomes = try DayProver(folder: archive.folder("acme", day), level: level).outcomes(of: all.map(\.id))
            for (event, outcome) in zip(all, outcomes) {
                switch outcome {
                case .success(let proof): #expect(independentlyChecked(proof.encoded(), event.line))
                case .failure(let error): #expect(error.isDamage && error.description.contains("cannot be read"), "\(error)")
                }
                let isProven = (try? outcome.get()) != nil
                #expect(isProven == whole.contains { $0.contains(event.index) }, "\(event.index)")
            }
        }
        #expect(!whole.isEmpty)
        let unreadable = try manifest.unreadable(in: LocalFile(path: archive.events("acme", day)))
        #expect(unreadable == (1, lost.count))
    }

    @Test func aProofFileIsVerifiedAndShown() throws {
        let event = try events("acme", day)[5]
        let path = archive.root + "/event.tlog-proof"
        try archive.save(DayProver.proof(of: event.id, archive: archive.path, tenant: "acme").encoded(), path)
        let report = try archive.expect([], .good, paths: [path])
        #expect(report.proofs.count == 1 && report.proofs[0].isGood && report.proofs[0].line == String(decoding: event.line, as: UTF8.self))
        try archive.expect(["signed_by_another_key"], paths: [path], keys: [SigningKey(name: "stranger").verifier])
    }

    @Test func aProofThatWasChangedDoesNotHold() throws {
        let event = try events("acme", day)[5]
        let path = archive.root + "/event.tlog-proof"
        let good = try DayProver.proof(of: event.id, archive: archive.path)
        var line = good
        line.line[200] ^= 1
        var index = good
        index.index += 1
        var hash = good
        hash.hashes[2].words.1 ^= 1
        var fewer = good
        fewer.hashes.removeLast()
        for proof in [line, index, hash, fewer] {
            try archive.save(proof.encoded(), path)
            try archive.expect(["proof_wrong"], paths: [path])
        }
        var bytes = good.encoded()
        for at in stride(from: 23, to: bytes.count, by: 37) {
            bytes[at] ^= 1
            try archive.save(bytes, path)
            #expect(try archive.verify([path]).result == .tampered, "byte \(at)")
            bytes[at] ^= 1
        }
    }

    @Test func whatCannotBeProvenIsExplained() throws {
        func problem(_ id: EventID, tenant: String? = nil) -> String {
            do {
                _ = try DayProver.proof(of: id, archive: archive.path, tenant: tenant)
                return ""
            } catch { return String(describing: error) }
        }
        var event = try events("acme", day)[5].id
        event.received += 86_400_000 * 10
        #expect(problem(event).contains("2026-11-29, and that day is not sealed yet. It is sealed after 2026-11-30T00:00:00.000Z"))
        event = try events("acme", day)[5].id
        event.node ^= 1
        #expect(problem(event).contains("There is no event \(event)"))
        event = try events("acme", day)[5].id
        event.tenant = 9
        #expect(problem(event).contains("No tenant with number 9"))
        try archive.edit("acme", day) { $0[1][3][200] ^= 1 }
        #expect(problem(try events("acme", day)[5].id).contains("`daybook verify"))
        try archive.remove(archive.events("acme", day))
        #expect(problem(event, tenant: "acme").contains("pruned"))
    }

    // MARK: Paths

    @Test func everyKindOfPathIsTaken() throws {
        let data = archive.root
        try archive.expect([], .good, paths: [data])
        try archive.expect([], .good, paths: [archive.folder("acme")])
        try archive.expect([], .good, paths: [archive.folder("acme", VerifArchive.firstDay)])
        for path in [archive.events("acme", day), archive.manifest("acme", day), archive.checkpoint("acme", day)] {
            let report = try archive.expect(["incomplete acme 1"], .incomplete, paths: [path])
            #expect(report.tenants[0].events == 27)
        }
        try archive.edit("acme", day) { $0[0][0][200] ^= 1 }
        #expect(try archive.verify([archive.events("acme", day)]).brief.contains("line_changed acme 1 b1 23"))
        #expect(throws: VerificationIOError.self) { try archive.verify([archive.root + "/nothing"]) }
        try archive.save([1, 2], archive.root + "/file")
        #expect(throws: VerificationIOError.self) { try archive.verify([archive.root + "/file"]) }
    }

    @Test func aPackIsAPartWithProofs() throws {
        let pack = archive.root + "/pack"
        try archive.save(Array("{}".utf8), pack + "/_pack.json")
        for name in ["events.ndjson.gz", "_manifest.json", "_checkpoint"] {
            try archive.save(archive.read(archive.folder("acme", day) + "/" + name), pack + "/tenant=acme/day=2026-11-19/" + name)
        }
        let event = try events("acme", day)[5]
        try archive.save(DayProver.proof(of: event.id, archive: archive.path).encoded(), pack + "/proofs/1.tlog-proof")
        let report = try archive.expect(["incomplete acme 1"], .incomplete, paths: [pack])
        #expect(report.proofs.count == 1 && report.proofs[0].isGood && report.tenants[0].events == 27)
    }

    @Test func aCopyUnderAnotherNameIsVerifiedAllTheSame() throws {
        let copy = archive.root + "/copy"
        for name in ["events.ndjson.gz", "_manifest.json", "_checkpoint"] {
            try archive.save(archive.read(archive.folder("acme", day) + "/" + name), copy + "/" + name)
        }
        let report = try archive.expect(["incomplete acme 1"], .incomplete, paths: [copy])
        #expect(report.tenants[0].events == 27)
        // Without manifest and checkpoint nothing says what was sealed.
        try archive.remove(copy + "/_manifest.json")
        try archive.remove(copy + "/_checkpoint")
        #expect(try archive.verify([copy]).result == .tampered)
    }
}
