import CDeflate
import Foundation

/// Reads a ZIP file of stored entries back from the disk: directory, headers, names, sizes, and the checksum of each entry.
package enum ZipCheck {
    private static let pieceBytes = 1 << 20

    /// Names and sizes of the entries in the order of the file's directory. `progress`: bytes read so far. Throws
    /// ``ZipDamage``. Memory: the directory and one piece.
    package static func check(_ path: String, progress: (Int) -> Void = { _ in }) throws -> [(name: String, bytes: Int)] {
        let file = try LocalFile(path: path)
        var directory = try Directory(file)
        var entries: [(name: String, bytes: Int)] = []
        var done = 0
        while let entry = try directory.next() {
            let head = try file.bytes(entry.offset..<entry.offset + 30)
            guard head.number(0, 4) == 0x0403_4B50, head.number(8, 2) == 0 else { throw ZipDamage("\(entry.name) has no good header") }
            let start = entry.offset + 30 + head.number(26, 2) + head.number(28, 2)
            let name = try file.bytes(entry.offset + 30..<entry.offset + 30 + head.number(26, 2))
            guard String(decoding: name, as: UTF8.self) == entry.name, head.number(14, 4) == entry.checksum else {
                throw ZipDamage("\(entry.name) is another in its header")
            }
            var checksum: UInt32 = 0
            var at = start
            while at < start + entry.bytes {
                let piece = try file.bytes(at..<min(at + pieceBytes, start + entry.bytes))
                checksum = piece.withUnsafeBytes { libdeflate_crc32(checksum, $0.baseAddress, $0.count) }
                at += piece.count
                done += piece.count
                progress(done)
            }
            guard Int(checksum) == entry.checksum else { throw ZipDamage("the bytes of \(entry.name) are not those that were written") }
            entries.append((entry.name, entry.bytes))
        }
        return entries
    }

    /// The central directory, entry by entry.
    private struct Directory {
        let file: LocalFile
        var at: Int
        let end: Int
        var left: Int

        init(_ file: LocalFile) throws {
            self.file = file
            guard file.count >= 22 else { throw ZipDamage("it is too short") }
            // Written without a comment, so the end record is the last 22 bytes.
            let record = try file.bytes(file.count - 22..<file.count)
            guard record.number(0, 4) == 0x0605_4B50 else { throw ZipDamage("its end is missing") }
            left = record.number(10, 2)
            var (size, start) = (record.number(12, 4), record.number(16, 4))
            if left == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
                let locator = try file.bytes(file.count - 42..<file.count - 22)
                guard locator.number(0, 4) == 0x0706_4B50 else { throw ZipDamage("its ZIP64 locator is missing") }
                let place = locator.number(8, 8)
                let record = try file.bytes(place..<place + 56)
                guard record.number(0, 4) == 0x0606_4B50 else { throw ZipDamage("its ZIP64 end is missing") }
                (left, size, start) = (record.number(32, 8), record.number(40, 8), record.number(48, 8))
            }
            at = start
            end = start + size
        }

        mutating func next() throws -> (name: String, bytes: Int, offset: Int, checksum: Int)? {
            guard left > 0 else {
                guard at == end else { throw ZipDamage("its directory is longer than its entries") }
                return nil
            }
            left -= 1
            let head = try file.bytes(at..<at + 46)
            guard head.number(0, 4) == 0x0201_4B50 else { throw ZipDamage("its directory is damaged") }
            let (nameBytes, extraBytes) = (head.number(28, 2), head.number(30, 2))
            let rest = try file.bytes(at + 46..<at + 46 + nameBytes + extraBytes)
            var (bytes, offset) = (head.number(24, 4), head.number(42, 4))
            if bytes == 0xFFFF_FFFF {
                guard extraBytes >= 28, rest.number(nameBytes, 2) == 1 else { throw ZipDamage("its directory is damaged") }
                (bytes, offset) = (rest.number(nameBytes + 4, 8), rest.number(nameBytes + 20, 8))
            }
            at += 46 + nameBytes + extraBytes + head.number(32, 2)
            return (String(decoding: rest[..<nameBytes], as: UTF8.self), bytes, offset, head.number(16, 4))
        }
    }
}

/// A ZIP file is not what was written.
package struct ZipDamage: Error, CustomStringConvertible, Equatable {
    package var description: String
    init(_ description: String) { self.description = description }
}

extension LocalFile {
    fileprivate func bytes(_ range: Range<Int>) throws -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= count else { throw ZipDamage("it ends too early") }
        return try read(range)
    }
}

extension [UInt8] {
    /// Little-endian; what does not fit is no size of a file.
    fileprivate func number(_ at: Int, _ bytes: Int) -> Int {
        Int(clamping: self[at..<at + bytes].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}
