import EventModel
import Foundation
import Testing

@testable import Archive

/// Manifests, checkpoints, days and whole histories.
@Suite struct VerifHistoryTests {
    let archive: VerifArchive
    let day = VerifArchive.firstDay + 1

    init() throws { archive = try VerifArchive() }

    // MARK: Manifests

    @Test func aChangedManifestIsNamed() throws {
        try archive.patch(archive.manifest("acme", day)) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            bytes = Array(text.replacing("\"activity\": 27", with: "\"activity\": 28").utf8)
        }
        try archive.expect(["manifest_changed acme 1"])
    }

    @Test func everyFlippedByteOfNotesAndManifestsIsFound() throws {
        for path in [archive.manifest("acme", day), archive.checkpoint("acme", day)] {
            let original = try archive.read(path)
            for at in stride(from: 0, to: original.count, by: 29) {
                var bytes = original
                bytes[at] ^= 1
                try archive.save(bytes, path)
                let report = try archive.verify([archive.folder("acme")])
                #expect(report.result == .tampered && report.findings.allSatisfy { $0.day == day }, "\(path) byte \(at): \(report.brief)")
            }
            try archive.save(original, path)
        }
    }

    @Test func aMissingManifestIsNamedAndItsEventsAreHeldAgainstTheTree() throws {
        try archive.remove(archive.manifest("acme", day))
        let report = try archive.expect(["manifest_missing acme 1"])
        #expect(report.tenants[0].events == Int(archive.tenants[0].lastSeq))
        try archive.edit("acme", day) { $0[1][3][200] ^= 1 }
        try archive.expect(["manifest_missing acme 1", "tree_broken acme 1"])
    }

    @Test func aManifestThatNamesAnotherDayBeforeBreaksTheChain() throws {
        var manifest = try archive.readManifest("acme", day + 1)
        manifest.previous?.digest.words.0 ^= 1
        let digest = try archive.sign(manifest)
        var next = try archive.readManifest("acme", day + 2)
        next.previous?.digest = digest
        try archive.sign(next)
        try relink(from: day + 3)
        try archive.expect(["chain_broken acme 2"])
    }

    @Test func aTreeThatDoesNotGoOnIsNamed() throws {
        // The last day, signed with the right key, over a tree that begins elsewhere.
        var manifest = try archive.readManifest("acme", VerifArchive.lastDay)
        var tree = CompactRange()
        for leaf in 0..<manifest.tree.firstLeaf { tree.append(leafHash: MerkleHash.leaf([UInt8(leaf & 255)])) }
        manifest.tree = Manifest.Tree(before: tree, nodes: manifest.tree.nodes)
        try archive.sign(manifest)
        try archive.expect(["tree_broken acme 4"])
    }

    // MARK: Checkpoints

    @Test func aMissingCheckpointIsNamed() throws {
        try archive.remove(archive.checkpoint("acme", day))
        let report = try archive.expect(["checkpoint_missing acme 1"])
        // The next day's manifest vouches for this one's, so its lines are still told from others.
        #expect(report.tenants[0].events == Int(archive.tenants[0].lastSeq))
    }

    @Test func aChangedCheckpointIsNamed() throws {
        try archive.patch(archive.checkpoint("acme", day)) { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            bytes = Array(text.replacing("day 2026-11-19", with: "day 2026-11-18").utf8)
        }
        try archive.expect(["checkpoint_changed acme 1"])
    }

    @Test func whatAnotherKeySignedIsNamedByThatKey() throws {
        let stranger = try SigningKey(name: "stranger")
        try archive.sign(archive.readManifest("acme", day), key: stranger)
        let report = try archive.expect(["signed_by_another_key acme 1"])
        #expect(report.findings[0].text.contains("stranger+" + VerifierKey.text(id: stranger.verifier.id)))
        #expect(report.findings[0].text.contains(archive.key.name + "+" + VerifierKey.text(id: archive.key.verifier.id)))
    }

    @Test func aDayThatIsWrittenAnewWithAnotherKeyIsNamed() throws {
        let last = VerifArchive.lastDay
        try archive.edit("acme", last) { $0[1][3][200] ^= 1 }
        // Same name as the real key, another id.
        try archive.sign(archive.readManifest("acme", last), key: SigningKey(name: archive.key.name))
        let report = try archive.verify()
        #expect(report.brief.contains("signed_by_another_key acme 4"))
        #expect(report.result == .tampered)
    }

    @Test func checkpointsThatChangedPlacesAreNamed() throws {
        try archive.swap(archive.checkpoint("acme", day), archive.checkpoint("acme", day + 1))
        try archive.expect(["folder_moved acme 1", "folder_moved acme 2"])
    }

    // MARK: Days

    @Test func foldersThatChangedPlacesAreNamed() throws {
        try archive.swap(archive.folder("acme", day), archive.folder("acme", day + 1))
        let brief = try archive.verify().brief
        #expect(brief.contains("folder_moved acme 1") && brief.contains("folder_moved acme 2"))
        #expect(brief.allSatisfy { $0.contains("acme 1") || $0.contains("acme 2") || $0.contains("acme 3") })
    }

    @Test func theFolderOfAnotherTenantIsNamed() throws {
        try archive.swap(archive.folder("acme", day), archive.folder("globex", day))
        let brief = try archive.verify().brief
        #expect(brief.contains("folder_moved acme 1") && brief.contains("folder_moved globex 1"))
    }

    @Test func aMissingDayIsNamed() throws {
        try archive.remove(archive.folder("acme", day))
        try archive.expect(["day_missing acme 1"])
    }

    @Test func aMissingQuietDayIsNamed() throws {
        try archive.remove(archive.folder("globex", VerifArchive.quietDay))
        try archive.expect(["day_missing globex 3"])
    }

    @Test func missingFirstDaysAreNamedUnlessOnlyAPartIsHere() throws {
        try archive.remove(archive.folder("acme", day - 1))
        try archive.expect(["day_missing acme 0"])
        try archive.expect(["incomplete acme 1"], .incomplete, isPartial: true)
        try archive.expect(["incomplete acme 1"], .incomplete, paths: [archive.folder("acme", day)])
    }

    @Test func daysThatDoNotFollowEachOtherAreAPart() throws {
        let paths = [0, 2].map { archive.folder("acme", VerifArchive.firstDay + $0) }
        try archive.expect(["incomplete acme 2"], .incomplete, paths: paths)
        try archive.remove(archive.folder("acme", day))
        try archive.expect(["incomplete acme 2"], .incomplete, isPartial: true)
        try archive.expect(["day_missing acme 1"])
        // What the days say of each other still counts.
        try archive.edit("acme", day + 1) { $0[1][3][300] ^= 1 }
        let seq = try archive.readManifest("acme", day + 1).contents!.firstSeq + 11
        try archive.expect(["incomplete acme 2", "line_changed acme 2 b2 \(seq)"], isPartial: true)
    }

    @Test func aMissingEventsFileIsNamed() throws {
        try archive.remove(archive.events("acme", day))
        try archive.expect(["events_missing acme 1"])
    }

    @Test func eventsOfAQuietDayAreNamed() throws {
        try archive.save(archive.read(archive.events("acme", day)), archive.events("acme", VerifArchive.quietDay))
        try archive.expect(["events_unexpected acme 3"])
    }

    @Test func extraFilesAreNamed() throws {
        try archive.save([1], archive.folder("acme", day) + "/events2.ndjson.gz")
        try archive.save([1], archive.folder("globex") + "/note.txt")
        try archive.save([1], archive.folder("globex") + "/.day=2026-11-23.sealing/events.ndjson.gz")
        try archive.expect(["file_extra acme 1", "file_extra globex"])
    }

    // MARK: History

    @Test func anArchiveThatEndsEarlyIsFoundByAKnownCheckpoint() throws {
        let known = archive.root + "/known"
        try archive.save(archive.read(archive.checkpoint("acme", VerifArchive.lastDay)), known)
        try archive.expect([], .good, checkpoints: [known])
        try archive.remove(archive.folder("acme", VerifArchive.lastDay))
        try archive.expect([], .good)
        let report = try archive.expect(["rolled_back acme 3"], checkpoints: [known])
        #expect(report.findings[0].text.contains("2026-11-22"))
    }

    @Test func anArchiveThatEndsEarlyIsFoundByAnHourlyCheckpoint() throws {
        let hour = VerifArchive.lastDay * 24 + 13
        let tree = archive.tenants[0].tree
        try hourly(hour, size: tree.size, root: tree.root)
        let late = (VerifArchive.lastDay + 1) * 24 + 9
        try hourly(late, size: tree.size + 3, root: MerkleHash.leaf([1]))
        // The open day's own checkpoint is ahead of what is sealed.
        try archive.expect([], .good)
        try archive.remove(archive.folder("acme", VerifArchive.lastDay))
        try archive.expect(["rolled_back acme 3"])
    }

    @Test func aTenantWithoutOneDayIsFoundByItsHourlyCheckpoints() throws {
        for day in VerifArchive.firstDay...VerifArchive.lastDay { try archive.remove(archive.folder("acme", day)) }
        // Nothing tells it from a tenant that is new; then a day is late.
        try hourly(VerifArchive.firstDay * 24 + 5, size: 3, root: MerkleHash.leaf([1]))
        try archive.expect([], .good)
        try hourly((VerifArchive.firstDay + 1) * 24 + 5, size: 30, root: MerkleHash.leaf([2]))
        try archive.expect(["rolled_back acme -1"])
    }

    @Test func aPartIsNotHeldAgainstLaterCheckpoints() throws {
        try hourly((VerifArchive.lastDay + 1) * 24 + 5, size: 500, root: MerkleHash.leaf([1]))
        try archive.expect(["incomplete acme 1"], .incomplete, paths: [archive.folder("acme", day)])
        let known = archive.checkpoint("acme", VerifArchive.lastDay)
        try archive.expect(
            ["incomplete acme 1", "not_compared acme 1"], .incomplete, paths: [archive.folder("acme", day)], checkpoints: [known])
    }

    @Test func aSignedManifestThatContradictsItselfIsNamed() throws {
        var manifest = try archive.readManifest("acme", VerifArchive.lastDay)
        manifest.contents?.blocks[1].firstSeq += 1
        try archive.sign(manifest)
        try archive.expect(["manifest_wrong acme 4"])
    }

    @Test func anOlderCheckpointInTheMiddleOfADayIsCompared() throws {
        let manifest = try archive.readManifest("acme", day)
        var tree = manifest.tree.before
        for line in try archive.members(archive.events("acme", day)).blocks[0].lines { tree.append(leafHash: MerkleHash.leaf(line)) }
        try hourly(day * 24 + 5, size: tree.size, root: tree.root)
        try archive.expect([], .good)
        try hourly(day * 24 + 6, size: tree.size + 1, root: tree.root)
        try archive.expect(["forked acme 4"])
    }

    @Test func anotherHistoryOfTheSameKeyIsFoundByAKnownCheckpoint() throws {
        let other = try VerifArchive(key: archive.key, salt: "x")
        try other.expect([], .good)
        let known = other.checkpoint("acme", day)
        let report = try archive.expect(["forked acme 4"], checkpoints: [known])
        #expect(report.findings[0].path == known)
    }

    @Test func anotherManifestOfTheSameDayIsFoundByAKnownCheckpoint() throws {
        let last = VerifArchive.lastDay
        let known = archive.root + "/known"
        try archive.save(archive.read(archive.checkpoint("acme", last)), known)
        var manifest = try archive.readManifest("acme", last)
        manifest.software = "another version"
        try archive.sign(manifest)
        try archive.expect([], .good)
        try archive.expect(["forked acme 4"], checkpoints: [known])
    }

    @Test func aKnownCheckpointMustBeSignedAndOfATenantThatIsHere() throws {
        let known = archive.root + "/known"
        try archive.save(SigningKey(name: "stranger").sign("o/tenant=acme\n1\n\(MerkleHash.empty.base64)\n").encoded(), known)
        try archive.expect(["signed_by_another_key"], checkpoints: [known])
        try archive.save(archive.key.sign("o/tenant=other\n0\n\(MerkleHash.empty.base64)\n").encoded(), known)
        try archive.expect(["not_compared other"], .incomplete, checkpoints: [known])
    }

    @Test func aRenamedCopyOfATenantIsThatTenant() throws {
        let tree = try archive.readManifest("acme", VerifArchive.firstDay).tree
        try hourly(VerifArchive.firstDay * 24 + 24, size: tree.size, root: tree.root)
        let copy = archive.root + "/copy"
        try FileManager.default.copyItem(atPath: archive.folder("acme"), toPath: copy)
        let report = try archive.expect([], .good, paths: [copy])
        #expect(report.tenants.map(\.name) == ["acme"])
        // A day of another tenant in it is still found.
        let name = Timestamp(milliseconds: day * 86_400_000).day
        try archive.remove(copy + "/day=" + name)
        try FileManager.default.copyItem(atPath: archive.folder("globex", day), toPath: copy + "/day=" + name)
        let mixed = try archive.verify([copy])
        #expect(mixed.findings.contains { $0.kind == .folderMoved && $0.tenant == "acme" && $0.day == day })
    }

    private func hourly(_ hour: Int64, size: UInt64, root: Digest) throws {
        let checkpoint = Checkpoint.open(origin: archive.key.name, tenant: "acme", hour: hour, size: size, root: root)
        let name = String(Timestamp(milliseconds: hour * 3_600_000).description.prefix(13))
        try archive.save(archive.key.sign(checkpoint.text).encoded(), archive.folder("acme") + "/_hourly/" + name)
    }

    /// Signs the days from `day` on again, each naming the one before.
    private func relink(from day: Int64) throws {
        for day in day...VerifArchive.lastDay {
            var manifest = try archive.readManifest("acme", day)
            manifest.previous?.digest = Digest(of: try archive.read(archive.manifest("acme", day - 1)))
            try archive.sign(manifest)
        }
    }
}
