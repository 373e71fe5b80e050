/// Archived files that may hold an answer, best first, a few at a time.
///
/// A file that nobody read lately costs two or three reads of the disk, each for what the one before said: its end, a page of
/// terms, blocks. One after another they are nearly all that a question over a year takes. So the system is told of them
/// before their turn: of the ends of the next files, of the pages of some nearer ones, of the blocks of the next few. It
/// fetches them side by side while the lookup is still at the file before, without a thread of ours. The first file alone
/// has nothing fetched ahead, then ever more: many questions end in it.
struct OlderStream {
    let older: any OlderDays
    private let tenants: Set<UInt32>?
    private let times: Range<Int64>
    private let order: SearchOrder
    /// Days that the store answers.
    private let held: Set<Int64>
    /// `nil`: whole files are asked for counts, without terms.
    private let plan: TermPlan?

    private var files: ArraySlice<OlderDay> = []
    /// The files that come next, before those of `files`.
    private var near: [ArchivedDay] = []
    private var taken = 0
    private var key: OlderDayKey?
    private var isAtEnd = false
    private var limit = 32

    private static let largestLimit = 512
    /// Files that are told of: some MiB at the most, and as much as a disk does at once.
    private static let furthestAhead = 32

    init(
        _ older: any OlderDays, tenants: Set<UInt32>?, times: Range<Int64>, order: SearchOrder, held: Set<Int64>, plan: TermPlan? = nil
    ) {
        self.older = older
        self.tenants = tenants
        self.times = times
        self.order = order
        self.held = held
        self.plan = plan
    }

    /// The file that comes next; `nil` at the end.
    mutating func peek() throws(SearchError) -> OlderDay? {
        try fill(1)
        return near.first?.file
    }

    mutating func next(_ scanned: inout Scanned) throws(SearchError) -> ArchivedDay? {
        let ahead = min(Self.furthestAhead, 2 * taken)
        try fill(1 + ahead)
        guard !near.isEmpty else { return nil }
        let next = near.removeFirst()
        taken += 1
        prepare(ahead, &scanned)
        return next
    }

    private mutating func prepare(_ ahead: Int, _ scanned: inout Scanned) {
        for index in near.indices.prefix(ahead) { near[index].prepareOpening() }
        guard let plan, !plan.isEmpty else { return }
        for index in near.indices.prefix(ahead / 2) { near[index].prepareTerms(plan, &scanned) }
        for index in near.indices.prefix(ahead / 4) { near[index].prepareBlocks(plan, times, order, &scanned) }
    }

    /// The first blocks of the next files, as far as they are known, at most `count`.
    func nextBlocks(_ count: Int) -> [ReadAhead.Wanted] {
        var blocks: [ReadAhead.Wanted] = []
        for file in near {
            let more = file.nextBlocks
            if more.isEmpty && !file.isLookedInto || blocks.count >= count { break }
            blocks += more
        }
        return Array(blocks.prefix(count))
    }

    private mutating func fill(_ count: Int) throws(SearchError) {
        while near.count < count {
            while files.isEmpty, !isAtEnd { try load() }
            guard let file = files.popFirst() else { return }
            near.append(ArchivedDay(file, older))
        }
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
