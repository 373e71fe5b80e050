/// Everything the store holds of one received-day, member by member, for whoever writes it elsewhere. Works on the files
/// as they were when it was made, whatever is compacted, rewritten or dropped since; holds those files open, a few a day,
/// and one member in memory.
package final class StoredDayReader {
    package let day: StoredDay

    init(day: StoredDay) { self.day = day }

    /// Visits the tenant's members in the order of `seq`: the gzip member as it is stored, and what it inflates to, whole
    /// lines of this tenant alone, each with its newline. Both are valid during the call. Throws
    /// ``StoreError/damaged(path:offset:reason:)`` at a member that cannot be read, and what `visit` throws.
    package func members(
        of tenant: UInt32, _ visit: (_ member: UnsafeRawBufferPointer, _ lines: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        fatalError("not yet")
    }
}
