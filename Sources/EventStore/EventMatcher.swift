/// The store's own decision about one line, for those who get lines by another way than a lookup: streams.
public struct EventMatcher: ~Copyable {
    private let filter: EventFilter
    private var scratch = FilterScratch()

    public init(filters: [FieldFilter], text: TextQuery?) throws(SearchError) {
        filter = try EventFilter(filters: filters, text: text)
    }

    /// `line`: canonical, without its newline.
    public mutating func matches(_ line: UnsafeRawBufferPointer) -> Bool { filter.matches(line, &scratch) }
}
