import CDeflate

/// Decides how the store's members become those of the archive: a member that is at least half full is copied byte for
/// byte, smaller neighbours are joined and deflated again.
///
/// They are joined at level 9: of canonical lines in members of 256 KiB it leaves 83.4 bytes for about 11 µs a line, level
/// 7 (the store's) 84.8 for 8, level 12 81.5 for 163. It is done once for what is kept for ever, and mostly for tenants
/// with little traffic.
struct MemberCutter: ~Copyable {
    private let memberBytes: Int
    private let deflater: OpaquePointer
    private var lines: [UInt8] = []
    /// The stored member, while `lines` is just that one: if nothing joins it, nothing is deflated.
    private var single: [UInt8] = []
    private var members = 0
    private var deflated: [UInt8] = []
    /// Members copied and joined anew, for the report of a seal.
    private(set) var copied = 0
    private(set) var cut = 0

    init(memberBytes: Int, level: Int) {
        self.memberBytes = memberBytes
        guard let deflater = libdeflate_alloc_compressor(Int32(level)) else {
            preconditionFailure("libdeflate has no level \(level), or no memory")
        }
        self.deflater = deflater
    }

    deinit { libdeflate_free_compressor(deflater) }

    /// Takes the next member in order; `write` gets those that are ready, each with its lines, valid during the call.
    mutating func add(
        _ member: UnsafeRawBufferPointer, _ content: UnsafeRawBufferPointer,
        _ write: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        if !lines.isEmpty, lines.count + content.count > memberBytes { try flush(write) }
        if lines.isEmpty, content.count >= memberBytes / 2 {
            copied += 1
            return try write(member, content)
        }
        if lines.isEmpty { single = Array(member) } else { single.removeAll(keepingCapacity: true) }
        lines += content
        members += 1
    }

    /// Writes what waits; at the end of a tenant.
    mutating func flush(_ write: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void) throws {
        guard !lines.isEmpty else { return }
        if members == 1 {
            copied += 1
            try single.withUnsafeBytes { member in try lines.withUnsafeBytes { try write(member, $0) } }
        } else {
            cut += 1
            let room = libdeflate_gzip_compress_bound(deflater, lines.count)
            if deflated.count < room { deflated = Array(repeating: 0, count: room) }
            let length = deflated.withUnsafeMutableBytes { target in
                lines.withUnsafeBytes { libdeflate_gzip_compress(deflater, $0.baseAddress, $0.count, target.baseAddress, target.count) }
            }
            precondition(length > 0, "the room is libdeflate's own bound")
            try deflated.withUnsafeBytes { member in
                try lines.withUnsafeBytes { try write(UnsafeRawBufferPointer(rebasing: member[..<length]), $0) }
            }
        }
        lines.removeAll(keepingCapacity: true)
        members = 0
    }
}
