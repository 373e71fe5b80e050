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
}
