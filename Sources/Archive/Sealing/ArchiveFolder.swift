import EventModel
import Foundation

/// Names and durable steps in the archive's folder. Every step that a crash could separate from the next one is synced.
package struct ArchiveFolder: Sendable {
    package let path: String

    package static let events = "events.ndjson.gz"
    package static let manifest = "_manifest.json"
    package static let checkpoint = "_checkpoint"
    package static let hourly = "_hourly"
    static let unfinishedSuffix = ".sealing"

    package init(_ path: String) { self.path = path }

    package func folder(of tenant: String) -> String { path + "/tenant=" + tenant }
    package func folder(of tenant: String, day: Int64) -> String { folder(of: tenant) + "/day=" + Self.name(day: day) }
    /// Begins with a dot, so that nobody takes it for a partition.
    func unfinished(of tenant: String, day: Int64) -> String {
        folder(of: tenant) + "/.day=" + Self.name(day: day) + Self.unfinishedSuffix
    }

    /// `2026-11-20`.
    package static func name(day: Int64) -> String { Timestamp(milliseconds: day * 86_400_000).day }

    /// Reads `2026-11-20`.
    package static func day(_ name: some StringProtocol) -> Int64? {
        guard name.utf8.count == 10, let time = Timestamp(name + "T00:00:00Z"), Self.name(day: time.dayNumber) == name else { return nil }
        return time.dayNumber
    }

    /// Tenants that have a folder, in the order of their names.
    package func tenants() throws -> [String] {
        try names(in: path).compactMap { name in
            guard name.hasPrefix("tenant=") else { return nil }
            let tenant = String(name.dropFirst(7))
            return TenantName.isValid(tenant) ? tenant : nil
        }.sorted()
    }

    /// Whole days of a tenant, ascending.
    package func days(of tenant: String) throws -> [Int64] {
        try names(in: folder(of: tenant)).compactMap { $0.hasPrefix("day=") ? Self.day($0.dropFirst(4)) : nil }.sorted()
    }

    /// What a seal that was killed left behind.
    func unfinished(of tenant: String) throws -> [String] {
        try names(in: folder(of: tenant)).filter { $0.hasPrefix(".day=") && $0.hasSuffix(Self.unfinishedSuffix) }
            .map { folder(of: tenant) + "/" + $0 }
    }

    func names(in folder: String) throws -> [String] {
        guard let stream = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw ArchiveFileError(folder, "opendir")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Makes the folder and its name durable; nothing when it is there.
    func make(_ folder: String) throws {
        if mkdir(folder, 0o700) == 0 { return try sync(folder: parent(folder)) }
        guard errno == EEXIST else { throw ArchiveFileError(folder, "mkdir") }
    }

    func sync(folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ArchiveFileError(folder, "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw ArchiveFileError(folder, "fsync") }
    }

    /// A new file with this content, synced; its name is durable once its folder is synced.
    func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw ArchiveFileError(path, "open") }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, bytes.count - done) }
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                throw ArchiveFileError(path, "write", count == 0 ? ENOSPC : errno)
            }
            done += count
        }
        guard fsync(descriptor) == 0 else { throw ArchiveFileError(path, "fsync") }
    }

    /// Takes the place of the file at `path`, if there is one, in one step; durable when it returns.
    func replace(_ path: String, with bytes: [UInt8]) throws {
        let unfinished = path + ".new"
        try write(bytes, to: unfinished)
        try move(unfinished, to: path)
    }

    /// Renames and makes it durable.
    func move(_ from: String, to target: String) throws {
        guard rename(from, target) == 0 else { throw ArchiveFileError(target, "rename") }
        try sync(folder: parent(target))
    }

    /// A folder and the files in it.
    func remove(folder: String) throws {
        for name in try names(in: folder) {
            guard unlink(folder + "/" + name) == 0 || errno == ENOENT else { throw ArchiveFileError(folder + "/" + name, "unlink") }
        }
        guard rmdir(folder) == 0 || errno == ENOENT else { throw ArchiveFileError(folder, "rmdir") }
    }

    /// Whole content of a small file; `nil` when there is none.
    func read(_ path: String) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw ArchiveFileError(path, "open")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ArchiveFileError(path, "read") }
            if count == 0 { return bytes }
            bytes += part[..<count]
        }
    }

    /// Bytes of a file; `nil` when there is none.
    func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private func parent(_ path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }
}

/// The system refused a step; names the file.
package struct ArchiveFileError: Error, CustomStringConvertible, Equatable {
    package var path: String
    package var operation: String
    package var errno: Int32

    package init(_ path: String, _ operation: String, _ code: Int32 = Glibc.errno) {
        self.path = path
        self.operation = operation
        errno = code
    }

    package var description: String { "\(operation) \(path): \(String(cString: strerror(errno)))" }
}
