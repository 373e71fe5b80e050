import Crypto
import EventModel

/// Verifies the events file of one day.
struct DayEvents {
    private(set) var findings: [Finding] = []
    private(set) var strays: [SeenLine] = []
    private(set) var events = 0
    private(set) var bytes = 0
    private(set) var fileBytes = 0
    /// Whether the lines are those of the signed tree.
    private(set) var isGood = false
    private(set) var roots: [UInt64: Digest] = [:]
    private let folder: DayFolder
    private let path: String

    /// Reads the file. `tree`: size and root at the end of the day, as signed; `before`: the tree to begin with, `nil` when it is
    /// not known. `rootsWanted`: ascending sizes at which the tree's root is asked for. Throws what cannot be read.
    init(
        _ folder: DayFolder, isManifestTrusted: Bool, tree: (size: UInt64, root: Digest)?, before: CompactRange?, records: RecordShelf,
        rootsWanted: [UInt64], progress: (Int) -> Void
    ) throws {
        self.folder = folder
        path = folder.path + "/" + DayFolder.eventsName
        let source = try LocalFile(path: path)
        fileBytes = source.count
        let manifest = isManifestTrusted ? try folder.wholeManifest() : nil
        let erasures = try erasures(records)
        let checks = try manifest?.contents.flatMap { try LineChecks.read(source, digest: $0.lineChecksDigest) }
        let expected = manifest.flatMap { manifest in manifest.contents.flatMap { ExpectedLines(manifest, $0, checks: checks) } }
        if manifest != nil, expected == nil { add(.manifestWrong, "The blocks of the signed manifest do not have the seqs that it says.") }
        let outcome = try FileVerifier(
            source: source, tenant: folder.tenant, day: folder.day, expected: expected, erasures: erasures,
            before: manifest?.tree.before ?? before ?? CompactRange(), rootsWanted: rootsWanted
        ).run(progress: progress)
        events = outcome.events
        bytes = outcome.bytes
        roots = outcome.roots
        if let expected {
            let judgement = LineJudgement(outcome.evidence, expected: expected, path: path)
            findings += judgement.findings
            strays = judgement.strays
        } else {
            judgeWithoutManifest(outcome, tree: tree, isBeforeKnown: before != nil)
        }
        if let manifest, let contents = manifest.contents {
            judgeWhole(outcome, manifest, contents, erasures: records, tree: tree)
            try judgeBytes(source, contents)
        }
        isGood = tree.map { $0.size == outcome.tree.size && $0.root == outcome.tree.root } ?? false
    }

    private mutating func judgeWithoutManifest(_ outcome: FileVerifier.Outcome, tree: (size: UInt64, root: Digest)?, isBeforeKnown: Bool) {
        for damage in outcome.evidence.damages {
            add(.blockDamaged, "Bytes \(damage.offset) to \(damage.offset + damage.length) are damaged: \(damage.reason).")
        }
        guard let tree, isBeforeKnown else {
            add(.notCompared, .notice, "\(outcome.events) events were read, but nothing trusted says what was sealed.")
            return
        }
        if outcome.tree.size != tree.size || outcome.tree.root != tree.root {
            add(.treeBroken, "The lines are not those that were signed; without a trusted manifest nobody can tell which.")
        }
    }

    private mutating func erasures(_ records: RecordShelf) throws -> LineErasures {
        var erasures = LineErasures()
        for name in folder.manifest?.erasures ?? [] {
            guard let record = records.erasures[name] else {
                add(.recordMissing, "The manifest names the erasure record \(name), which is not there or does not count.")
                continue
            }
            guard record.day == folder.day else {
                add(.recordMissing, "The erasure record \(name) is one of another day.")
                continue
            }
            let broken = erasures.add(record)
            if !broken.isEmpty {
                let seqs = Finding.ranges(broken)
                add(.recordForged, "The erasure record \(name) does not go on where the one before it ended, at \(Finding.text(seqs)).")
            }
            let seqs = Finding.ranges(record.changes.map(\.seq))
            let when = Timestamp(milliseconds: record.at)
            add(
                .erased, .info,
                "Values in \(record.changes.count) lines (\(Finding.text(seqs))) were erased on \(when): \(record.reason). "
                    + "The day's root was \(record.rootBefore.base64) and with the lines as they are it is \(record.rootAfter.base64).",
                seqs: seqs)
        }
        return erasures
    }

    /// What no single line shows.
    private mutating func judgeWhole(
        _ outcome: FileVerifier.Outcome, _ manifest: Manifest, _ contents: Manifest.Contents, erasures: RecordShelf,
        tree: (size: UInt64, root: Digest)?
    ) {
        guard findings.allSatisfy({ $0.severity < .critical }) else { return }
        if outcome.tree != manifest.tree.after || tree.map({ $0.root != outcome.tree.root }) ?? false {
            add(.treeBroken, "The lines are those of the manifest, but not those of the signed tree.")
        }
        if let now = outcome.treeNow, let last = manifest.erasures.last.flatMap({ erasures.erasures[$0] }), now.root != last.rootAfter {
            add(.recordForged, "The last erasure record tells another root for the lines as they are now.")
        }
        if outcome.digest != contents.digest || outcome.bytes != contents.bytes || outcome.events != contents.events {
            add(
                .fileChanged,
                "All lines are those that were sealed, but not the bytes between them: sha256 of the content is \(outcome.digest.hex).")
        }
    }

    private mutating func judgeBytes(_ source: LocalFile, _ contents: Manifest.Contents) throws {
        var hash = SHA256()
        let piece = 1 << 20
        for start in stride(from: 0, to: source.count, by: piece) {
            hash.update(data: try source.read(start..<min(start + piece, source.count)))
        }
        let digest = Digest(hash.finalize())
        guard digest != contents.file.digest, findings.allSatisfy({ $0.severity < .warning }) else { return }
        let isOurs = try source.read(0..<min(source.count, IndexMember.dataMagic.count)) == IndexMember.dataMagic
        let faults = isOurs ? try LineChecks.faults(source) : []
        guard faults.isEmpty else {
            add(.indexDamaged, .warning, "All lines are as they were sealed, but the index is damaged: \(faults.joined(separator: "; ")).")
            return
        }
        add(
            .fileChanged, .warning,
            "All lines are as they were sealed, but the file is not: bytes of gzip headers or of the index differ, or it was compressed again. "
                + "Its sha256 is \(digest.hex).")
    }

    private mutating func add(_ kind: Finding.Kind, _ text: String) { add(kind, .critical, text) }

    private mutating func add(_ kind: Finding.Kind, _ severity: Finding.Severity, _ text: String, seqs: [ClosedRange<UInt64>] = []) {
        findings.append(Finding(kind, severity, tenant: folder.tenant, day: folder.day, path: path, seqs: seqs, text))
    }
}
