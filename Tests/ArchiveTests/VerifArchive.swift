import EventModel
import Foundation
import Testing

@testable import Archive
@testable import EventStore

/// A small sealed archive on disk, made from lines of its own: two tenants, days of a few blocks of eight lines, one of them
/// quiet. Tests then change its files byte by byte.
final class VerifArchive {
    struct Tenant {
        var name: String
        var number: UInt32
        var tree = CompactRange()
        var lastSeq: UInt64 = 0
        var previous: Manifest.Previous?
    }

    static let firstDay: Int64 = 20_775
    static let quietDay: Int64 = 20_778
    static let lastDay: Int64 = 20_779
    static let linesPerBlock = 8

    let root: String
    let key: SigningKey
    var tenants = [Tenant(name: "acme", number: 3), Tenant(name: "globex", number: 70_000)]
    /// Changes every line, for a history that differs.
    var salt = ""

    var path: String { root + "/archive" }

    /// Seals the days unless `isEmpty`.
    init(key: SigningKey? = nil, salt: String = "", isEmpty: Bool = false) throws {
        root = NSTemporaryDirectory() + "verif-\(UUID().uuidString)"
        self.key = try key ?? SigningKey(name: "daybook-test")
        self.salt = salt
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        if isEmpty { return }
        for day in Self.firstDay...Self.lastDay {
            for tenant in tenants.indices { try seal(tenant, day: day, count: day == Self.quietDay ? 0 : 22 + Int(day % 3) * 5) }
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    // MARK: Names

    func folder(_ tenant: String) -> String { path + "/tenant=" + tenant }
    func folder(_ tenant: String, _ day: Int64) -> String { folder(tenant) + "/day=" + Timestamp(milliseconds: day * 86_400_000).day }
    func events(_ tenant: String, _ day: Int64) -> String { folder(tenant, day) + "/events.ndjson.gz" }
    func manifest(_ tenant: String, _ day: Int64) -> String { folder(tenant, day) + "/_manifest.json" }
    func checkpoint(_ tenant: String, _ day: Int64) -> String { folder(tenant, day) + "/_checkpoint" }

    // MARK: Sealing

    /// A canonical line of the tenant.
    func line(_ tenant: Tenant, day: Int64, seq: UInt64) -> [UInt8] {
        let received = day * 86_400_000 + Int64(seq) * 1000
        let id = EventID(received: received, node: 7, tenant: tenant.number, position: seq * 3)
        let time = Timestamp(milliseconds: received - 50)
        return Array(
            (#"{"seq":\#(seq),"id":"\#(id)","received":"\#(Timestamp(milliseconds: received))","time":"\#(time)","tenant":"\#(tenant.name)","#
                + #""kind":"activity","type":"contact.update","action":"update","outcome":"success","severity":"informational","#
                + #""actor":{"type":"user","id":"u\#(seq % 7)","name":"Ana \#(seq)\#(salt)","email":"u\#(seq % 7)@example.com"},"#
                + #""category":"contacts","summary":"changed \#(seq &* 2_654_435_761)"}"#).utf8)
    }

    /// `gap`: seqs that are lost before the first line.
    func seal(_ index: Int, day: Int64, count: Int, gap: UInt64 = 0) throws {
        var tenant = tenants[index]
        let folder = folder(tenant.name, day)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var contents: Manifest.Contents?
        var gaps: [ClosedRange<UInt64>] = []
        var nodes = CompactRange(begin: tenant.tree.end)
        if count > 0 {
            let first = tenant.lastSeq + 1 + gap
            let lines = (first..<first + UInt64(count)).map { line(tenant, day: day, seq: $0) }
            let written = try write(lines, tenant, day) { nodes.append(leafHash: $0) }
            contents = Self.contents(written)
            gaps = written.gaps
            tenant.lastSeq = written.lastSeq
        }
        let tree = Manifest.Tree(before: tenant.tree, nodes: nodes)
        let manifest = Manifest(
            tenant: tenant.name, day: day, contents: contents, gaps: gaps, tree: tree, previous: tenant.previous,
            sealedAt: (day + 1) * 86_400_000 + 900_000, software: "daybook test")
        tenant.tree = tree.after
        tenant.previous = Manifest.Previous(day: day, digest: try sign(manifest))
        tenants[index] = tenant
    }

    /// Writes the events file of whole blocks anew.
    @discardableResult
    func write(_ lines: [[UInt8]], _ tenant: Tenant, _ day: Int64, leaf: (Digest) -> Void = { _ in }) throws -> ArchiveContents {
        let path = events(tenant.name, day)
        try? FileManager.default.removeItem(atPath: path)
        let first = lines.first!.withUnsafeBytes { CanonicalLine($0)!.seq }
        let afterSeq = tenants.first { $0.name == tenant.name }!.lastSeq
        var writer = try ArchiveWriter(
            path: path, tenant: tenant.number, tenantName: tenant.name, day: day, afterSeq: min(afterSeq, first - 1))
        for start in stride(from: 0, to: lines.count, by: Self.linesPerBlock) {
            let block: [UInt8] = lines[start..<min(start + Self.linesPerBlock, lines.count)].flatMap { (line: [UInt8]) -> [UInt8] in
                line + [0x0A]
            }
            let member = Self.member(block)
            try block.withUnsafeBytes { lines in
                try member.withUnsafeBytes { member in try writer.add(member: member, lines: lines) { $0.leaves.forEach(leaf) } }
            }
        }
        return try writer.finish()
    }

    static func contents(_ written: ArchiveContents) -> Manifest.Contents {
        Manifest.Contents(
            events: written.events, bytes: written.bytes, firstSeq: written.firstSeq, lastSeq: written.lastSeq,
            firstReceived: written.firstReceived, lastReceived: written.lastReceived, minTime: written.minTime, maxTime: written.maxTime,
            firstPosition: written.firstPosition, lastPosition: written.lastPosition,
            file: Manifest.File(name: "events.ndjson.gz", bytes: written.fileBytes, digest: written.fileSHA256),
            digest: written.contentSHA256, lineChecksDigest: written.lineChecksSHA256,
            blocks: zip(written.blocks, written.blockHashes).map {
                Manifest.Block(firstSeq: $0.firstSeq, events: $0.events, bytes: $0.bytes, root: $1)
            }, counts: written.counts)
    }

    /// Writes manifest and checkpoint; answers the manifest's hash.
    @discardableResult
    func sign(_ manifest: Manifest, key: SigningKey? = nil) throws -> Digest {
        let bytes = manifest.encoded()
        let key = key ?? self.key
        let checkpoint = Checkpoint.sealed(
            origin: self.key.name, tenant: manifest.tenant, day: manifest.day, size: manifest.tree.size, root: manifest.tree.root,
            manifest: Digest(of: bytes))
        try save(bytes, self.manifest(manifest.tenant, manifest.day))
        try save(key.sign(checkpoint.text).encoded(), self.checkpoint(manifest.tenant, manifest.day))
        return Digest(of: bytes)
    }

    func readManifest(_ tenant: String, _ day: Int64) throws -> Manifest { try Manifest(json: read(manifest(tenant, day))) }

    // MARK: Changing

    func read(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

    func save(_ bytes: [UInt8], _ path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    func patch(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
        var bytes = try read(path)
        change(&bytes)
        try save(bytes, path)
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }

    func swap(_ one: String, _ other: String) throws {
        let aside = root + "/aside"
        try FileManager.default.moveItem(atPath: one, toPath: aside)
        try FileManager.default.moveItem(atPath: other, toPath: one)
        try FileManager.default.moveItem(atPath: aside, toPath: other)
    }

    /// Members of a file: where each data member lies, and its lines; and where the index begins.
    func members(_ path: String) throws -> (blocks: [(range: Range<Int>, lines: [[UInt8]])], index: Int) {
        var walker = ArchiveWalker(try LocalFile(path: path))
        var blocks: [(range: Range<Int>, lines: [[UInt8]])] = []
        var index: Int?
        while let step = try walker.next() {
            if case .lines(let lines) = step.part {
                blocks.append((step.offset..<step.offset + step.length, lines.split(separator: 0x0A).map { Array($0) }))
            } else {
                index = index ?? step.offset
            }
        }
        return (blocks, index!)
    }

    /// Changes the lines of blocks and deflates them again, as someone would who knows the format; the index stays as it is.
    func edit(_ tenant: String, _ day: Int64, level: Int = 6, _ change: (inout [[[UInt8]]]) -> Void) throws {
        let path = events(tenant, day)
        let (blocks, index) = try members(path)
        var lines = blocks.map(\.lines)
        change(&lines)
        let data = lines.filter { !$0.isEmpty }.flatMap { block in
            Self.member(block.flatMap { (line: [UInt8]) -> [UInt8] in line + [0x0A] }, level: level)
        }
        try save(data + (try read(path)[index...]), path)
    }

    static func member(_ lines: [UInt8], level: Int = 6) -> [UInt8] {
        let deflater = Deflater(level: level)
        var target = [UInt8](repeating: 0, count: deflater.largestMember(of: lines.count))
        let length = target.withUnsafeMutableBytes { target in lines.withUnsafeBytes { deflater.member(of: $0, into: target) } }
        return Array(target[..<length])
    }

    // MARK: Verifying

    /// Verifies and expects exactly these findings, as ``VerificationReport/brief`` writes them.
    @discardableResult
    func expect(
        _ findings: [String], _ result: VerificationReport.Result = .tampered, paths: [String]? = nil, keys: [VerifierKey]? = nil,
        checkpoints: [String] = [], isPartial: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> VerificationReport {
        let report = try verify(paths, keys: keys, checkpoints: checkpoints, isPartial: isPartial)
        let brief = report.brief
        #expect(brief == findings.sorted(), "\(report.findings.map(\.text))", sourceLocation: sourceLocation)
        #expect(report.result == result, sourceLocation: sourceLocation)
        return report
    }

    func verify(
        _ paths: [String]? = nil, keys: [VerifierKey]? = nil, checkpoints: [String] = [], isPartial: Bool = false
    ) throws -> VerificationReport {
        try ArchiveVerifier.verify(
            paths ?? [path], ArchiveVerifier.Options(keys: keys ?? [key.verifier], checkpoints: checkpoints, isPartial: isPartial))
    }
}

extension VerificationReport {
    /// Each finding as `kind tenant day block seqs`, what is not there left out, sorted.
    var brief: [String] {
        findings.map { finding in
            var parts = [finding.kind.rawValue]
            if let tenant = finding.tenant { parts.append(tenant) }
            if let day = finding.day { parts.append(String(day - VerifArchive.firstDay)) }
            if let block = finding.block { parts.append("b\(block)") }
            if !finding.seqs.isEmpty {
                parts.append(
                    finding.seqs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ","))
            }
            return parts.joined(separator: " ")
        }.sorted()
    }
}
