import CLinux
import Crypto
import EventModel
import Glibc

/// Reads one day's events file from begin to end, member by member and never through its index, and holds every line against
/// the manifest's blocks and the signed tree. Memory is that of one member and of what does not fit.
struct FileVerifier: ~Copyable {
    struct Outcome {
        /// Lines and their bytes.
        var events = 0
        var bytes = 0
        /// SHA-256 of the lines.
        var digest = MerkleHash.empty
        /// The tree behind the last line: with the hashes that were signed, and, where lines were erased, with those that the
        /// lines have now.
        var tree: CompactRange
        var treeNow: CompactRange?
        /// Root of the signed tree at the sizes that were asked for.
        var roots: [UInt64: Digest] = [:]
        var evidence = LineEvidence()
    }

    private let source: any ByteSource
    private let expected: ExpectedLines?
    private let erasures: LineErasures
    private let day: Int64
    private let tenantField: [UInt8]
    private var outcome: Outcome
    private var content = SHA256()
    private var rootsWanted: ArraySlice<UInt64>

    private var previousSeq: UInt64 = 0
    /// The block that the last lines belong to, their root, and the lines themselves as long as it is not known good.
    private var block = -1
    private var blockRoot = CompactRange()
    private var group: [SeenLine] = []
    private var lastVerified = -1

    /// `expected`: `nil` when no manifest can be trusted; then only members and tree are checked. `before`: the tree before the
    /// day. `rootsWanted`: ascending tree sizes.
    init(
        source: any ByteSource, tenant: String, day: Int64, expected: ExpectedLines?, erasures: LineErasures, before: CompactRange,
        rootsWanted: [UInt64]
    ) {
        self.source = source
        self.day = day
        self.expected = expected
        self.erasures = erasures
        self.rootsWanted = rootsWanted.drop { $0 <= before.end }
        tenantField = SeenLine.tenantField(tenant)
        outcome = Outcome(tree: before, treeNow: erasures.isEmpty ? nil : before)
        outcome.evidence.isVerified = Array(repeating: false, count: expected?.blocks.count ?? 0)
    }

    /// `progress` gets the bytes of the file that were read since the last call. Throws what the source throws.
    consuming func run(progress: (Int) -> Void) throws -> Outcome {
        var walker = ArchiveWalker(source)
        while let step = try walker.next() {
            switch step.part {
            case .lines(let lines): lines.withUnsafeBytes { take($0) }
            case .index: break
            case .damage(let reason):
                outcome.evidence.damages.append(
                    LineEvidence.Damage(offset: step.offset, length: step.length, reason: reason, after: previousSeq))
            }
            progress(step.length)
        }
        finishGroup()
        outcome.digest = Digest(content.finalize())
        return outcome
    }

    private mutating func take(_ lines: UnsafeRawBufferPointer) {
        content.update(bufferPointer: lines)
        outcome.bytes += lines.count
        var at = 0
        while at < lines.count {
            let rest = lines.count - at
            let newline = memchr(lines.baseAddress! + at, 0x0A, rest).map { UnsafeRawPointer($0) - (lines.baseAddress! + at) }
            take(line: UnsafeRawBufferPointer(start: lines.baseAddress! + at, count: newline ?? rest))
            at += (newline ?? rest) + 1
        }
    }

    @inline(__always)
    private mutating func take(line: UnsafeRawBufferPointer) {
        let seen = SeenLine(line, ordinal: outcome.events, previousSeq: previousSeq, day: day, tenant: tenantField)
        outcome.events += 1
        grow(seen)
        guard let expected else {
            previousSeq = seen.seq ?? previousSeq
            return
        }
        guard let seq = seen.seq, let place = expected.block(of: seq, hint: block) else {
            outcome.evidence.add(stray: seen)
            return
        }
        if outcome.evidence.hasOpenDamage { outcome.evidence.closeDamages(before: seq) }
        previousSeq = seq
        if place != block {
            finishGroup()
            block = place
        }
        blockRoot.append(leafHash: seen.leaf)
        group.append(seen)
    }

    @inline(__always)
    private mutating func grow(_ line: SeenLine) {
        let leaf = line.seq.map { erasures.signed(line.leaf, seq: $0) } ?? line.leaf
        outcome.tree.append(leafHash: leaf)
        if let size = rootsWanted.first, size == outcome.tree.end {
            outcome.roots[size] = outcome.tree.root
            rootsWanted = rootsWanted.drop { $0 == size }
        }
        outcome.treeNow?.append(leafHash: line.leaf)
    }

    /// The lines since the block changed: the whole block as it was sealed, or something to look at later.
    private mutating func finishGroup() {
        guard let expected, block >= 0 else { return }
        let wanted = expected.blocks[block]
        if group.count == wanted.events, !outcome.evidence.isVerified[block], blockRoot.root == wanted.root {
            outcome.evidence.isVerified[block] = true
            if block < lastVerified { outcome.evidence.blocksMoved.append(block) }
            lastVerified = max(block, lastVerified)
        } else {
            outcome.evidence.add(group, doubtful: block)
        }
        group.removeAll(keepingCapacity: true)
        blockRoot = CompactRange()
        block = -1
    }
}
