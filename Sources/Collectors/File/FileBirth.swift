import SystemPackage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// When a file was made: the only one of its times that neither writing nor renaming changes.
///
/// `statx` (Linux 4.11, glibc 2.28) knows it. Swift's Glibc module leaves the call out, as its header declares it under
/// `_GNU_SOURCE` only, and Foundation's creation date is the time of the last change of the inode; so it is looked up by
/// name, once.
enum FileBirth {
    #if canImport(Glibc)
        private typealias Statx = @convention(c) (Int32, UnsafePointer<CChar>, Int32, UInt32, UnsafeMutableRawPointer) -> Int32

        private static let statx: Statx? = dlsym(nil, "statx").map { unsafeBitCast($0, to: Statx.self) }

        /// Of `struct statx` in linux/stat.h: its size, the offsets of `stx_mask` and `stx_btime`.
        private static let structBytes = 256
        private static let maskOffset = 0
        private static let birthOffset = 80
        /// `STATX_BTIME` and `AT_EMPTY_PATH`.
        private static let birthMask: UInt32 = 0x800
        private static let emptyPath: Int32 = 0x1000

        /// Seconds since 1970; `nil` where the file system or the kernel does not say.
        static func of(_ descriptor: FileDescriptor) -> Double? {
            guard let statx else { return nil }
            return withUnsafeTemporaryAllocation(byteCount: structBytes, alignment: 8) { buffer in
                buffer.initializeMemory(as: UInt8.self, repeating: 0)
                guard statx(descriptor.rawValue, "", emptyPath, birthMask, buffer.baseAddress!) == 0,
                    buffer.load(fromByteOffset: maskOffset, as: UInt32.self) & birthMask != 0
                else { return nil }
                let seconds = buffer.load(fromByteOffset: birthOffset, as: Int64.self)
                let nanoseconds = buffer.load(fromByteOffset: birthOffset + 8, as: UInt32.self)
                return Double(seconds) + Double(nanoseconds) / 1e9
            }
        }
    #else
        static func of(_ descriptor: FileDescriptor) -> Double? {
            var status = stat()
            guard fstat(descriptor.rawValue, &status) == 0 else { return nil }
            return Double(status.st_birthtimespec.tv_sec) + Double(status.st_birthtimespec.tv_nsec) / 1e9
        }
    #endif
}
