/// How far an index grows in memory before a part of it is finished.
struct IndexBounds: Sendable {
    /// Lines of one run. `TermCollector` counts them in 31 bits, and every event adds up to 100 bytes of rollups.
    var runBytes: Int
    /// Pairs of a term and a block of one run: 8 bytes each, 12 more while they are sorted, so 40 MiB. Each run costs a
    /// lookup one page, so there should be few.
    var runPairs: Int
    /// Finished pages and line checks, before they go to a file without a name.
    var memoryBytes: Int

    static let standard = IndexBounds(runBytes: 256 << 20, runPairs: 2 << 20, memoryBytes: 8 << 20)
}
