import EventModel
import EventStore

/// Why an event cannot be proven; says what to do.
package struct ProvingError: Error, CustomStringConvertible, Equatable {
    package var description: String

    package init(_ description: String) { self.description = description }
}

/// Makes inclusion proofs of one tenant's sealed day from its folder alone: the siblings come from the peaks in the manifest
/// and from the day's own lines, which are read once however many events are to be proven.
package struct DayProver {
    private let folder: String
    private let manifest: Manifest
    private let checkpoint: SignedNote
    private let root: Digest
    private let file: any ByteSource
    private let erasures: LineErasures

    /// `folder`: `…/tenant=NAME/day=2026-11-20`. `events`: its events file, where that does not lie in the folder. Throws
    /// ``ProvingError`` when the day is not whole.
    package init(folder: String, events: (any ByteSource)? = nil) throws {
        self.folder = folder
        guard let manifestBytes = try VerificationInput.bytes(folder + "/" + Manifest.fileName),
            let checkpointBytes = try VerificationInput.bytes(folder + "/" + DayFolder.checkpointName)
        else { throw ProvingError("\(folder) lacks its manifest or checkpoint; `daybook verify \(folder)` says more.") }
        manifest = try Manifest(json: manifestBytes)
        checkpoint = try SignedNote(checkpointBytes)
        root = try Checkpoint(checkpoint.text).root
        guard events != nil || VerificationInput.exists(folder + "/" + DayFolder.eventsName) else {
            throw ProvingError("The events of \(folder) are not here: they were pruned, or lie in object storage. \(Self.elsewhere)")
        }
        file = try events ?? LocalFile(path: folder + "/" + DayFolder.eventsName)
        // Whether a record may be believed shows in the end: with a wrong hash the root is another.
        var erasures = LineErasures()
        for name in manifest.erasures {
            let path = VerificationInput.parent(folder) + "/" + SignedRecord.folderName + "/" + name
            if let bytes = try VerificationInput.bytes(path), let record = try SignedRecord(bytes).content(ErasureRecord.self) {
                _ = erasures.add(record)
            }
        }
        self.erasures = erasures
    }

    /// The tenant's number, as ids have it; needs one read of the index.
    package func tenantNumber() throws -> UInt32 { try ArchiveFile.open(file).tenant }

    /// Proofs of the events with these ids, in their order. Throws ``ProvingError`` when one is not in the day or was erased.
    package func proofs(of ids: [EventID]) throws -> [LogProof] { try outcomes(of: ids).map { try $0.get() } }

    /// As ``proofs(of:)``, where an event that is not in the day or was erased costs the others nothing.
    package func outcomes(of ids: [EventID]) throws -> [Result<LogProof, ProvingError>] {
        let places = try places(of: ids)
        let paths = places.map { place in place.map { MerklePath.inclusion(index: $0.ordinal, size: manifest.tree.size) } ?? [] }
        var collector = MerklePathCollector(paths)
        var tree = manifest.tree.before
        collector.offer(tree)
        try eachLine { line in
            let leaf = CanonicalLine(line).map { erasures.signed(MerkleHash.leaf(line), seq: $0.seq) } ?? MerkleHash.leaf(line)
            tree.append(leafHash: leaf) { collector.offer($0, $1) }
        }
        guard tree.root == root else {
            throw ProvingError("The lines of \(folder) are not those that its checkpoint signs; `daybook verify \(folder)` says which.")
        }
        return zip(ids, zip(places, paths)).map { id, found in
            guard let place = found.0 else { return .failure(ProvingError("There is no event \(id) in \(folder).")) }
            let hashes = collector.hashes(found.1) ?? []
            let leaf = MerkleHash.leaf(place.line)
            guard MerklePath.root(leafHash: leaf, index: place.ordinal, size: tree.size, proof: hashes) == root else {
                return .failure(
                    ProvingError("The event was erased after its day was sealed: the signed tree holds the line as it was, which is gone."))
            }
            return .success(LogProof(line: place.line, index: place.ordinal, hashes: hashes, checkpoint: checkpoint))
        }
    }

    private typealias Place = (ordinal: UInt64, line: [UInt8])

    /// Index in the tree, and the line, by the position in the id; `nil` where the day has no such event. A block is inflated
    /// once, however many of its events are asked for.
    private func places(of ids: [EventID]) throws -> [Place?] {
        let index = try ArchiveFile.open(file)
        var places: [Place?] = Array(repeating: nil, count: ids.count)
        var waiting = ids.indices.sorted { ids[$0].position < ids[$1].position }[...]
        var before = manifest.tree.firstLeaf
        for (number, block) in try index.blocks().enumerated() {
            defer { before += UInt64(block.events) }
            while let first = waiting.first, ids[first].position < block.firstPosition { waiting.removeFirst() }
            let asked = waiting.prefix { ids[$0].position <= block.lastPosition }
            if asked.isEmpty { continue }
            waiting.removeFirst(asked.count)
            let wanted = Dictionary(grouping: asked) { Array(ids[$0].description.utf8) }
            for (offset, line) in try index.lines(UInt32(number + 1)).split(separator: 0x0A).enumerated() {
                let id = line.withUnsafeBytes { line in CanonicalLine(line).map { Array($0.id) } }
                guard let id, let found = wanted[id] else { continue }
                for at in found { places[at] = (before + UInt64(offset), Array(line)) }
            }
        }
        return places
    }

    private func eachLine(_ body: (UnsafeRawBufferPointer) -> Void) throws {
        var walker = ArchiveWalker(file)
        while let step = try walker.next() {
            guard case .lines(let lines) = step.part else { continue }
            for line in lines.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() { line.withUnsafeBytes { body($0) } }
        }
    }
}

extension DayProver {
    /// Finds the tenant's day of an event in an archive folder and proves the event. `tenant`: its name, where it is known;
    /// otherwise the tenants that have such a day are asked for their number. Throws ``ProvingError``.
    package static func proof(of id: EventID, archive: String, tenant: String? = nil) throws -> LogProof {
        let day = Timestamp(milliseconds: id.received).dayNumber
        let name = Timestamp(milliseconds: id.received).day
        let tenants = try tenant.map { ["tenant=" + $0] } ?? VerificationInput.names(archive).filter { $0.hasPrefix("tenant=") }
        guard !tenants.isEmpty else { throw ProvingError("\(archive) holds no tenant's archive.") }
        var isSealed = false
        for folder in tenants.map({ archive + "/" + $0 + "/day=" + name }) where VerificationInput.isFolder(folder) {
            isSealed = true
            guard let prover = try prover(folder, of: id, isNamed: tenant != nil) else { continue }
            return try prover.proofs(of: [id])[0]
        }
        guard isSealed else {
            let next = Timestamp(milliseconds: (day + 1) * 86_400_000)
            throw ProvingError(
                "The event was received on \(name), and that day is not sealed yet. It is sealed after \(next) and the grace time "
                    + "(archive.seal_grace, 15 minutes by default); from then on it can be proven. `daybook archive seal \(name)` "
                    + "seals it as soon as it is over.")
        }
        throw ProvingError("No tenant with number \(id.tenant) has events of \(name) in \(archive). \(elsewhere)")
    }

    private static let elsewhere = "For events that lie in object storage alone `daybook retrieve --where` makes proofs."

    /// `nil` when the folder is that of another tenant, or of a quiet day.
    private static func prover(_ folder: String, of id: EventID, isNamed: Bool) throws -> DayProver? {
        if !isNamed, !VerificationInput.exists(folder + "/" + DayFolder.eventsName) { return nil }
        let prover = try DayProver(folder: folder)
        return try isNamed || prover.tenantNumber() == id.tenant ? prover : nil
    }
}
