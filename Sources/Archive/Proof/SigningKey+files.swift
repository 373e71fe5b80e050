import Foundation
import SystemPackage

/// Why a key's file cannot be used; says what to do.
package struct SigningKeyError: Error, CustomStringConvertible {
    package var description: String
}

extension SigningKey {
    /// The key of a data folder: `folder/signing.key`, made now if there is none, with `signing.pub` beside it.
    /// `name`: of a new key; `daybook-` and eight hex digits drawn with it when `nil`. Throws ``SigningKeyError``.
    ///
    /// A key is on disk, folder entry included, before it is returned: a checkpoint signed by a key that a power cut takes
    /// away could never be followed by another.
    package static func open(folder: String, name: String? = nil) throws -> SigningKey {
        let path = folder + "/signing.key"
        let key: SigningKey
        if FileManager.default.fileExists(atPath: path) {
            key = try load(path)
            if let name, name != key.name {
                throw SigningKeyError(
                    description: "\(path) signs as \"\(key.name)\", but archive.origin says \"\(name)\". "
                        + "Set archive.origin to the key's name, or change keys with a key record.")
            }
        } else {
            let digits = UInt32.random(in: 0...UInt32.max)
            key = try SigningKey(name: name ?? "daybook-" + VerifierKey.text(id: digits))
            try create(folder: folder, path: path, text: key.secret + "\n", permissions: FilePermissions(rawValue: 0o600))
        }
        let publicPath = folder + "/signing.pub"
        let text = key.verifier.description + "\n"
        if (try? String(contentsOfFile: publicPath, encoding: .utf8)) != text {
            try create(folder: folder, path: publicPath, text: text, permissions: FilePermissions(rawValue: 0o644))
        }
        return key
    }

    /// Throws ``SigningKeyError`` when others than the owner may read the file, or it is damaged.
    static func load(_ path: String) throws -> SigningKey {
        var status = stat()
        guard stat(path, &status) == 0, let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw SigningKeyError(description: "\(path) cannot be read: \(Errno(rawValue: errno))")
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw SigningKeyError(
                description: "\(path) has mode \(mode): others than its owner may use the key. If nobody did, run `chmod 600 \(path)`; "
                    + "otherwise put a new key in its place.")
        }
        do { return try SigningKey(text) } catch let error as NoteError {
            throw SigningKeyError(
                description: "\(path) is damaged: \(error). Put back a copy of it; without one move it away, and a new key is made, "
                    + "which verifiers have to be told of.")
        }
    }

    /// Written aside and renamed, so that a crash leaves a whole file or none.
    private static func create(folder: String, path: String, text: String, permissions: FilePermissions) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let temporary = path + ".new"
            try? FileManager.default.removeItem(atPath: temporary)
            let file = try FileDescriptor.open(
                FilePath(temporary), .writeOnly, options: [.create, .exclusiveCreate], permissions: permissions)
            try file.closeAfter {
                try file.writeAll(text.utf8)
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
            guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
            let entry = try FileDescriptor.open(FilePath(folder), .readOnly, options: .directory)
            try entry.closeAfter { guard fsync(entry.rawValue) == 0 else { throw Errno(rawValue: errno) } }
        } catch {
            throw SigningKeyError(description: "\(path) cannot be written: \(error)")
        }
    }
}
