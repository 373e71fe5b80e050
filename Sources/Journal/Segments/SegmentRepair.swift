import EventModel
import Glibc
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

        let encoded = header.encoded()
        var length = encoded.count
        let file = try files.open(fresh, creating: true)
        try file.writeAll(encoded)
        for stretch in good {
            try file.writeAll(UnsafeRawBufferPointer(rebasing: bytes[stretch]), UnsafeRawBufferPointer(start: nil, count: 0), at: length)
            length += stretch.count
        }
        try file.sync()
        let kept = try keep(path, name, in: folder, at: time.milliseconds, files: files)
        try files.rename(fresh, to: path)
        try files.syncFolder(folder)
        return (length, kept)
    }

    /// A second name for the original; one that is not taken yet.
    private static func keep(
        _ path: FilePath, _ name: String, in folder: FilePath, at milliseconds: Int64, files: any JournalFiles
    ) throws(FileFault) -> String {
        var attempt: Int64 = 0
        while true {
            let kept = name + ".quarantined-" + String(milliseconds + attempt)
            do throws(FileFault) {
                try files.link(path, to: folder.appending(kept))
                return kept
            } catch {
                attempt += 1
                guard error.errno == EEXIST, attempt < 1000 else { throw error }
            }
        }
    }
}
