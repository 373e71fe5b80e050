import Foundation

/// Reads of a verification: whole small files, names of a folder.
enum VerificationInput {
    /// A checkpoint, note, record or manifest larger than this is none; bounds what a planted file can make us read.
    static let smallFileBytesMax = 256 << 20

    /// `nil` when there is no such file. Throws `VerificationIOError`.
    static func bytes(_ path: String) throws(VerificationIOError) -> [UInt8]? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw VerificationIOError(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= smallFileBytesMax else {
            throw VerificationIOError(path: path, reason: "it is no file of a sensible size")
        }
        let file: LocalFile
        do {
            file = try LocalFile(path: path)
            return try file.read(0..<file.count)
        } catch { throw VerificationIOError(path: path, reason: String(describing: error)) }
    }

    /// Names in a folder, sorted; empty when there is none. What is there and no folder, such as a file or a link that leads
    /// nowhere, throws `VerificationIOError`.
    static func names(_ folder: String) throws(VerificationIOError) -> [String] {
        var status = stat()
        guard lstat(folder, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw VerificationIOError(path: folder, reason: String(cString: strerror(errno)))
        }
        guard let stream = opendir(folder) else { throw VerificationIOError(path: folder, reason: String(cString: strerror(errno))) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            // Of a name that is not UTF-8, the bytes in question are replaced.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw VerificationIOError(path: folder, reason: String(cString: strerror(errno))) }
        return names.sorted()
    }

    /// Also what cannot be opened, and a link that leads nowhere.
    static func isNamed(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// The last part of a path.
    static func name(_ path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }

    static func parent(_ path: String) -> String { URL(fileURLWithPath: path).deletingLastPathComponent().path }
}

/// A file or folder cannot be read.
package struct VerificationIOError: Error, CustomStringConvertible {
    package var path: String
    package var reason: String

    package var description: String { "\(path) cannot be read: \(reason)" }

    /// A verification goes on without the file: what was planted must not hide what is wrong elsewhere.
    func finding(tenant: String?, day: Int64? = nil) -> Finding {
        Finding(.unreadable, .unreadable, tenant: tenant, day: day, path: path, "It cannot be read: \(reason).")
    }
}
