import DaybookClient

/// What the pages of an answer cost beyond the store, for whoever wonders why it took so long, or what is missing.
struct LookupCost {
    private var archives = 0
    private var archiveBytes = 0
    /// Of the answer that met most: pages meet the same ones again.
    private var damagedBlocks = 0
    private var answers = 0

    /// `scanned`: that member of an answer.
    mutating func add(_ scanned: JSONText?) {
        archives += scanned?["archives"]?.integer ?? 0
        archiveBytes += scanned?["archive_bytes"]?.integer ?? 0
        answers += 1
        damagedBlocks = max(damagedBlocks, scanned?["damaged_blocks"]?.integer ?? 0)
    }

    /// Events are missing.
    var isIncomplete: Bool { damagedBlocks > 0 }

    /// What is missing; `nil` when nothing is.
    var damage: String? {
        guard damagedBlocks > 0 else { return nil }
        let count = (answers > 1 ? "At least " : "") + Numbers.grouped(damagedBlocks)
        return "\(count) blocks could not be read; their events are missing. See /health/ready."
    }

    /// `nil` when there is nothing to say.
    var note: String? {
        var notes: [String] = []
        if archives > 0 {
            notes.append("\(Numbers.grouped(archives)) archived files were asked, and \(Numbers.bytes(archiveBytes)) of them read.")
        }
        if let damage { notes.append(damage) }
        return notes.isEmpty ? nil : notes.joined(separator: " ")
    }
}
