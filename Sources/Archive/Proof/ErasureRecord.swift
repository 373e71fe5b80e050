/// Values in lines of one tenant's day were replaced by "[erased]" after it was sealed. The signed tree keeps the hashes of
/// the lines as they were; this record says which lines have another hash now, and so joins the two.
package struct ErasureRecord: RecordContent {
    package static let type = "erasure"

    package struct Change: Sendable, Equatable {
        package var seq: UInt64
        /// Leaf hash of the line before and after.
        package var before: Digest
        package var after: Digest

        package init(seq: UInt64, before: Digest, after: Digest) {
            self.seq = seq
            self.before = before
            self.after = after
        }
    }

    package var tenant: String
    /// Days since 1970.
    package var day: Int64
    /// Common to all days and tenants of one erasure; names no person.
    package var erasure: String
    /// Why; must not name the person.
    package var reason: String
    /// Milliseconds since 1970.
    package var at: Int64
    /// Ascending by seq; at least one.
    package var changes: [Change]
    /// Root of the tenant's tree at the end of the day as signed; and as it were with the day's lines as they are now.
    package var rootBefore: Digest
    package var rootAfter: Digest
    /// SHA-256 of the day's manifest before, which the manifest of the next day names.
    package var manifestBefore: Digest

    package init(
        tenant: String, day: Int64, erasure: String, reason: String, at: Int64, changes: [Change], rootBefore: Digest,
        rootAfter: Digest, manifestBefore: Digest
    ) {
        self.tenant = tenant
        self.day = day
        self.erasure = erasure
        self.reason = reason
        self.at = at
        self.changes = changes
        self.rootBefore = rootBefore
        self.rootAfter = rootAfter
        self.manifestBefore = manifestBefore
    }

    package var members: [(String, JSONDocument)] {
        [
            ("tenant", .string(tenant)), ("day", .day(day)), ("erasure", .string(erasure)), ("reason", .string(reason)), ("at", .time(at)),
            ("root_before", .node(rootBefore)), ("root_after", .node(rootAfter)), ("manifest_before", .hex(manifestBefore)),
            ("changes", .array(changes.map { .array([.seq($0.seq), .node($0.before), .node($0.after)]) })),
        ]
    }

    package init(_ members: JSONMembers) throws {
        var changes: [Change] = []
        for row in try members.array("changes") {
            guard case .array(let fields) = row, fields.count == 3, case .number(let seq) = fields[0], seq > changes.last?.seq ?? 0,
                let before = fields[1].node, let after = fields[2].node
            else { throw members.wrong("changes", "ascending rows of seq, hash before and hash after") }
            changes.append(Change(seq: UInt64(seq), before: before, after: after))
        }
        guard !changes.isEmpty else { throw members.wrong("changes", "at least one row") }
        self.init(
            tenant: try members.string("tenant"), day: try members.day("day"), erasure: try members.string("erasure"),
            reason: try members.string("reason"), at: try members.time("at"), changes: changes, rootBefore: try members.node("root_before"),
            rootAfter: try members.node("root_after"), manifestBefore: try members.digest("manifest_before"))
    }
}
