import EventModel
import Logging
import SystemPackage

/// Finds out, when the journal is opened, where numbering goes on and where to write.
///
/// The newest segment alone is enough: its head carries the tenant table, its frames what came after. Only when that
/// head is damaged are older ones read too. Older segments are otherwise checked when somebody reads them.
struct Recovery {
    private let folder: SegmentFolder
    private let node: UInt16
    private let logger: Logger
    /// What the stores have applied: everything below was committed once.
    private let committedEnd: UInt64

    private(set) var report = RecoveryReport()
    private(set) var segments: [SegmentCatalogue.Segment] = []
    private var numbering = TenantNumbering()
    private(set) var position: UInt64
    private(set) var lastReceived: Int64 = 0

    var tenants: [TenantState] { numbering.dense }

    init(_ configuration: JournalConfiguration, folder: SegmentFolder, floor: JournalFloor, logger: Logger) throws(JournalError) {
        self.folder = folder
        self.node = configuration.node
        self.logger = logger
        committedEnd = floor.position
        position = 0
        lastReceived = floor.received
        for tenant in floor.tenants {
            try numbering.merge(name: tenant.name, number: tenant.number, lastSeq: tenant.lastSeq)
        }
        let names = try names()
        let newest = try newestWholeHead(names)
        for (index, name) in names.enumerated() {
            if index < newest { try list(name) } else { try read(name, isNewest: index == names.count - 1) }
        }
        position = max(position, floor.position)
        report.segments = segments.count
    }

    /// The file to append to, cut to its last good frame and synced: what this process found is now also what a power
    /// cut would leave.
    mutating func openActive() throws(JournalError) -> any JournalFile {
        guard let active = segments.last else { return try createFirst() }
        do throws(FileFault) {
            let file = try folder.files.open(active.path, creating: false)
            if try file.size() != active.committedBytes { try file.truncate(to: active.committedBytes) }
            try file.sync()
            return file
        } catch { throw JournalError(error, active.path) }
    }

    private mutating func createFirst() throws(JournalError) -> any JournalFile {
        let path = folder.path(ofSegment: position)
        let header = SegmentHeader(
            node: node, firstPosition: position, created: folder.now().milliseconds, lastReceived: lastReceived, tenants: tenants)
        do throws(FileFault) {
            let (file, length) = try folder.create(header)
            segments.append(SegmentCatalogue.Segment(firstPosition: position, path: path, committedBytes: length))
            return file
        } catch { throw JournalError(error, path) }
    }

    private func names() throws(JournalError) -> [String] {
        do throws(FileFault) {
            try folder.files.createFolder(folder.path)
            let all = try folder.files.names(in: folder.path)
            for name in all where name.hasSuffix(SegmentName.repairingSuffix) { try folder.files.remove(folder.path.appending(name)) }
            return all.filter { SegmentName.position($0) != nil }.sorted()
        } catch { throw JournalError(error, folder.path) }
    }

    private func newestWholeHead(_ names: [String]) throws(JournalError) -> Int {
        var index = names.count - 1
        while index > 0 {
            if try bytes(of: names[index]).withBytes({ SegmentHeader($0) != nil }) { return index }
            index -= 1
        }
        return max(0, index)
    }

    private func bytes(of name: String) throws(JournalError) -> SegmentBytes {
        let path = folder.path.appending(name)
        let bytes: SegmentBytes
        do throws(FileFault) { bytes = try folder.bytes(of: path) } catch { throw JournalError(error, path) }
        if let version = bytes.withBytes({ SegmentHeader.foreignVersion($0) }) {
            throw .unsupportedVersion(path: path.string, version: version)
        }
        return bytes
    }

    private mutating func list(_ name: String) throws(JournalError) {
        let path = folder.path.appending(name)
        do throws(FileFault) {
            let committed = try folder.cutZeros(behind: path)
            segments.append(SegmentCatalogue.Segment(firstPosition: SegmentName.position(name)!, path: path, committedBytes: committed))
        } catch { throw JournalError(error, path) }
    }

    private mutating func read(_ name: String, isNewest: Bool) throws(JournalError) {
        let first = SegmentName.position(name)!
        let path = folder.path.appending(name)
        let content = try bytes(of: name)
        let header = content.withBytes { SegmentHeader($0) }
        if let header { try merge(header) }
        let start = header == nil ? 0 : content.withBytes { SegmentHeader.length($0) }!
        var segment = SegmentCatalogue.Segment(firstPosition: first, path: path, committedBytes: start)

        var named: [(number: UInt32, name: String)] = []
        var scan = content.withBytes { bytes in
            SegmentScan(bytes, from: start, position: first) { frame, offset in
                named.append(contentsOf: frame.names)
                segment.note(position: frame.header.firstPosition, offset: offset)
                raise(frame)
            }
        }
        for tenant in named { try numbering.merge(name: tenant.name, number: tenant.number, lastSeq: 0) }
        report.frames += scan.frames
        report.events += scan.events
        position = max(position, max(first, scan.endPosition))
        segment.committedBytes = scan.end

        let size = content.withBytes { $0.count }
        if header == nil, scan.frames == 0, size <= newHead(first).encoded().count, committedEnd <= first {
            return try removeUnfinished(path, bytes: size)
        }
        if isNewest { content.withBytes { suspectTail($0, &scan) } }
        if header != nil, scan.damage.isEmpty, scan.tornBytes == 0 || isNewest {
            if scan.tornBytes > 0 { reportTorn(path, bytes: scan.tornBytes) }
        } else {
            try repair(&segment, content, scan, header: header)
        }
        segments.append(segment)
    }

    /// A tail that no crash of ours leaves behind is damage: a frame of which every sector was written with a wrong
    /// checksum, or one whose events a store has already applied, which happens only after its sync. Its bytes are kept
    /// aside like those of any damage.
    private func suspectTail(_ bytes: UnsafeRawBufferPointer, _ scan: inout SegmentScan) {
        var lostEnd = max(committedEnd, scan.endPosition)
        var isDamage = committedEnd > scan.endPosition
        if scan.tornBytes > 0, let frame = FrameHeader(UnsafeRawBufferPointer(rebasing: bytes[scan.end...])),
            frame.frameLength <= scan.tornBytes, frame.firstPosition >= scan.endPosition, frame.events <= Limits.bodyBytes
        {
            isDamage = isDamage || !UnfinishedFrame.lacksSectors(bytes, in: scan.end..<scan.end + frame.frameLength)
            lostEnd = max(lostEnd, frame.endPosition)
        }
        guard isDamage else { return }
        scan.damage.append(SegmentScan.Damage(bytes: scan.end..<bytes.count, lostPositions: scan.endPosition..<lostEnd))
        scan.tornBytes = 0
    }

    private mutating func merge(_ header: SegmentHeader) throws(JournalError) {
        for (number, tenant) in header.tenants.enumerated() {
            try numbering.merge(name: tenant.name, number: UInt32(number), lastSeq: tenant.lastSeq)
        }
        lastReceived = max(lastReceived, header.lastReceived)
    }

    private mutating func raise(_ frame: FrameView) {
        for tenant in frame.names { try? numbering.merge(name: tenant.name, number: tenant.number, lastSeq: 0) }
        for index in 0..<frame.header.events {
            numbering.raise(number: frame.tenant(ofEvent: index), lastSeq: frame.seq(ofEvent: index)) {
                CanonicalTenant.name(in: frame.batch(from: frame.header.firstPosition + UInt64(index), limit: 1).lines)
            }
        }
        lastReceived = max(lastReceived, frame.header.received)
    }

    private func newHead(_ first: UInt64) -> SegmentHeader {
        SegmentHeader(node: node, firstPosition: first, created: folder.now().milliseconds, lastReceived: 0, tenants: tenants)
    }

    /// A segment whose making was cut short: too small to hold a frame, so nothing of it was acknowledged.
    private mutating func removeUnfinished(_ path: FilePath, bytes: Int) throws(JournalError) {
        do throws(FileFault) {
            try folder.files.remove(path)
            try folder.files.syncFolder(folder.path)
        } catch { throw JournalError(error, path) }
        reportTorn(path, bytes: bytes)
    }

    private mutating func reportTorn(_ path: FilePath, bytes: Int) {
        report.tornBytes += bytes
        report.tornSegment = path.string
        logger.notice("cut off a frame that was not finished", metadata: ["file": "\(path)", "bytes": "\(bytes)"])
    }

    private mutating func repair(
        _ segment: inout SegmentCatalogue.Segment, _ content: SegmentBytes, _ scan: SegmentScan, header: SegmentHeader?
    ) throws(JournalError) {
        var head = header ?? newHead(segment.firstPosition)
        // Names may have stood only in a frame that is lost.
        let known = tenants
        head.tenants += known.dropFirst(head.tenants.count).map { TenantState(name: $0.name, lastSeq: header == nil ? $0.lastSeq : 0) }
        let quarantined = try folder.repair(&segment, content, scan, head: head, hasHead: header != nil)
        report.quarantined.append(quarantined)
        logger.critical(
            "a journal segment is damaged; its bytes are kept, its good frames go on",
            metadata: [
                "file": "\(quarantined.file)", "kept_as": "\(quarantined.keptAs)", "offset": "\(quarantined.offset)",
                "lost_positions": "\(quarantined.lostPositions)",
            ])
    }
}

extension SegmentFolder {
    /// Puts a file with the good frames in the segment's place and says what was lost.
    func repair(
        _ segment: inout SegmentCatalogue.Segment, _ content: SegmentBytes, _ scan: SegmentScan, head: SegmentHeader, hasHead: Bool
    ) throws(JournalError) -> QuarantinedSegment {
        do throws(FileFault) {
            let replaced = try content.withBytes { (bytes) throws(FileFault) in
                try SegmentRepair.replace(segment.path, bytes: bytes, good: scan.good, header: head, at: now(), files: files)
            }
            segment.committedBytes = replaced.length
            segment.marks = []
            return QuarantinedSegment(
                file: segment.path.string, keptAs: path.appending(replaced.keptAs).string,
                offset: hasHead ? scan.damage.first?.bytes.lowerBound ?? scan.end : 0,
                lostPositions: scan.damage.map(\.lostPositions).filter { !$0.isEmpty },
                reason: hasHead ? "checksum of a frame does not match" : "checksum of the head does not match")
        } catch { throw JournalError(error, segment.path) }
    }
}

/// The tenant's name out of a canonical line, where nothing else knows it any more.
enum CanonicalTenant {
    static func name(in line: [UInt8]) -> String? {
        let key = Array("\"tenant\":\"".utf8)
        // Behind seq, id, received and time, all of bounded length (see CanonicalSchema's order).
        guard let start = (0..<min(200, max(0, line.count - key.count))).first(where: { line[$0...].starts(with: key) }) else { return nil }
        let name = line[(start + key.count)...].prefix { $0 != UInt8(ascii: "\"") }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }
}
