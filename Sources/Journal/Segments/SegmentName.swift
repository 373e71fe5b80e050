import SystemPackage

/// Segment files are named by their first global position in 20 digits, so that names sort as positions do.
enum SegmentName {
    static let suffix = ".journal"
    /// A segment that is being rewritten without its damage; of no worth until it is renamed.
    static let repairingSuffix = ".journal.repairing"

    static func of(position: UInt64) -> String {
        let digits = String(position)
        return String(repeating: "0", count: 20 - digits.count) + digits + suffix
    }

    static func position(_ name: String) -> UInt64? {
        guard name.utf8.count == 20 + suffix.utf8.count, name.hasSuffix(suffix) else { return nil }
        return UInt64(name.dropLast(suffix.count))
    }
}
