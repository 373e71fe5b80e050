import CDeflate
import Foundation
import Glibc

/// Writes a ZIP file (PKWARE APPNOTE 6.3.10) of stored entries, with ZIP64 fields where sizes or offsets need them.
///
/// Stored, because nearly everything in a pack is compressed already; and so a receiver can take an entry out byte for
/// byte with any tool. Entries are copied in pieces: memory does not depend on their size. The central directory comes
/// last, so a file without it was never finished.
package struct ZipWriter: ~Copyable {
    private struct Entry {
        var name: [UInt8]
        var checksum: UInt32
        var size: UInt64
        var offset: UInt64
    }

    private let path: String
    private let descriptor: Int32
    private var entries: [Entry] = []
    private var names: Set<String> = []
    private var offset: UInt64 = 0

    /// Read and written at once.
    private static let pieceBytes = 1 << 20
    private static let mark32 = UInt32.max
    /// General purpose bit 11: names are UTF-8.
    private static let flags: UInt16 = 1 << 11
    /// 4.5, the first with ZIP64.
    private static let version: UInt16 = 45
    /// The earliest date the format knows, 1980-01-01, so that the same content gives the same file.
    private static let date: UInt32 = 1 << 21 | 1 << 16

    /// Makes the file; one of this name is written over.
    package init(path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw ZipError.io(path: path, operation: "open", errno: errno) }
    }

    deinit { close(descriptor) }

    /// `name`: with `/` between folders, no other entry's, at most 65,535 bytes.
    package mutating func add(_ name: String, bytes: [UInt8]) throws {
        try begin(name, size: UInt64(bytes.count))
        try bytes.withUnsafeBytes { try write($0) }
        entries[entries.count - 1].checksum = bytes.withUnsafeBytes { Self.checksum(0, $0) }
        try finishEntry()
    }

    /// Copies the file at `source`; it must not change meanwhile.
    package mutating func add(_ name: String, file source: String) throws {
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw ZipError.io(path: source, operation: "open", errno: errno) }
        defer { close(input) }
        var status = stat()
        guard fstat(input, &status) == 0 else { throw ZipError.io(path: source, operation: "fstat", errno: errno) }
        try begin(name, size: UInt64(status.st_size))
        var checksum: UInt32 = 0
        var left = Int(status.st_size)
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 16)
        defer { piece.deallocate() }
        while left > 0 {
            let count = read(input, piece.baseAddress, min(left, piece.count))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ZipError.changed(path: source) }
            let bytes = UnsafeRawBufferPointer(rebasing: piece[..<count])
            checksum = Self.checksum(checksum, bytes)
            try write(bytes)
            left -= count
        }
        entries[entries.count - 1].checksum = checksum
        try finishEntry()
    }

    /// Writes the central directory and syncs. The file is whole when this returns.
    package mutating func finish() throws {
        let start = offset
        for entry in entries { try write(centralHeader(entry)) }
        let size = offset - start
        let needs64 = entries.count >= Int(UInt16.max) || start >= Self.mark32 || size >= Self.mark32
        var end: [UInt8] = []
        if needs64 {
            // 4.3.14 and 4.3.15: the ZIP64 end record and its locator.
            let place = offset
            end.put(0x0606_4B50 as UInt32)
            end.put(44 as UInt64)
            end.put(Self.version)
            end.put(Self.version)
            end.put(0 as UInt64)
            end.put(UInt64(entries.count))
            end.put(UInt64(entries.count))
            end.put(size)
            end.put(start)
            end.put(0x0706_4B50 as UInt32)
            end.put(0 as UInt32)
            end.put(place)
            end.put(1 as UInt32)
        }
        end.put(0x0605_4B50 as UInt32)
        end.put(0 as UInt32)
        end.put(UInt16(clamping: needs64 ? Int(UInt16.max) : entries.count))
        end.put(UInt16(clamping: needs64 ? Int(UInt16.max) : entries.count))
        end.put(needs64 ? Self.mark32 : UInt32(size))
        end.put(needs64 ? Self.mark32 : UInt32(start))
        end.put(0 as UInt16)
        try write(end)
        guard fsync(descriptor) == 0 else { throw ZipError.io(path: path, operation: "fsync", errno: errno) }
    }

    // MARK: Records

    private mutating func begin(_ name: String, size: UInt64) throws {
        let bytes = Array(name.utf8)
        precondition(!bytes.isEmpty && bytes.count <= Int(UInt16.max) && names.insert(name).inserted, "the caller names each entry once")
        entries.append(Entry(name: bytes, checksum: 0, size: size, offset: offset))
        try write(localHeader(entries[entries.count - 1]))
    }

    /// The checksum stands in front of the bytes that it is of.
    private mutating func finishEntry() throws {
        let entry = entries[entries.count - 1]
        var bytes: [UInt8] = []
        bytes.put(entry.checksum)
        try bytes.withUnsafeBytes { try writeAll($0, at: entry.offset + 14) }
    }

    private func localHeader(_ entry: Entry) -> [UInt8] {
        var bytes: [UInt8] = []
        let is64 = entry.size >= Self.mark32
        bytes.put(0x0403_4B50 as UInt32)
        bytes.put(Self.version)
        putCommon(entry, is64: is64, extraBytes: is64 ? 20 : 0, into: &bytes)
        bytes += entry.name
        if is64 {
            bytes.put(1 as UInt16)
            bytes.put(16 as UInt16)
            bytes.put(entry.size)
            bytes.put(entry.size)
        }
        return bytes
    }

    private func centralHeader(_ entry: Entry) -> [UInt8] {
        var bytes: [UInt8] = []
        let is64 = entry.size >= Self.mark32 || entry.offset >= Self.mark32
        bytes.put(0x0201_4B50 as UInt32)
        // Made on Unix (3), so that the file mode below is heard.
        bytes.put(UInt16(3) << 8 | Self.version)
        bytes.put(Self.version)
        putCommon(entry, is64: is64, extraBytes: is64 ? 28 : 0, into: &bytes)
        bytes.put(0 as UInt16)
        bytes.put(0 as UInt16)
        bytes.put(0 as UInt16)
        bytes.put(UInt32(0o100640) << 16)
        bytes.put(is64 ? Self.mark32 : UInt32(entry.offset))
        bytes += entry.name
        if is64 {
            bytes.put(1 as UInt16)
            bytes.put(24 as UInt16)
            bytes.put(entry.size)
            bytes.put(entry.size)
            bytes.put(entry.offset)
        }
        return bytes
    }

    /// From the flags to the length of the extra field, as both headers have it; method 0 is stored.
    private func putCommon(_ entry: Entry, is64: Bool, extraBytes: UInt16, into bytes: inout [UInt8]) {
        let size = is64 ? Self.mark32 : UInt32(entry.size)
        bytes.put(Self.flags)
        bytes.put(0 as UInt16)
        bytes.put(Self.date)
        bytes.put(entry.checksum)
        bytes.put(size)
        bytes.put(size)
        bytes.put(UInt16(entry.name.count))
        bytes.put(extraBytes)
    }

    private static func checksum(_ before: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        libdeflate_crc32(before, bytes.baseAddress, bytes.count)
    }

    private mutating func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
        try writeAll(bytes, at: offset)
        offset += UInt64(bytes.count)
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + off_t(done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ZipError.io(path: path, operation: "pwrite", errno: errno) }
            done += count
        }
    }
}

package enum ZipError: Error, Sendable, CustomStringConvertible {
    case io(path: String, operation: String, errno: Int32)
    /// It became shorter while it was copied.
    case changed(path: String)

    package var description: String {
        switch self {
        case .io(let path, let operation, let code): "\(path): \(operation): \(String(cString: strerror(code)))"
        case .changed(let path): "\(path) became shorter while it was read"
        }
    }
}

extension [UInt8] {
    fileprivate mutating func put(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
