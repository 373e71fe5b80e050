/// Writes a file of one tenant and day.
package struct ArchiveWriter: ~Copyable {
    /// `path`: must not exist. `afterSeq`: last `seq` of the tenant in the days before, 0 when there is none; what lies between
    /// it and the first line counts as a gap. Throws `ArchiveFormatError`.
    package init(path: String, tenant: UInt32, tenantName: String, day: Int64, afterSeq: UInt64) throws { fatalError() }

    /// Appends `member`, the gzip member of `lines`: whole lines of the tenant, of this day, in the order of `seq`.
    /// `leafHashes` is given the hash of each line, in order, before the call returns.
    /// Throws `ArchiveFormatError`; then the file is worth nothing.
    package mutating func add(
        member: UnsafeRawBufferPointer, lines: UnsafeRawBufferPointer, leafHashes: (UnsafeBufferPointer<Digest>) throws -> Void = { _ in }
    ) throws { fatalError() }

    /// Writes index and trailer and syncs the file (not its folder). At least one event was added.
    package consuming func finish() throws -> ArchiveContents { fatalError() }
}
