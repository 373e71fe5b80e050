import EventModel

/// Answers one question. All sources stand in one queue, ordered by the best event each could still give: the window
/// first, then partitions, then the blocks of partitions once their terms were looked up. The search ends when
/// `limit` events are held and nothing in the queue can beat the worst of them, so the newest fifty of a tenant cost
/// one or two blocks however much is stored.
struct Search: ~Copyable {
    private let query: SearchQuery
    private let tenants: Set<UInt32>?
    private let filter: EventFilter
    private let plan: TermPlan
    private let times: Range<Int64>
    private let descending: Bool
    private let after: EventKey?
    private let limit: Int
    private let store: EventStore

    private var hits = Heap<Hit>()
    /// Bytes of their lines.
    private var hitBytes = 0
    private var queue = Heap<Source>()
    private var scanned = Scanned()
    /// Of `scanned.bytes`, those of blocks, which the budget bounds.
    private var blockBytes = 0
    private var scratch: FilterScratch
    private let inflater: Inflater
    private var searchedBlocks = 0
    private let ahead: ReadAhead
    /// Blocks that ``readAhead()`` asked for and that are still to come.
    private var aheadCount = 0

    /// In members of 256 KiB an eighth of what ``InflatedBlocks`` keeps, so that they are still there when their turn comes.
    private static let furthestAhead = 8
    /// A question without a tenant may ask thousands of files for the same minute. Those beyond are closed and, if one of
    /// their blocks has its turn, opened again, mostly out of what is kept open for the next question.
    private static let mostOpenArchives = 128

    /// Ordered so that the worst event held is the first to go.
    private struct Hit: Comparable {
        var key: EventKey
        var descending: Bool
        var line: ArraySlice<UInt8>

        static func < (left: Hit, right: Hit) -> Bool { left.descending ? left.key < right.key : right.key < left.key }
        static func == (left: Hit, right: Hit) -> Bool { left.key == right.key }
    }

    /// Ordered so that the source with the best bound comes first. Sixteen plain bytes, because a common word puts
    /// thousands of them into the queue.
    private struct Source: Comparable {
        /// The best event time it can hold, negated when ascending.
        var bound: Int64
        /// Index into `days`.
        var day: Int32
        /// 0 for a partition whose terms have not been looked up.
        var block: UInt32

        static func < (left: Source, right: Source) -> Bool { left.bound > right.bound }
        static func == (left: Source, right: Source) -> Bool { left.bound == right.bound }
    }

    private struct Day {
        var indexed: any IndexedDay
        var directory: BlockDirectory?
        /// Numbers of the blocks that have the terms, ascending; `nil` for all.
        var chosen: [UInt32]?

        mutating func release() {
            directory = nil
            indexed.release()
        }
    }

    private var days: [Day] = []
    /// Indices of archived days that are open, in the order in which they were opened.
    private var openArchives: [Int] = []
    private var older: OlderStream?
    private let started = ContinuousClock.now
    /// In `Source.day`: the next of the archived files, which are taken one by one.
    private static let nextOlder: Int32 = -1

    init(_ query: SearchQuery, store: EventStore) throws(SearchError) {
        let filter = try EventFilter(filters: query.filters, text: query.text)
        var cursor: SearchCursor?
        if let text = query.cursor { cursor = try SearchCursor(text, order: query.order) }
        self.query = query
        self.store = store
        self.filter = filter
        tenants = query.tenants.map { Set($0) }
        plan = TermPlan(filters: query.filters, text: query.text)
        descending = query.order == .descending
        limit = min(max(1, query.limit), SearchQuery.largestLimit)
        after = cursor?.key
        // Every time an event can have, so that no bound overflows.
        var from = max(Timestamp.earliest, query.from?.milliseconds ?? .min)
        var to = min(Timestamp.latest + 1, query.to?.milliseconds ?? .max)
        if let after { if descending { to = min(to, min(after.time, Timestamp.latest) + 1) } else { from = max(from, after.time) } }
        times = from..<max(from, to)
        scratch = FilterScratch()
        inflater = Inflater()
        ahead = ReadAhead(store.inflated)
    }

    mutating func run() throws(SearchError) -> SearchPage {
        if times.isEmpty || tenants?.isEmpty == true { return SearchPage() }
        let snapshot = store.snapshot(tenants: tenants, times: times)
        searchFresh(snapshot)
        for day in snapshot.days { enqueue(HeldDay(store: store, partition: day.partition, directory: day.directory), day.tenants) }
        if let older = snapshot.older {
            self.older = OlderStream(older, tenants: tenants, times: times, order: query.order, held: snapshot.held, plan: plan)
            try enqueueNextOlder()
        }
        var stoppedAt: Int64?
        while let source = queue.popFirst() {
            if isFull, !canBeat(source.bound) { break }
            if source.bound < firstBound, isSpent {
                stoppedAt = descending ? source.bound : -source.bound
                break
            }
            if source.day == Self.nextOlder {
                try enqueueOlder()
            } else if source.block == 0 {
                try open(source)
            } else {
                readAhead()
                searchBlock(source)
            }
        }
        ahead.end(&scanned)
        return page(stoppedAt: stoppedAt)
    }

    /// The best bound there can be. The budget never stops a search here: it would start again where it started.
    private var firstBound: Int64 { descending ? times.upperBound - 1 : -times.lowerBound }

    /// Bound of what lies within both ends, inclusive; no better than the question's own range.
    private func bound(_ minTime: Int64, _ maxTime: Int64) -> Int64 {
        descending ? min(maxTime, times.upperBound - 1) : -max(minTime, times.lowerBound)
    }

    private var isSpent: Bool {
        blockBytes + scanned.archiveBytes >= store.configuration.scanBytes || .now - started >= store.configuration.scanTime
    }

    /// One more than asked for is held, which tells whether there is a next page, or as many bytes as a page may have.
    private var isFull: Bool { hits.count > limit || hitBytes >= store.configuration.pageBytes }

    private func canBeat(_ bound: Int64) -> Bool {
        guard let worst = hits.first else { return true }
        return bound >= (descending ? worst.key.time : -worst.key.time)
    }

    private mutating func take(_ key: EventKey, _ line: () -> ArraySlice<UInt8>) {
        if let worst = hits.first, isFull { guard descending ? worst.key < key : key < worst.key else { return } }
        let hit = Hit(key: key, descending: descending, line: line())
        hitBytes += hit.line.count
        if hits.count > limit, let worst = hits.first {
            hitBytes -= worst.line.count
            hits.replaceFirst(hit)
        } else {
            hits.insert(hit)
        }
        // Those that the page is full without.
        while let worst = hits.first, hitBytes - worst.line.count >= store.configuration.pageBytes {
            hitBytes -= worst.line.count
            _ = hits.popFirst()
        }
    }

    private func isBehindCursor(_ key: EventKey) -> Bool {
        guard let after else { return true }
        return descending ? key < after : after < key
    }

    private mutating func searchFresh(_ snapshot: StoreSnapshot) {
        let needle = filter.needle.isEmpty ? nil : NeedleSearch(filter.needle)
        var events = 0
        var bytes = 0
        var found: [(EventKey, ArraySlice<UInt8>)] = []
        var worst = FreshScan(descending: descending, limit: limit)
        // The closure may not touch `self`, which is inout here; it works on copies and what it finds is taken after.
        let (filter, after, descending) = (filter, after, descending)
        var scratch = FilterScratch()
        snapshot.forEachFresh(tenants: tenants, times: times) { line, key, _, copy in
            events += 1
            if let after, !(descending ? key < after : after < key) { return }
            if !worst.isWanted(key) { return }
            bytes += line.count
            if let needle, needle.first(in: line, from: 0) == nil { return }
            guard filter.matches(line, &scratch) else { return }
            worst.add(key)
            found.append((key, copy()))
        }
        scanned.events += events
        scanned.bytes += bytes
        for (key, line) in found { take(key) { line } }
    }

    private mutating func add(_ day: any IndexedDay, bound: Int64) {
        days.append(Day(indexed: day))
        queue.insert(Source(bound: bound, day: Int32(days.count - 1), block: 0))
    }

    /// The stream of archived files stands in the queue with the bound of the next one.
    private mutating func enqueueNextOlder() throws(SearchError) {
        guard let next = try older?.peek() else { return }
        queue.insert(Source(bound: bound(next.minTime, next.maxTime), day: Self.nextOlder, block: 0))
    }

    private mutating func enqueueOlder() throws(SearchError) {
        guard let next = try older?.next(&scanned) else { return }
        add(next, bound: bound(next.file.minTime, next.file.maxTime))
        try enqueueNextOlder()
    }

    private mutating func enqueue(_ day: HeldDay, _ summaries: [UInt32: TenantSummary]) {
        var bound: Int64?
        func consider(_ summary: TenantSummary) {
            guard summary.minTime < times.upperBound, summary.maxTime >= times.lowerBound else { return }
            bound = max(bound ?? .min, self.bound(summary.minTime, summary.maxTime))
        }
        if let tenants {
            for tenant in tenants { if let summary = summaries[tenant] { consider(summary) } }
        } else {
            summaries.values.forEach(consider)
        }
        guard let bound else { return }
        scanned.partitions += 1
        add(day, bound: bound)
    }

    /// Looks up the day's terms and puts its blocks into the queue.
    private mutating func open(_ source: Source) throws(SearchError) {
        let day = Int(source.day)
        guard let directory = try days[day].indexed.open(&scanned) else { return }
        days[day].directory = directory
        var list: [Source] = []
        func add(_ number: UInt32) {
            let entry = directory[number]
            guard entry.minTime < times.upperBound, entry.maxTime >= times.lowerBound else { return }
            list.append(
                Source(bound: bound(entry.minTime, entry.maxTime), day: source.day, block: number)
            )
        }
        if plan.isEmpty {
            if let tenants {
                for tenant in tenants { directory.numbers[tenant]?.forEach(add) }
            } else {
                for number in 0..<directory.lastNumber { add(number + 1) }
            }
        } else {
            guard let numbers = try days[day].indexed.candidates(plan, &scanned) else { return }
            for number in numbers where directory.contains(number) && (tenants?.contains(directory[number].tenant) ?? true) {
                add(number)
            }
            days[day].chosen = numbers
        }
        scanned.blocks += list.count
        if list.isEmpty { days[day].release() } else { keepOpen(day) }
        queue.insert(contentsOf: list)
    }

    private mutating func keepOpen(_ day: Int) {
        guard days[day].indexed is ArchivedDay else { return }
        openArchives.append(day)
        if openArchives.count > Self.mostOpenArchives { days[openArchives.removeFirst()].release() }
    }

    /// Of a day that was opened before.
    private mutating func directory(of day: Int) -> BlockDirectory? {
        if let directory = days[day].directory { return directory }
        days[day].directory = days[day].indexed.reopen(&scanned)
        if days[day].directory != nil { keepOpen(day) }
        return days[day].directory
    }

    /// A question that needs one block will likely need more of those its terms chose. They are inflated by a thread that
    /// has nothing else to do, at first one block ahead and then more, so that little is inflated in vain.
    private mutating func readAhead() {
        searchedBlocks += 1
        aheadCount -= 1
        let furthest = min(Self.furthestAhead, searchedBlocks + 1)
        guard !plan.isEmpty, aheadCount < furthest / 2 else { return }
        let isFull = isFull
        // As many as it takes if the next blocks hold as many answers as those before.
        let missing = isFull ? furthest : (limit + 1 - hits.count) * searchedBlocks / max(1, hits.count) + 1
        let sources = queue.smallest(min(furthest, missing)).filter { $0.block > 0 && (!isFull || canBeat($0.bound)) }
        var more: [ReadAhead.Wanted] = []
        // Those before are the ones that were asked for last time.
        for source in sources.dropFirst(max(0, aheadCount)) { if let wanted = wanted(source) { more.append(wanted) } }
        // A file has one or two blocks of an actor, and those of the next file stand behind it.
        let next = isFull ? [] : older?.nextBlocks(min(furthest, missing) - sources.count) ?? []
        aheadCount = sources.count + next.count
        more += next
        let ahead = ahead
        if ahead.ask(for: more) { store.threads.offer { ahead.help() } }
    }

    private mutating func wanted(_ source: Source) -> ReadAhead.Wanted? {
        // A file that was replaced meanwhile may have other blocks.
        guard let directory = directory(of: Int(source.day)), directory.contains(source.block) else { return nil }
        let day = days[Int(source.day)]
        let extent = day.chosen.map { directory.extent(of: source.block, among: $0) } ?? .member
        return ReadAhead.Wanted(source.block, in: directory, day: day.indexed.day, upTo: extent)
    }

    private mutating func searchBlock(_ source: Source) {
        guard let wanted = wanted(source) else { return }
        ahead.reach(wanted, inflater)
        let block = store.lines(of: wanted.block, in: wanted.directory, day: wanted.day, upTo: wanted.extent, inflater, &scanned)
        guard let lines = block else {
            days[Int(source.day)].indexed.noteDamagedBlock(source.block)
            return
        }
        scanned.bytes += lines.count
        blockBytes += lines.count
        let tenant = wanted.directory[source.block].tenant
        lines.withUnsafeBytes { bytes in
            if filter.needle.isEmpty {
                searchAllLines(bytes, tenant)
            } else {
                searchHits(bytes, tenant, NeedleSearch(filter.needle))
            }
        }
    }

    private mutating func searchAllLines(_ bytes: UnsafeRawBufferPointer, _ tenant: UInt32) {
        var start = 0
        while let end = lineEnd(bytes, start) {
            consider(bytes, start..<end, tenant)
            start = end + 1
        }
    }

    private mutating func searchHits(_ bytes: UnsafeRawBufferPointer, _ tenant: UInt32, _ needle: NeedleSearch) {
        var at = 0
        while let hit = needle.first(in: bytes, from: at) {
            var start = hit
            while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
            guard let end = lineEnd(bytes, hit) else { return }
            consider(bytes, start..<end, tenant)
            at = end + 1
        }
    }

    private mutating func consider(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ tenant: UInt32) {
        scanned.events += 1
        let line = UnsafeRawBufferPointer(rebasing: bytes[range])
        guard let head = CanonicalLine(line) else { return }
        let key = EventKey(time: head.time, seq: head.seq, tenant: tenant)
        guard times.contains(key.time), isBehindCursor(key) else { return }
        if let worst = hits.first, isFull, !(descending ? worst.key < key : key < worst.key) { return }
        guard filter.matches(line, &scratch) else { return }
        // A copy: the answer would hold a whole member for each of its events otherwise.
        take(key) { ArraySlice(line) }
    }

    private mutating func page(stoppedAt: Int64?) -> SearchPage {
        var page = SearchPage()
        page.scanned = scanned
        let isFull = isFull
        var sorted: [Hit] = []
        while let hit = hits.popFirst() { sorted.append(hit) }
        sorted.reverse()
        if let stoppedAt {
            // Whatever the sources left could hold at this time or beyond it is not known yet.
            sorted.removeAll { descending ? $0.key.time <= stoppedAt : $0.key.time >= stoppedAt }
        }
        let isMore = isFull && !sorted.isEmpty
        if sorted.count > limit { sorted.removeLast(sorted.count - limit) }
        page.lines = sorted.map(\.line)
        if isMore, let last = sorted.last {
            page.nextCursor = SearchCursor(order: query.order, key: last.key).text
        } else if let stoppedAt {
            let edge = descending ? EventKey(time: stoppedAt, seq: .max, tenant: .max) : EventKey(time: stoppedAt, seq: 0, tenant: 0)
            page.nextCursor = SearchCursor(order: query.order, key: edge).text
        }
        return page
    }
}

/// Keeps the window's hits from growing beyond what the answer can use.
private struct FreshScan {
    let descending: Bool
    let limit: Int
    private var keys = Heap<Int64>()

    init(descending: Bool, limit: Int) {
        self.descending = descending
        self.limit = limit
    }

    /// Times are negated when ascending, so that the smallest is the worst.
    func isWanted(_ key: EventKey) -> Bool {
        guard keys.count > limit, let worst = keys.first else { return true }
        return (descending ? key.time : -key.time) >= worst
    }

    mutating func add(_ key: EventKey) {
        keys.insert(descending ? key.time : -key.time)
        if keys.count > limit + 1 { _ = keys.popFirst() }
    }
}

/// Offset of the newline at or behind `from`.
@inline(__always)
func lineEnd(_ bytes: UnsafeRawBufferPointer, _ from: Int) -> Int? {
    var at = from
    while at + 8 <= bytes.count {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) ^ 0x0A0A_0A0A_0A0A_0A0A
        let found = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
        if found != 0 { return at + (found.trailingZeroBitCount >> 3) }
        at += 8
    }
    while at < bytes.count {
        if bytes[at] == UInt8(ascii: "\n") { return at }
        at += 1
    }
    return nil
}
