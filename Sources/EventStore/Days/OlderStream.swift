/// Archived files that may hold an answer, best first, a few at a time.
struct OlderStream {
    let older: any OlderDays
    private let tenants: Set<UInt32>?
    private let times: Range<Int64>
    private let order: SearchOrder
    /// Days that the store answers.
    private let held: Set<Int64>

    private var files: ArraySlice<OlderDay> = []
    private var key: OlderDayKey?
    private var isAtEnd = false
    private var limit = 32

    private static let largestLimit = 512

    init(_ older: any OlderDays, tenants: Set<UInt32>?, times: Range<Int64>, order: SearchOrder, held: Set<Int64>) {
        self.older = older
        self.tenants = tenants
        self.times = times
        self.order = order
        self.held = held
    }

    /// The file that comes next; `nil` at the end.
    mutating func peek() throws(SearchError) -> OlderDay? {
        while files.isEmpty, !isAtEnd { try load() }
        return files.first
    }

    mutating func next() throws(SearchError) -> OlderDay? {
        defer { files = files.dropFirst() }
        return try peek()
    }

    private mutating func load() throws(SearchError) {
        do {
            let page = try older.days(tenants: tenants, times: times, order: order, after: key, limit: limit)
            isAtEnd = page.count < limit
            limit = min(Self.largestLimit, limit * 2)
            if let last = page.last { key = last.key(order) }
            files = page.filter { !held.contains($0.day) }[...]
        } catch { throw SearchError.unreadable(partition: "catalogue of the archive", reason: "\(error)") }
    }
}
