import Foundation
import Testing

@testable import Archive

/// Entries that somebody put into an archive, or in place of its own: what they hide is a finding, the rest is checked.
@Suite struct VerifPlantedTests {
    let archive: VerifArchive
    let day = VerifArchive.firstDay + 1

    init() throws { archive = try VerifArchive() }

    private func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    @Test func oneEntryThatCannotBeReadHidesNothingElse() throws {
        try archive.edit("globex", day) { $0[1][3][300] ^= 1 }
        let seq = try archive.readManifest("globex", day).contents!.firstSeq + 11
        for name in ["_hourly", "_records"] {
            let folder = archive.folder("acme") + "/" + name
            try makeFolder(folder + "/x")
            try archive.expect(["unreadable acme", "line_changed globex 1 b2 \(seq)"])
            try archive.remove(folder)
        }
        // Records of all tenants.
        try makeFolder(archive.path + "/_records/x")
        try archive.expect(["unreadable", "line_changed globex 1 b2 \(seq)"])
        try archive.remove(archive.path + "/_records")
        for path in [archive.manifest("acme", day), archive.checkpoint("acme", day)] {
            let original = try archive.read(path)
            try archive.remove(path)
            try makeFolder(path)
            let folder = try archive.verify()
            try archive.remove(path)
            #expect(mkfifo(path, 0o600) == 0)
            let fifo = try archive.verify()
            for report in [folder, fifo] {
                #expect(report.findings.contains { $0.kind == .unreadable && $0.path == path && $0.day == day })
                #expect(report.findings.contains { $0.kind == .lineChanged && $0.tenant == "globex" })
                #expect(!report.findings.contains { $0.kind == .manifestMissing || $0.kind == .checkpointMissing })
            }
            try archive.remove(path)
            try archive.save(original, path)
        }
    }

    @Test func whatIsNoFolderOfRecordsOrCheckpointsIsNotTakenForNone() throws {
        for path in [archive.folder("acme") + "/_hourly", archive.folder("acme") + "/_records", archive.path + "/_records"] {
            let finding = path.hasPrefix(archive.folder("acme")) ? "unreadable acme" : "unreadable"
            try archive.save(Array("x".utf8), path)
            try archive.expect([finding], .unreadable)
            try archive.remove(path)
            for target in ["nowhere", path] {
                #expect(symlink(target, path) == 0)
                try archive.expect([finding], .unreadable)
                #expect(unlink(path) == 0)
            }
        }
    }

    @Test func aTenantOfWhichNothingIsLeftIsNamed() throws {
        let known = archive.root + "/known"
        try archive.save(archive.read(archive.checkpoint("acme", VerifArchive.lastDay)), known)
        let folder = archive.folder("acme")
        let aside = archive.root + "/aside"
        try FileManager.default.moveItem(atPath: folder, toPath: aside)
        // Nothing but the checkpoint tells that there was such a tenant; of a part of the archive it says nothing.
        try archive.expect(["rolled_back acme"], checkpoints: [known])
        try archive.expect(["not_compared acme"], .incomplete, checkpoints: [known], isPartial: true)
        try archive.expect(["not_compared acme"], .incomplete, paths: [archive.folder("globex")], checkpoints: [known])
        // An empty folder.
        try makeFolder(folder)
        try archive.expect(["day_missing acme"])
        try archive.expect(["day_missing acme"], paths: [folder])
        try archive.remove(folder)
        // A file, a link that leads nowhere, a name that is not UTF-8.
        try archive.save([], folder)
        try archive.expect(["file_extra"])
        try archive.expect(["file_extra", "rolled_back acme"], checkpoints: [known])
        try archive.remove(folder)
        #expect(symlink("nowhere", folder) == 0)
        try archive.expect(["file_extra"])
        #expect(unlink(folder) == 0)
        let name = Array((archive.path + "/tenant=").utf8) + [0xFF, 0]
        #expect(name.withUnsafeBytes { rename(aside, $0.baseAddress!.assumingMemoryBound(to: CChar.self)) } == 0)
        try archive.expect(["file_extra"])
        #expect(name.withUnsafeBytes { rename($0.baseAddress!.assumingMemoryBound(to: CChar.self), folder) } == 0)
        try archive.expect([], .good, checkpoints: [known])
    }
}
