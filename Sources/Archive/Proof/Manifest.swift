/// What a tenant's archive holds of one day (`_manifest.json`), signed through the checkpoint beside it and chained to the
/// manifest of the day before.
package struct Manifest: Sendable, Equatable {
    package static let fileName = "_manifest.json"
    package static let format = 1

    package var tenant: String
    /// Days since 1970.
    package var day: Int64
    /// `nil` on a quiet day.
    package var contents: Contents?
    /// Ranges of seq that the tenant never got because the journal lost them, between the last event of the day before and
    /// the last of this one; ascending.
    package var gaps: [ClosedRange<UInt64>] = []
    package var tree: Tree
    /// `nil` on a tenant's first day.
    package var previous: Previous?
    /// Names of the erasure records that changed the file after the seal, in the order in which they did.
    package var erasures: [String] = []
    /// Milliseconds since 1970.
    package var sealedAt: Int64
    /// Name and version of what sealed the day.
    package var software: String

    package init(
        tenant: String, day: Int64, contents: Contents?, gaps: [ClosedRange<UInt64>] = [], tree: Tree, previous: Previous?,
        erasures: [String] = [], sealedAt: Int64, software: String
    ) {
        self.tenant = tenant
        self.day = day
        self.contents = contents
        self.gaps = gaps
        self.tree = tree
        self.previous = previous
        self.erasures = erasures
        self.sealedAt = sealedAt
        self.software = software
    }

    /// What the events file holds. Times are milliseconds since 1970.
    package struct Contents: Sendable, Equatable {
        package var events: Int
        /// Bytes of the canonical lines, newlines included: what `zcat` prints.
        package var bytes: Int
        package var firstSeq: UInt64
        package var lastSeq: UInt64
        package var firstReceived: Int64
        package var lastReceived: Int64
        package var minTime: Int64
        package var maxTime: Int64
        /// Positions in the journal.
        package var firstPosition: UInt64
        package var lastPosition: UInt64
        package var file: File
        /// SHA-256 of what `zcat` prints.
        package var digest: Digest
        /// SHA-256 of the line checks: the first two bytes of every line's leaf hash, in order.
        package var lineChecksDigest: Digest
        package var blocks: [Block]
        /// Number of events by kind.
        package var counts: [String: Int]

        package init(
            events: Int, bytes: Int, firstSeq: UInt64, lastSeq: UInt64, firstReceived: Int64, lastReceived: Int64, minTime: Int64,
            maxTime: Int64, firstPosition: UInt64, lastPosition: UInt64, file: File, digest: Digest, lineChecksDigest: Digest,
            blocks: [Block], counts: [String: Int]
        ) {
            self.events = events
            self.bytes = bytes
            self.firstSeq = firstSeq
            self.lastSeq = lastSeq
            self.firstReceived = firstReceived
            self.lastReceived = lastReceived
            self.minTime = minTime
            self.maxTime = maxTime
            self.firstPosition = firstPosition
            self.lastPosition = lastPosition
            self.file = file
            self.digest = digest
            self.lineChecksDigest = lineChecksDigest
            self.blocks = blocks
            self.counts = counts
        }
    }

    package struct File: Sendable, Equatable {
        package var name: String
        package var bytes: Int
        package var digest: Digest

        package init(name: String, bytes: Int, digest: Digest) {
            self.name = name
            self.bytes = bytes
            self.digest = digest
        }
    }

    /// One data member of the file. It says where a change is, which the tree alone does not.
    package struct Block: Sendable, Equatable {
        package var firstSeq: UInt64
        package var events: Int
        /// Bytes of its lines, newlines included.
        package var bytes: Int
        /// Root of the tree of its lines alone.
        package var root: Digest

        package init(firstSeq: UInt64, events: Int, bytes: Int, root: Digest) {
            self.firstSeq = firstSeq
            self.events = events
            self.bytes = bytes
            self.root = root
        }
    }

    package struct Previous: Sendable, Equatable {
        /// Days since 1970.
        package var day: Int64
        /// SHA-256 of the manifest's file.
        package var digest: Digest

        package init(day: Int64, digest: Digest) {
            self.day = day
            self.digest = digest
        }
    }

    /// The day's place in the tenant's tree. Peaks before and nodes of the day give the root, so that the days' manifests
    /// alone show that each tree begins with the one before, also where the events are pruned.
    package struct Tree: Sendable, Equatable {
        /// The tree before the day's first leaf.
        package var before: CompactRange
        /// The day's own leaves.
        package var nodes: CompactRange
        /// Root of both.
        package let root: Digest

        package var firstLeaf: UInt64 { before.end }
        package var size: UInt64 { nodes.end }

        /// The tree after the day.
        package var after: CompactRange {
            var tree = before
            tree.append(nodes)
            return tree
        }

        /// `nodes` begins where `before` ends.
        package init(before: CompactRange, nodes: CompactRange) {
            self.before = before
            self.nodes = nodes
            var tree = before
            tree.append(nodes)
            root = tree.root
        }
    }
}
