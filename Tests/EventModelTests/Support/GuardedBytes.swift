#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One readable page between two that no one may touch: a read before the first or behind the last byte ends the
/// process.
struct GuardedBytes: ~Copyable {
    private let pages: UnsafeMutableRawPointer
    private let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

    init() {
        pages = mmap(nil, pageBytes * 3, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        precondition(pages != MAP_FAILED && mprotect(pages + pageBytes, pageBytes, PROT_READ | PROT_WRITE) == 0)
    }

    deinit { munmap(pages, pageBytes * 3) }

    /// `bytes` with the forbidden page right behind them.
    func atEnd(_ bytes: [UInt8]) -> UnsafeRawBufferPointer { place(bytes, at: pages + pageBytes * 2 - bytes.count) }

    /// `bytes` with the forbidden page right in front of them.
    func atStart(_ bytes: [UInt8]) -> UnsafeRawBufferPointer { place(bytes, at: pages + pageBytes) }

    private func place(_ bytes: [UInt8], at target: UnsafeMutableRawPointer) -> UnsafeRawBufferPointer {
        let placed = UnsafeMutableRawBufferPointer(start: target, count: bytes.count)
        placed.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(placed)
    }
}
