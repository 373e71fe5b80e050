import EventModel
import SystemPackage

/// Sets a damaged segment aside, byte for byte, and puts a file with its good frames in its place.
///
/// The original first gets a second name and is then replaced by rename(2), so that at every moment a crash leaves
/// either the damaged segment or the repaired one under the old name, and never none.
enum SegmentRepair {
    /// `header` becomes the new file's; returns its length in bytes and the name the original is kept under.
    static func replace(
        _ path: FilePath, bytes: UnsafeRawBufferPointer, good: [Range<Int>], header: SegmentHeader, at time: Timestamp,
        files: any JournalFiles
    ) throws(FileFault) -> (length: Int, keptAs: String) {
        let name = path.lastComponent!.string
        let folder = path.removingLastComponent()
        let fresh = folder.appending(String(name.dropLast(SegmentName.suffix.count)) + SegmentName.repairingSuffix)
        let kept = name + ".quarantined-" + String(time.milliseconds)

        let encoded = header.encoded()
        var length = encoded.count
        let file = try files.open(fresh, creating: true)
        try file.writeAll(encoded)
        for stretch in good {
            try file.writeAll(UnsafeRawBufferPointer(rebasing: bytes[stretch]), UnsafeRawBufferPointer(start: nil, count: 0), at: length)
            length += stretch.count
        }
        try file.sync()
        try files.link(path, to: folder.appending(kept))
        try files.rename(fresh, to: path)
        try files.syncFolder(folder)
        return (length, kept)
    }
}
