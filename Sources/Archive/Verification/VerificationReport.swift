/// What a verification found.
package struct VerificationReport: Sendable {
    package struct Tenant: Sendable, Equatable {
        package var name: String
        /// Sealed days that are here.
        package var days = 0
        /// Days since 1970; 0 when there are none.
        package var firstDay: Int64 = 0
        package var lastDay: Int64 = 0
        /// Events that were read and are as they were signed.
        package var events = 0
        /// Days whose events were pruned.
        package var prunedDays = 0
        /// The last signed tree.
        package var size: UInt64 = 0
        package var root: Digest?
        /// Who signed the last checkpoint, as `NAME+ID`.
        package var signer: String?
    }

    /// A proof file that was checked.
    package struct Proof: Sendable, Equatable {
        package var path: String
        package var isGood: Bool
        /// The event's canonical line; to be believed only when the proof is good.
        package var line: String
        package var index: UInt64
        package var checkpoint: String
    }

    package enum Result: String, Sendable { case good, tampered, unreadable, incomplete }

    package var tenants: [Tenant] = []
    package var proofs: [Proof] = []
    package var findings: [Finding] = []
    /// Lines read, and their bytes; bytes of the files they were in.
    package var events = 0
    package var bytes = 0
    package var fileBytes = 0

    package init() {}

    package var result: Result {
        switch findings.map(\.severity).max() {
        case .critical, .warning: .tampered
        case .unreadable: .unreadable
        case .notice: .incomplete
        case .info, nil: .good
        }
    }
}
