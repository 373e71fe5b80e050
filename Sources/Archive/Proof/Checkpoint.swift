import EventModel
import Foundation

/// Size and root of a tenant's tree at one moment (c2sp.org/tlog-checkpoint), with what the archive adds in extension
/// lines:
///
/// - of a sealed day `day 2026-11-20` and `manifest sha256:HEX`, so that the signature covers the manifest as well;
/// - of an open day `open 2026-11-20T13:00Z`: the tree as it was at that hour.
package struct Checkpoint: Sendable, Equatable {
    /// `ORIGIN/tenant=NAME`.
    package var origin: String
    /// Number of leaves.
    package var size: UInt64
    package var root: Digest
    package var extensions: [String] = []

    /// The checkpoint of a sealed day. `day`: days since 1970; `manifest`: SHA-256 of the manifest's file.
    package static func sealed(origin: String, tenant: String, day: Int64, size: UInt64, root: Digest, manifest: Digest) -> Checkpoint {
        Checkpoint(
            origin: Self.origin(origin, tenant: tenant), size: size, root: root,
            extensions: ["day " + Timestamp(milliseconds: day * 86_400_000).day, "manifest sha256:" + manifest.hex])
    }

    /// The checkpoint of a day that is still open. `hour`: hours since 1970, at which the tree was taken.
    package static func open(origin: String, tenant: String, hour: Int64, size: UInt64, root: Digest) -> Checkpoint {
        let text = Timestamp(milliseconds: hour * 3_600_000).description.prefix(13)
        return Checkpoint(origin: Self.origin(origin, tenant: tenant), size: size, root: root, extensions: ["open \(text):00Z"])
    }

    package static func origin(_ origin: String, tenant: String) -> String { "\(origin)/tenant=\(tenant)" }

    /// What follows `/tenant=` in the origin; `nil` for a checkpoint of another kind of log.
    package var tenant: String? {
        guard let mark = origin.range(of: "/tenant=", options: .backwards) else { return nil }
        return String(origin[mark.upperBound...])
    }

    /// The sealed day, days since 1970; `nil` for the checkpoint of an open day.
    package var day: Int64? { value("day ").flatMap { Timestamp(day: $0)?.dayNumber } }

    package var manifest: Digest? { value("manifest sha256:").flatMap { Digest(hex: $0) } }

    /// Hours since 1970; `nil` for the checkpoint of a sealed day.
    package var openHour: Int64? {
        value("open ").flatMap { $0.hasSuffix(":00Z") ? Timestamp($0.dropLast(1) + ":00Z")?.hourNumber : nil }
    }

    private func value(_ name: String) -> String? {
        extensions.first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) }
    }

    /// The text that is signed.
    package var text: String { ([origin, String(size), root.base64] + extensions).map { $0 + "\n" }.joined() }

    /// Reads the text of a note. Throws `NoteError.malformed`.
    package init(_ text: String) throws {
        let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        guard lines.count >= 4, lines.last == "", !lines.dropLast().contains(""), let size = UInt64(lines[1]), String(size) == lines[1],
            size < 1 << 63, let root = Digest(base64: lines[2])
        else { throw NoteError.malformed("it is no checkpoint: origin, tree size and root hash, a line each") }
        self.init(origin: lines[0], size: size, root: root, extensions: Array(lines[3..<lines.count - 1]))
    }

    package init(origin: String, size: UInt64, root: Digest, extensions: [String] = []) {
        self.origin = origin
        self.size = size
        self.root = root
        self.extensions = extensions
    }
}
