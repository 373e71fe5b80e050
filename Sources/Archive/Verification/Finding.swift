/// One thing that a verification has to say.
package struct Finding: Sendable, Equatable {
    package enum Severity: String, Sendable, CaseIterable, Comparable {
        /// Told for completeness: what was pruned or erased, by a valid record.
        case info
        /// Something could not be checked with what is here.
        case notice
        /// A file could not be read.
        case unreadable
        /// Events are as they were signed, but something else is not as it was written.
        case warning
        /// What is here is not what was signed.
        case critical

        package static func < (left: Severity, right: Severity) -> Bool { left.order < right.order }

        private var order: Int { Self.allCases.firstIndex(of: self)! }
    }

    /// Stable names for scripts; `Verification.md` explains each.
    package enum Kind: String, Sendable {
        case lineChanged = "line_changed"
        case linesDropped = "lines_dropped"
        case lineAdded = "line_added"
        case linesMoved = "lines_moved"
        case blockChanged = "block_changed"
        case blockDamaged = "block_damaged"
        case bytesAdded = "bytes_added"
        case fileChanged = "file_changed"
        case indexDamaged = "index_damaged"
        case eventsMissing = "events_missing"
        case eventsUnexpected = "events_unexpected"
        case fileExtra = "file_extra"
        case manifestMissing = "manifest_missing"
        case manifestChanged = "manifest_changed"
        case manifestWrong = "manifest_wrong"
        case chainBroken = "chain_broken"
        case treeBroken = "tree_broken"
        case dayMissing = "day_missing"
        case folderMoved = "folder_moved"
        case checkpointMissing = "checkpoint_missing"
        case checkpointChanged = "checkpoint_changed"
        case otherKey = "signed_by_another_key"
        case rolledBack = "rolled_back"
        case forked = "forked"
        case recordForged = "record_forged"
        case recordMissing = "record_missing"
        case recordUnused = "record_unused"
        case proofWrong = "proof_wrong"
        case pruned
        case erased
        case keyChanged = "key_changed"
        case notCompared = "not_compared"
        case incomplete
        case unreadable
    }

    package var kind: Kind
    package var severity: Severity
    package var tenant: String?
    /// Days since 1970.
    package var day: Int64?
    /// File or folder.
    package var path: String
    /// What it concerns, ascending.
    package var seqs: [ClosedRange<UInt64>] = []
    /// Number from 1 of the block in the day's file.
    package var block: Int?
    /// One or two sentences for a person.
    package var text: String

    package init(
        _ kind: Kind, _ severity: Severity = .critical, tenant: String? = nil, day: Int64? = nil, path: String,
        seqs: [ClosedRange<UInt64>] = [], block: Int? = nil, _ text: String
    ) {
        self.kind = kind
        self.severity = severity
        self.tenant = tenant
        self.day = day
        self.path = path
        self.seqs = seqs
        self.block = block
        self.text = text
    }
}

extension Finding {
    /// `seq 4`, `seq 4 to 9`, `seq 4, 6 to 9`; shortened where there are many.
    static func text(_ seqs: [ClosedRange<UInt64>]) -> String {
        let shown = seqs.prefix(5).map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)" }
        return "seq " + shown.joined(separator: ", ") + (seqs.count > 5 ? ", and \(seqs.count - 5) more stretches" : "")
    }

    /// Numbers, ascending, as ranges.
    static func ranges(_ seqs: some Sequence<UInt64>) -> [ClosedRange<UInt64>] {
        var ranges: [ClosedRange<UInt64>] = []
        for seq in seqs {
            if let last = ranges.last, last.upperBound + 1 == seq {
                ranges[ranges.count - 1] = last.lowerBound...seq
            } else {
                ranges.append(seq...seq)
            }
        }
        return ranges
    }
}
