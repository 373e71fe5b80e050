import Crypto
import EventModel
import EventStore
import Foundation

/// Seals one tenant's day. In this order, so that a stop at any moment leaves either nothing or a whole day:
///
/// 1. in `.day=D.sealing`: the events file, synced, and read back from the disk
/// 2. the manifest and the checkpoint, each synced, then the folder
/// 3. the folder gets its name, `day=D`; the tenant's folder is synced
///
/// What is left under the first name is removed by the next attempt; what has the second is taken as it is.
struct TenantSeal {
    enum Step: CaseIterable, Sendable { case begun, written, readBack, described, renamed }

    struct Result: Sendable {
        var day: ArchivedDay
        var chain: TenantChain
        /// It was there already: an earlier seal was cut off behind the rename.
        var wasThere = false
        var copiedMembers = 0
        var cutMembers = 0
    }

    let folder: ArchiveFolder
    let key: SigningKey
    let software: String
    let memberBytes: Int
    let level: Int
    /// Milliseconds since 1970.
    let now: Int64
    /// Looked at between members.
    let stops: @Sendable () -> Bool
    let probe: @Sendable (Step, String) throws -> Void

    /// `chain`: of the day before; `nil` on the tenant's first day. `reader`: `nil` or without the tenant on a quiet day.
    func seal(_ tenant: StoredTenant?, name: String, number: UInt32, day: Int64, after chain: TenantChain?, from reader: StoredDayReader?)
        throws -> Result
    {
        let target = folder.folder(of: name, day: day)
        let unfinished = folder.unfinished(of: name, day: day)
        if folder.exists(target) { return try adopt(name: name, number: number, day: day, after: chain, expected: tenant) }
        try folder.make(folder.folder(of: name))
        if folder.exists(unfinished) { try folder.remove(folder: unfinished) }
        guard mkdir(unfinished, 0o700) == 0 else { throw ArchiveFileError(unfinished, "mkdir") }
        var isDone = false
        defer { if !isDone { try? folder.remove(folder: unfinished) } }
        try probe(.begun, name)
        let before = chain?.tree ?? CompactRange()
        let erasures = PendingErasures(folder: folder, key: key)
        let pending = try erasures.load(tenant: name, day: day)
        var tree = try GivenCheckpoints(
            before: before, openCheckpoints(of: name, day: day), erased: PendingErasures.originals(pending))
        var contents: Manifest.Contents?
        var gaps: [ClosedRange<UInt64>] = []
        var result = Result(day: quiet(name, number, day, before), chain: chain ?? Self.first(name, number, day))
        if let tenant, let reader {
            let path = unfinished + "/" + ArchiveFolder.events
            let written = try write(tenant, of: reader, to: path, after: chain?.lastSeq ?? 0, &tree, &result)
            try probe(.written, name)
            try readBack(path, written.fileSHA256)
            try probe(.readBack, name)
            contents = Manifest.Contents(written)
            gaps = written.gaps
        }
        try tree.finish()
        let signed = Manifest.Tree(before: before, nodes: tree.nodes)
        let manifest = Manifest(
            tenant: name, day: day, contents: contents, gaps: gaps, tree: signed,
            previous: chain.map { Manifest.Previous(day: $0.lastDay, digest: $0.manifest) },
            erasures: try erasures.settle(pending, signed: signed.root, now: tree.rootOfLines), sealedAt: now, software: software)
        let encoded = manifest.encoded()
        let digest = Digest(of: encoded)
        try folder.write(encoded, to: unfinished + "/" + ArchiveFolder.manifest)
        let checkpoint = Checkpoint.sealed(
            origin: key.name, tenant: name, day: day, size: manifest.tree.size, root: manifest.tree.root, manifest: digest)
        try folder.write(try key.sign(checkpoint.text).encoded(), to: unfinished + "/" + ArchiveFolder.checkpoint)
        try folder.sync(folder: unfinished)
        try probe(.described, name)
        try folder.move(unfinished, to: target)
        isDone = true
        erasures.remove(pending)
        try probe(.renamed, name)
        describe(manifest, digest, &result)
        return result
    }

    // MARK: The events file

    private func write(
        _ tenant: StoredTenant, of reader: StoredDayReader, to path: String, after lastSeq: UInt64, _ tree: inout GivenCheckpoints,
        _ result: inout Result
    ) throws -> ArchiveContents {
        var writer = try ArchiveWriter(path: path, tenant: tenant.number, tenantName: tenant.name, day: reader.day.day, afterSeq: lastSeq)
        var cutter = MemberCutter(memberBytes: memberBytes, level: level)
        func add(_ member: UnsafeRawBufferPointer, _ lines: UnsafeRawBufferPointer) throws {
            try writer.add(member: member, lines: lines) { try tree.append($0, of: lines) }
        }
        try reader.members(of: tenant.number) { member, lines in
            if stops() { throw SealError.stopped }
            try cutter.add(member, lines) { try add($0, $1) }
        }
        try cutter.flush(add)
        result.copiedMembers = cutter.copied
        result.cutMembers = cutter.cut
        let written = try writer.finish()
        guard written.events == tenant.events, written.lastSeq == tenant.lastSeq else {
            throw SealError.incomplete(expected: tenant.events, found: written.events)
        }
        return written
    }

    /// From the disk, not from the kernel's copy of what was written: that is let go first, as far as the kernel does so.
    private func readBack(_ path: String, _ expected: Digest) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ArchiveFileError(path, "open") }
        defer { close(descriptor) }
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        var hash = SHA256()
        var part = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = part.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ArchiveFileError(path, "read") }
            if count == 0 { break }
            part.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        // Read once now, and perhaps not again for years.
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        guard Digest(hash.finalize()) == expected else { throw SealError.readBack(path: path) }
    }

    // MARK: What is there already

    /// A whole day that no row tells of. It is believed when it is signed by this key, goes on where the chain ends and has
    /// the store's events.
    private func adopt(name: String, number: UInt32, day: Int64, after chain: TenantChain?, expected: StoredTenant?) throws -> Result {
        let target = folder.folder(of: name, day: day)
        func foreign(_ reason: String) -> SealError { .foreignFolder(path: target, reason: reason) }
        guard let bytes = try folder.read(target + "/" + ArchiveFolder.manifest),
            let note = try folder.read(target + "/" + ArchiveFolder.checkpoint)
        else { throw foreign("lacks manifest or checkpoint") }
        let manifest: Manifest
        let digest = Digest(of: bytes)
        do {
            manifest = try Manifest(json: bytes)
            let signed = try SignedNote(note)
            try signed.verify([key.verifier])
            guard try Checkpoint(signed.text).manifest == digest else { throw foreign("has a checkpoint of another manifest") }
        } catch let error as SealError { throw error } catch { throw foreign("cannot be read (\(error))") }
        guard manifest.tenant == name, manifest.day == day else { throw foreign("belongs to tenant \(manifest.tenant)") }
        guard manifest.previous?.digest == chain?.manifest, manifest.tree.before == chain?.tree ?? CompactRange() else {
            throw foreign("does not follow the day before")
        }
        guard manifest.contents?.events ?? 0 == expected?.events ?? 0, manifest.contents?.lastSeq == expected?.lastSeq else {
            throw foreign("has other events than the store")
        }
        if let file = manifest.contents?.file { try readBack(target + "/" + file.name, file.digest) }
        var result = Result(
            day: quiet(name, number, day, manifest.tree.before), chain: chain ?? Self.first(name, number, day), wasThere: true)
        describe(manifest, digest, &result)
        return result
    }

    private func openCheckpoints(of tenant: String, day: Int64) throws -> [GivenCheckpoints.Given] {
        try OpenCheckpoints(folder: folder, key: key).given(tenant: tenant, day: day)
    }

    // MARK: Rows

    private static func first(_ name: String, _ number: UInt32, _ day: Int64) -> TenantChain {
        TenantChain(
            number: number, name: name, firstDay: day, lastDay: day, lastSeq: 0, lastPosition: 0, tree: CompactRange(),
            manifest: MerkleHash.empty)
    }

    private func quiet(_ name: String, _ number: UInt32, _ day: Int64, _ tree: CompactRange) -> ArchivedDay {
        ArchivedDay(
            tenant: number, tenantName: name, day: day, state: .quiet, treeSize: tree.size, root: tree.root, manifest: MerkleHash.empty)
    }

    private func describe(_ manifest: Manifest, _ digest: Digest, _ result: inout Result) {
        result.day = ArchivedDay(manifest, digest: digest, tenant: result.chain.number)
        result.chain.follow(manifest, digest)
    }
}

extension ArchivedDay {
    /// `digest`: of the manifest's file. The events are taken to be here.
    init(_ manifest: Manifest, digest: Digest, tenant: UInt32) {
        self.init(
            tenant: tenant, tenantName: manifest.tenant, day: manifest.day, state: .quiet, treeSize: manifest.tree.size,
            root: manifest.tree.root, manifest: digest)
        guard let contents = manifest.contents else { return }
        state = .sealed
        events = contents.events
        contentBytes = contents.bytes
        fileBytes = contents.file.bytes
        firstSeq = contents.firstSeq
        lastSeq = contents.lastSeq
        lastPosition = contents.lastPosition
        minTime = contents.minTime
        maxTime = contents.maxTime
        isLocal = true
    }
}

extension TenantChain {
    /// Goes on by the next day.
    mutating func follow(_ manifest: Manifest, _ digest: Digest) {
        lastDay = manifest.day
        tree = manifest.tree.after
        self.manifest = digest
        guard let contents = manifest.contents else { return }
        lastSeq = contents.lastSeq
        lastPosition = contents.lastPosition
    }
}

extension Manifest.Contents {
    init(_ written: ArchiveContents) {
        self.init(
            events: written.events, bytes: written.bytes, firstSeq: written.firstSeq, lastSeq: written.lastSeq,
            firstReceived: written.firstReceived, lastReceived: written.lastReceived, minTime: written.minTime, maxTime: written.maxTime,
            firstPosition: written.firstPosition, lastPosition: written.lastPosition,
            file: Manifest.File(name: ArchiveFolder.events, bytes: written.fileBytes, digest: written.fileSHA256),
            digest: written.contentSHA256, lineChecksDigest: written.lineChecksSHA256,
            blocks: zip(written.blocks, written.blockHashes).map { block, hash in
                Manifest.Block(firstSeq: block.firstSeq, events: block.events, bytes: block.bytes, root: hash)
            }, counts: written.counts)
    }
}
