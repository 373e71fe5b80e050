import EventModel
import Foundation
import Testing

@testable import Archive

/// What was done to an archive after it was sealed: pruning, erasure, change of keys.
@Suite struct VerifRecordTests {
    let archive: VerifArchive
    let day = VerifArchive.firstDay + 1

    init() throws { archive = try VerifArchive() }

    private func record(_ content: some RecordContent, _ name: String, key: SigningKey? = nil, folder: String? = nil) throws {
        let path = (folder ?? archive.folder("acme")) + "/_records/" + name
        try archive.save(SignedRecord.signed(content, by: key ?? archive.key).encoded(), path)
    }

    // MARK: Pruning

    private func prune() throws -> PruneRecord {
        let contents = try archive.readManifest("acme", day).contents!
        return PruneRecord(
            tenant: "acme", firstSeq: contents.firstSeq, lastSeq: contents.lastSeq,
            files: [PruneRecord.File(day: day, bytes: contents.file.bytes, digest: contents.file.digest)], plan: "7 days", at: 0)
    }

    @Test func prunedEventsAreShownAndTheTreeStaysWhole() throws {
        try record(prune(), "prune-1")
        try archive.remove(archive.events("acme", day))
        let report = try archive.expect(["pruned acme 1"], .good)
        #expect(report.tenants[0].prunedDays == 1 && report.findings[0].text.contains("7 days"))
    }

    @Test func aForgedPruneRecordCountsForNothing() throws {
        let prune = try prune()
        try archive.remove(archive.events("acme", day))
        try record(prune, "prune-1", key: SigningKey(name: "stranger"))
        try archive.expect(["events_missing acme 1", "record_forged acme"])
        // A signed one whose text was changed afterwards.
        var other = prune
        other.files[0].day = day + 1
        try record(other, "prune-1")
        try archive.patch(archive.folder("acme") + "/_records/prune-1") { bytes in
            bytes = Array(String(decoding: bytes, as: UTF8.self).replacing("2026-11-20", with: "2026-11-19").utf8)
        }
        try archive.expect(["events_missing acme 1", "record_forged acme"])
        // A signed one of another file, of another tenant.
        other = prune
        other.files[0].digest.words.0 ^= 1
        try record(other, "prune-1")
        try archive.expect(["events_missing acme 1"])
        other = prune
        other.tenant = "globex"
        try record(other, "prune-1")
        try archive.expect(["events_missing acme 1", "record_forged acme"])
    }

    // MARK: Erasure

    /// Erases the name in some lines as the retention does: file, record, manifest, checkpoint.
    private func erase(_ lines: [(block: Int, line: Int)], name: String = "erasure-1", word: String = "Ana") throws -> ErasureRecord {
        let before = try archive.readManifest("acme", day)
        let digest = Digest(of: try archive.read(archive.manifest("acme", day)))
        var blocks = try archive.members(archive.events("acme", day)).blocks.map(\.lines)
        var changes: [ErasureRecord.Change] = []
        for (block, line) in lines {
            let old = blocks[block][line]
            blocks[block][line] = Array(String(decoding: old, as: UTF8.self).replacing(word, with: "[erased]").utf8)
            let seq = old.withUnsafeBytes { CanonicalLine($0)!.seq }
            changes.append(ErasureRecord.Change(seq: seq, before: MerkleHash.leaf(old), after: MerkleHash.leaf(blocks[block][line])))
        }
        var now = before.tree.before
        var tenant = archive.tenants[0]
        tenant.lastSeq = before.contents!.firstSeq - 1
        let contents = VerifArchive.contents(try archive.write(blocks.flatMap { $0 }, tenant, day) { now.append(leafHash: $0) })
        let record = ErasureRecord(
            tenant: "acme", day: day, erasure: "e-1", reason: "asked for it", at: 0, changes: changes, rootBefore: before.tree.root,
            rootAfter: now.root, manifestBefore: digest)
        try self.record(record, name)
        var manifest = before
        manifest.contents = contents
        manifest.erasures.append(name)
        try archive.sign(manifest)
        return record
    }

    @Test func erasedLinesAreShownAndEveryOldCheckpointHolds() throws {
        let known = archive.root + "/known"
        try archive.save(archive.read(archive.checkpoint("acme", day)), known)
        let record = try erase([(0, 2), (1, 5), (1, 6)])
        let report = try archive.expect(
            ["erased acme 1 \(record.changes[0].seq),\(record.changes[1].seq)-\(record.changes[2].seq)"], .good, checkpoints: [known])
        #expect(report.tenants[0].events == Int(archive.tenants[0].lastSeq))
    }

    @Test func aSecondErasureOfTheSameLineGoesOnFromTheFirst() throws {
        let first = try erase([(0, 2)])
        let second = try erase([(0, 2), (0, 3)], name: "erasure-2", word: "example.com")
        let seqs = second.changes.map(\.seq)
        try archive.expect(["erased acme 1 \(first.changes[0].seq)", "erased acme 1 \(seqs[0])-\(seqs[1])"], .good)
    }

    @Test func aChangeAfterAnErasureIsNamed() throws {
        let record = try erase([(0, 2)])
        let seq = record.changes[0].seq
        try archive.edit("acme", day) { $0[0][2][200] ^= 1 }
        try archive.expect(["erased acme 1 \(seq)", "line_changed acme 1 b1 \(seq)"])
    }

    @Test func aLostOrForgedErasureRecordIsNamed() throws {
        let record = try erase([(0, 2)])
        try archive.remove(archive.folder("acme") + "/_records/erasure-1")
        let missing = try archive.verify().brief
        #expect(missing.contains("record_missing acme 1"))
        try self.record(record, "erasure-1", key: SigningKey(name: "stranger"))
        let forged = try archive.verify().brief
        #expect(forged.contains("record_missing acme 1") && forged.contains("record_forged acme"))
        // Signed, but it lies about what the line was.
        var lie = record
        lie.changes[0].before.words.0 ^= 1
        try self.record(lie, "erasure-1")
        let lied = try archive.verify().brief
        #expect(lied.contains("tree_broken acme 1"))
        lie = record
        lie.rootAfter.words.0 ^= 1
        try self.record(lie, "erasure-1")
        #expect(try archive.verify().brief.contains("record_forged acme 1"))
    }

    @Test func aFileFromBeforeAnErasureIsNamed() throws {
        let names = [archive.events("acme", day), archive.manifest("acme", day), archive.checkpoint("acme", day)]
        let before = try names.map { try archive.read($0) }
        _ = try erase([(0, 2)])
        for (name, bytes) in zip(names, before) { try archive.save(bytes, name) }
        try archive.expect(["record_unused acme 1"])
    }

    // MARK: Keys

    @Test func aNewKeyIsTrustedWhenTheOldOneNamesIt() throws {
        let next = try SigningKey(name: "daybook-next")
        let last = VerifArchive.lastDay
        for tenant in ["acme", "globex"] { try archive.sign(archive.readManifest(tenant, last), key: next) }
        // Nothing that can be trusted says what the last day holds.
        try archive.expect([
            "not_compared acme 4", "not_compared globex 4", "signed_by_another_key acme 4", "signed_by_another_key globex 4",
        ])
        try archive.expect([], .good, keys: [archive.key.verifier, next.verifier])
        try record(KeyRecord(key: next.verifier, at: 0), "key-1", key: SigningKey(name: "stranger"), folder: archive.path)
        #expect(try archive.verify().brief.contains("signed_by_another_key acme 4"))
        try record(KeyRecord(key: next.verifier, at: 0), "key-1", folder: archive.path)
        try archive.expect(["key_changed"], .good)
    }
}
