import EventModel

/// A line that was met in a file, without its text.
struct SeenLine {
    /// What the line says of itself; `nil` when it has no head of a canonical line.
    var seq: UInt64?
    var leaf: Digest
    /// Ordinal in the file, from 0.
    var ordinal: Int
    /// Claimed seq of the line before it; 0 at the beginning.
    var previousSeq: UInt64
    /// Where it says it belongs, when that is not this file.
    var home: Home?

    struct Home: Equatable {
        var tenant: String
        /// Days since 1970.
        var day: Int64
    }

    /// `line`: without its newline. `tenant`: `"tenant":"NAME",` as the lines of this file write it.
    @inline(__always)
    init(_ line: UnsafeRawBufferPointer, ordinal: Int, previousSeq: UInt64, day: Int64, tenant: [UInt8]) {
        leaf = MerkleHash.leaf(line)
        self.ordinal = ordinal
        self.previousSeq = previousSeq
        guard let canonical = CanonicalLine(line) else { return }
        seq = canonical.seq
        let start = canonical.bodyStart + Self.tenantOffset
        let isHome =
            canonical.received >= day * 86_400_000 && canonical.received < (day + 1) * 86_400_000 && start + tenant.count <= line.count
            && tenant.withUnsafeBytes { equal(line.baseAddress! + start, $0) }
        if !isHome { home = Self.home(canonical) }
    }

    /// Behind `"time":"…24…",` of the body.
    private static var tenantOffset: Int { 8 + 24 + 2 }

    private static func home(_ line: CanonicalLine) -> Home? {
        let rest = line.bytes[(line.bodyStart + tenantOffset)...]
        let key = Array(#""tenant":""#.utf8)
        guard rest.starts(with: key), let end = rest.dropFirst(key.count).firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        let name = String(decoding: rest[(rest.startIndex + key.count)..<end], as: UTF8.self)
        guard TenantName.isValid(name) else { return nil }
        return Home(tenant: name, day: Timestamp(milliseconds: line.received).dayNumber)
    }

    static func tenantField(_ name: String) -> [UInt8] { Array("\"tenant\":\"\(name)\",".utf8) }
}

@inline(__always)
private func equal(_ left: UnsafeRawPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    for index in right.indices where left.load(fromByteOffset: index, as: UInt8.self) != right[index] { return false }
    return true
}
