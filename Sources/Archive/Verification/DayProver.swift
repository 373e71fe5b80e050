import EventModel
import EventStore
import Synchronization

/// Why an event cannot be proven; says what to do.
package struct ProvingError: Error, CustomStringConvertible, Equatable {
    package var description: String
    /// Whether something of the sealed day is missing, cannot be read or was changed, and not by plan.
    package var isDamage: Bool

    package init(_ description: String, isDamage: Bool = false) {
        self.description = description
        self.isDamage = isDamage
    }
}

/// Makes inclusion proofs of one tenant's sealed day from its folder alone: the siblings come from the peaks in the manifest
/// and from the day's own lines. All of them are read once; what is kept of them is a ``DayTree``, and further proofs read
/// the blocks of their events. Where a block cannot be read, events are proven whose paths do not need it.
package final class DayProver: Sendable {
    private let folder: String
    private let manifest: Manifest
    private let checkpoint: SignedNote
    private let root: Digest
    private let blocks: DayBlocks
    private let erasures: LineErasures
    private let tree: Mutex<DayTree>

    /// Lines that one step reads: a tenth of a second.
    private static let stepBytes = 16 << 20

    /// `folder`: `…/tenant=NAME/day=2026-11-20`. `events`: its events file, where that does not lie in the folder. `level`: the
    /// lowest one of the tree that is kept, chosen by the day's size where it is not given. Throws ``ProvingError`` when the
    /// day is not whole.
    package init(folder: String, events: (any ByteSource)? = nil, level: Int? = nil) throws {
        self.folder = folder
        guard let manifestBytes = try VerificationInput.bytes(folder + "/" + Manifest.fileName),
            let checkpointBytes = try VerificationInput.bytes(folder + "/" + DayFolder.checkpointName)
        else { throw ProvingError("\(folder) lacks its manifest or checkpoint; `daybook verify \(folder)` says more.", isDamage: true) }
        manifest = try Manifest(json: manifestBytes)
        checkpoint = try SignedNote(checkpointBytes)
        root = try Checkpoint(checkpoint.text).root
        guard events != nil || VerificationInput.exists(folder + "/" + DayFolder.eventsName) else {
            throw ProvingError("The events of \(folder) are not here: they were pruned, or lie in object storage. \(Self.elsewhere)")
        }
        let file = try events ?? LocalFile(path: folder + "/" + DayFolder.eventsName)
        do { blocks = try DayBlocks(manifest, file) } catch let error as ArchiveFormatError {
            throw ProvingError("The events of \(folder) cannot be read: \(error)", isDamage: true)
        }
        // Whether a record may be believed shows in the end: with a wrong hash the root is another.
        var erasures = LineErasures()
        for name in manifest.erasures {
            let path = VerificationInput.parent(folder) + "/" + SignedRecord.folderName + "/" + name
            if let bytes = try VerificationInput.bytes(path), let record = try SignedRecord(bytes).content(ErasureRecord.self) {
                _ = erasures.add(record)
            }
        }
        self.erasures = erasures
        tree = Mutex(DayTree(manifest, erasures, level: level))
    }

    /// The tenant's number, as ids have it.
    package var tenantNumber: UInt32 { blocks.tenant }

    /// Reads on in the day, some 16 MiB of lines. Returns whether there is more to read before ``outcomes(of:)`` is a matter
    /// of the asked events alone. Throws ``ProvingError`` when the day cannot be proven at all.
    package func advance() throws -> Bool {
        do { return try tree.withLock { try $0.grow(by: Self.stepBytes, blocks, root: root) } } catch let error as ProvingError {
            throw ProvingError("\(error.description); `daybook verify \(folder)` says which.", isDamage: error.isDamage)
        }
    }

    /// Proofs of the events with these ids, in their order. Throws ``ProvingError`` when one is not in the day or was erased.
    package func proofs(of ids: [EventID]) throws -> [LogProof] { try outcomes(of: ids).map { try $0.get() } }

    /// As ``proofs(of:)``, where an event that cannot be proven costs the others nothing.
    package func outcomes(of ids: [EventID]) throws -> [Result<LogProof, ProvingError>] {
        while try advance() {}
        let places = try places(of: ids)
        let size = manifest.tree.size
        let paths = places.map { place in place.map { MerklePath.inclusion(index: $0.ordinal, size: size) } ?? [] }
        var collector = MerklePathCollector(paths)
        let tree = tree.withLock { $0 }
        try tree.offer(places.compactMap { $0?.ordinal }.sorted(), blocks, to: &collector)
        return zip(ids, zip(places, paths)).map { id, found in
            guard let place = found.0 else { return .failure(missing(id)) }
            guard let hashes = collector.hashes(found.1) else {
                return .failure(
                    ProvingError("A block of \(folder) cannot be read, and the proof needs the hashes of its events.", isDamage: true))
            }
            let leaf = MerkleHash.leaf(place.line)
            guard MerklePath.root(leafHash: leaf, index: place.ordinal, size: size, proof: hashes) == root else {
                return .failure(unsigned(place.line))
            }
            return .success(LogProof(line: place.line, index: place.ordinal, hashes: hashes, checkpoint: checkpoint))
        }
    }

    private func missing(_ id: EventID) -> ProvingError {
        // Where blocks cannot be read nobody knows what they hold.
        guard lost else { return ProvingError("There is no event \(id) in \(folder).") }
        return ProvingError("Blocks of \(folder) cannot be read, and the event is in none of the others.", isDamage: true)
    }

    /// Whether a block could not be read.
    private var lost: Bool { tree.withLock { !$0.isWhole } }

    private func unsigned(_ line: [UInt8]) -> ProvingError {
        let seq = line.withUnsafeBytes { CanonicalLine($0)?.seq }
        guard seq.map(erasures.isErased) ?? false else {
            return ProvingError("\(DayTree.mismatch); `daybook verify \(folder)` says which.", isDamage: true)
        }
        return ProvingError("The event was erased after its day was sealed: the signed tree holds the line as it was, which is gone.")
    }

    private typealias Place = (ordinal: UInt64, line: [UInt8])

    /// Index in the tree, and the line, by the position in the id; `nil` where the day has no such event that can be read. A
    /// block is inflated once, however many of its events are asked for.
    private func places(of ids: [EventID]) throws -> [Place?] {
        var places: [Place?] = Array(repeating: nil, count: ids.count)
        var waiting = ids.indices.sorted { ids[$0].position < ids[$1].position }[...]
        for (index, block) in blocks.blocks.enumerated() where !block.positions.isEmpty {
            while let first = waiting.first, ids[first].position < block.positions.lowerBound { waiting.removeFirst() }
            let asked = waiting.prefix { ids[$0].position < block.positions.upperBound }
            if asked.isEmpty { continue }
            waiting.removeFirst(asked.count)
            guard let lines = try blocks.lines(index) else { continue }
            let wanted = Dictionary(grouping: asked) { Array(ids[$0].description.utf8) }
            var ordinal = block.firstLeaf
            DayBlocks.forEachLine(lines) { line in
                if let id = CanonicalLine(line).map({ Array($0.id) }), let found = wanted[id] {
                    for at in found { places[at] = (ordinal, Array(line)) }
                }
                ordinal += 1
            }
        }
        return places
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
        return isNamed || prover.tenantNumber == id.tenant ? prover : nil
    }
}
