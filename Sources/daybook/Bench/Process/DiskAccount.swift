import Foundation

/// Bytes of a data folder by what they are for.
struct DiskAccount {
    var parts: [String: Int] = [:]

    init(folder: String) {
        guard let walk = FileManager.default.enumerator(atPath: folder) else { return }
        for case let path as String in walk {
            var status = stat()
            guard lstat(folder + "/" + path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            parts[Self.part(path), default: 0] += Int(status.st_size)
        }
    }

    var total: Int { parts.values.reduce(0, +) }

    /// The top folder; the store's further by what its files hold.
    private static func part(_ path: String) -> String {
        let words = path.split(separator: "/")
        guard words.count > 1 else { return "other" }
        guard words[0] == "store" else { return String(words[0]) }
        return path.contains(".sqlite") ? "store index" : path.hasSuffix(".members") ? "store members" : "store other"
    }

    /// Median microseconds of appending 1 KiB to a file in `folder` and syncing it, a tenth of a millisecond apart, about as
    /// single events come from one connection: without pauses neither disk nor processor has to be woken.
    static func syncMicroseconds(folder: String) -> Double {
        let path = folder + "/sync-probe"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return 0 }
        defer {
            close(descriptor)
            unlink(path)
        }
        let block = [UInt8](repeating: 0x2A, count: 1024)
        var times: [UInt64] = []
        for _ in 0..<200 {
            let start = LoadDriver.now()
            guard write(descriptor, block, block.count) == block.count, fdatasync(descriptor) == 0 else { return 0 }
            times.append(LoadDriver.now() - start)
            usleep(100)
        }
        return Double(times.sorted()[times.count / 2]) / 1000
    }

    /// Takes a stopped server's files out of the page cache, so that its next lookups come from the disk.
    static func dropFromCache(folder: String) {
        guard let walk = FileManager.default.enumerator(atPath: folder) else { return }
        for case let path as String in walk {
            let descriptor = open(folder + "/" + path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            // Pages that were never written to disk cannot be dropped.
            fdatasync(descriptor)
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
            close(descriptor)
        }
    }
}
