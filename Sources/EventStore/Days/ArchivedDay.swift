/// A file of one tenant. There may be thousands, here or far away, so one that cannot be read is named, and the others
/// answer on.
struct ArchivedDay: IndexedDay {
    let older: any OlderDays
    let file: OlderDay
    private var index: (any OlderDayIndex)?
    /// Found before its turn.
    private var chosen: [UInt32]?
    /// Of those, the ones that were fetched, in the order in which they will be searched.
    private var fetched: [UInt32] = []
    private var preparation = Preparation.none

    /// How far what a lookup will read of it was fetched before its turn. Each step reads what the one before had fetched.
    private enum Preparation {
        case none, opening, terms, blocks, impossible
    }

    /// Blocks that are fetched before a file's turn: an actor has one or two in a day, and what has many will not need them
    /// all before its turn.
    private static let preparedBlocks = 8

    var day: Int64 { file.day }

    init(_ file: OlderDay, _ older: any OlderDays) {
        self.file = file
        self.older = older
    }

    mutating func open(_ scanned: inout Scanned) -> BlockDirectory? { opened(&scanned)?.blocks.directory }

    /// Called once, when it is the file's turn.
    mutating func opened(_ scanned: inout Scanned) -> (any OlderDayIndex)? {
        scanned.archives += 1
        if let index { return index }
        do {
            index = try older.open(file, bytesRead: &scanned.archiveBytes)
            return index
        } catch {
            note(error, &scanned)
            return nil
        }
    }

    mutating func release() {
        index = nil
        chosen = nil
    }

    mutating func reopen(_ scanned: inout Scanned) -> BlockDirectory? {
        do { index = try older.open(file, bytesRead: &scanned.archiveBytes) } catch { note(error, &scanned) }
        return index?.blocks.directory
    }

    mutating func candidates(_ plan: TermPlan, _ scanned: inout Scanned) -> [UInt32]? {
        if let chosen { return chosen }
        guard let index else { return nil }
        do { return try candidates(plan, index, &scanned) } catch {
            note(error, &scanned)
            return nil
        }
    }

    private func candidates(_ plan: TermPlan, _ index: any OlderDayIndex, _ scanned: inout Scanned) throws -> [UInt32]? {
        try plan.blocks { range in
            scanned.termSeeks += 1
            return try index.candidates(range, bytesRead: &scanned.archiveBytes)
        }
    }

    // MARK: Before its turn

    /// Has the end of the file fetched, which opening reads.
    mutating func prepareOpening() {
        guard preparation == .none else { return }
        preparation = older.prepare(file) ? .opening : .impossible
    }

    /// Opens it and has fetched what looking up the plan's terms reads. What fails is met again, and told, at its turn.
    mutating func prepareTerms(_ plan: TermPlan, _ scanned: inout Scanned) {
        guard preparation == .opening else { return }
        index = try? older.open(file, bytesRead: &scanned.archiveBytes)
        preparation = index == nil ? .impossible : .terms
        if let index { plan.forEachFirst { index.prepare($0) } }
    }

    /// Looks the terms up and has their first blocks fetched.
    mutating func prepareBlocks(_ plan: TermPlan, _ times: Range<Int64>, _ order: SearchOrder, _ scanned: inout Scanned) {
        guard preparation == .terms, let index else { return }
        preparation = .blocks
        chosen = (try? candidates(plan, index, &scanned)) ?? nil
        let directory = index.blocks.directory
        let numbers = order == .descending ? (chosen ?? []).reversed() : chosen ?? []
        for number in numbers where fetched.count < Self.preparedBlocks && directory.contains(number) {
            let entry = directory[number]
            guard entry.minTime < times.upperBound, entry.maxTime >= times.lowerBound else { continue }
            fetched.append(number)
            let start = Int(entry.location.offset)
            directory.file(of: number)?.prepare(start..<start + Int(entry.location.length))
        }
    }

    /// Whether its terms were looked up before its turn.
    var isLookedInto: Bool { preparation == .blocks }

    /// Blocks that were fetched before its turn, to be inflated before it as well.
    var nextBlocks: [ReadAhead.Wanted] {
        guard let directory = index?.blocks.directory, let chosen else { return [] }
        return fetched.map { ReadAhead.Wanted($0, in: directory, day: day, upTo: directory.extent(of: $0, among: chosen)) }
    }

    // MARK: Damage

    func note(_ error: any Error, _ scanned: inout Scanned) {
        scanned.damagedBlocks += 1
        older.noteDamage(file, reason: "\(error)")
    }

    func noteDamagedBlock(_ number: UInt32) { older.noteDamage(file, reason: "block \(number) cannot be read") }
}
