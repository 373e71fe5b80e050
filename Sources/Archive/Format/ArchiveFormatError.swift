import Foundation

/// What can be wrong with an archive file, or with what shall become one.
package enum ArchiveFormatError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The system refused; `errno` 0: the file ended too early.
    case io(path: String, operation: String, errno: Int32)
    /// The writer was given something that does not belong into this file; `seq`: of the last line before it.
    case refused(reason: String, afterSeq: UInt64)
    /// Bytes of the file are not what was written: a data member, or a part of the index.
    case damaged(path: String, offset: Int, length: Int, reason: String)
    /// There is no such block in the file.
    case noSuchBlock(path: String, block: UInt32)

    package var description: String {
        switch self {
        case .io(let path, let operation, 0): "\(path): \(operation) met the end of the file"
        case .io(let path, let operation, let errno): "\(path): \(operation): \(String(cString: strerror(errno)))"
        case .refused(let reason, let seq): "not archived, behind seq \(seq): \(reason)"
        case .damaged(let path, let offset, let length, let reason): "\(path): bytes \(offset) to \(offset + length) are damaged: \(reason)"
        case .noSuchBlock(let path, let block): "\(path) has no block \(block)"
        }
    }
}
