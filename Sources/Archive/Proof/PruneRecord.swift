/// Events files of a range of days were deleted as the tenant's plan says. Manifests and checkpoints stay, so the tree
/// stays whole.
package struct PruneRecord: RecordContent {
    package static let type = "prune"

    package struct File: Sendable, Equatable {
        /// Days since 1970.
        package var day: Int64
        package var bytes: Int
        /// SHA-256 of the events file, as its manifest has it.
        package var digest: Digest

        package init(day: Int64, bytes: Int, digest: Digest) {
            self.day = day
            self.bytes = bytes
            self.digest = digest
        }
    }

    package var tenant: String
    /// First and last seq of all the files.
    package var firstSeq: UInt64
    package var lastSeq: UInt64
    /// The deleted files, by day, ascending; at least one.
    package var files: [File]
    /// Name of the retention plan.
    package var plan: String
    /// Milliseconds since 1970.
    package var at: Int64

    package init(tenant: String, firstSeq: UInt64, lastSeq: UInt64, files: [File], plan: String, at: Int64) {
        self.tenant = tenant
        self.firstSeq = firstSeq
        self.lastSeq = lastSeq
        self.files = files
        self.plan = plan
        self.at = at
    }

    package var firstDay: Int64 { files.first?.day ?? 0 }
    package var lastDay: Int64 { files.last?.day ?? 0 }

    package var members: [(String, JSONDocument)] {
        [
            ("tenant", .string(tenant)), ("first_day", .day(firstDay)), ("last_day", .day(lastDay)), ("first_seq", .seq(firstSeq)),
            ("last_seq", .seq(lastSeq)), ("plan", .string(plan)), ("at", .time(at)),
            ("files", .array(files.map { .object([("day", .day($0.day)), ("bytes", .number($0.bytes)), ("sha256", .hex($0.digest))]) })),
        ]
    }

    package init(_ members: JSONMembers) throws {
        let files = try members.array("files").map { element in
            let file = try JSONMembers(element, of: "files")
            return File(day: try file.day("day"), bytes: try file.number("bytes"), digest: try file.digest("sha256"))
        }
        guard !files.isEmpty, zip(files, files.dropFirst()).allSatisfy({ $0.day < $1.day }) else {
            throw members.wrong("files", "ascending by day, at least one")
        }
        self.init(
            tenant: try members.string("tenant"), firstSeq: UInt64(try members.number("first_seq")),
            lastSeq: UInt64(try members.number("last_seq")), files: files, plan: try members.string("plan"), at: try members.time("at"))
    }
}
