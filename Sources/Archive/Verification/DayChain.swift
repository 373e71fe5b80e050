import EventModel

/// How the days of a tenant follow each other: manifests name the one before, trees begin with the one before.
struct DayChain {
    private(set) var findings: [Finding] = []
    /// Days whose manifest is vouched for, by its own checkpoint or by the manifest of a later day.
    private(set) var trusted: Set<Int64> = []
    /// Size and root of the tree at the end of a day, from its own checkpoint or the next day's manifest.
    private(set) var trees: [Int64: (size: UInt64, root: Digest)] = [:]

    /// `days`: ascending. `isWhole`: days that are missing are a finding, not only a part that is not here.
    init(_ days: [DayFolder], records: RecordShelf, isWhole: Bool) {
        for index in days.indices.reversed() {
            let day = days[index]
            if let checkpoint = day.checkpoint { trees[day.day] = (checkpoint.size, checkpoint.root) }
            if day.isManifestSigned { trusted.insert(day.day) }
            guard index + 1 < days.count, trusted.contains(days[index + 1].day), let later = days[index + 1].manifest,
                later.previous?.day == day.day
            else { continue }
            if trees[day.day] == nil { trees[day.day] = (later.tree.before.size, later.tree.before.root) }
            if later.previous?.digest == day.manifestDigest { trusted.insert(day.day) }
        }
        if let first = days.first { judge(first: first, isWhole: isWhole) }
        for (earlier, later) in zip(days, days.dropFirst()) { judge(earlier, later, records: records, isWhole: isWhole) }
    }

    private mutating func judge(first day: DayFolder, isWhole: Bool) {
        guard let previous = day.manifest?.previous else { return }
        let name = Timestamp(milliseconds: previous.day * 86_400_000).day
        if isWhole {
            add(
                .dayMissing, .critical, day, previous.day,
                "The manifest names \(name) as the day before; neither it nor any day before it is here.")
        } else {
            add(.incomplete, .notice, day, day.day, "Only a part of the tenant's days is here: those up to \(name) are not.")
        }
    }

    private mutating func judge(_ earlier: DayFolder, _ later: DayFolder, records: RecordShelf, isWhole: Bool) {
        guard let manifest = later.manifest else { return }
        let name = Timestamp(milliseconds: earlier.day * 86_400_000).day
        guard let previous = manifest.previous else {
            add(.chainBroken, .critical, later, later.day, "The manifest names no day before it, but \(name) is here.")
            return
        }
        let previousName = Timestamp(milliseconds: previous.day * 86_400_000).day
        if previous.day > earlier.day {
            if isWhole {
                add(
                    .dayMissing, .critical, later, previous.day,
                    "The manifest names \(previousName) as the day before, which is not here; the last one here is \(name).")
            } else {
                add(
                    .incomplete, .notice, later, later.day,
                    "Only a part of the tenant's days is here: those between \(name) and this one are not.")
            }
            judgeTree(earlier, manifest, later, isNext: false)
            return
        }
        if previous.day < earlier.day {
            add(
                .chainBroken, .critical, later, later.day,
                "The manifest names \(previousName) as the day before: \(name) was put in between.")
            return
        }
        // The manifest that was named may since have been replaced by erasures.
        let replaced = earlier.manifest?.erasures.compactMap { records.erasures[$0]?.manifestBefore } ?? []
        if previous.digest != earlier.manifestDigest, !replaced.contains(previous.digest), earlier.isManifestSigned {
            add(
                .chainBroken, .critical, later, later.day,
                "The manifest of \(name) is signed, but is not the one that this day's manifest names.")
        }
        judgeTree(earlier, manifest, later, isNext: true)
    }

    private mutating func judgeTree(_ earlier: DayFolder, _ manifest: Manifest, _ later: DayFolder, isNext: Bool) {
        guard let tree = earlier.checkpoint, trusted.contains(later.day) else { return }
        let name = Timestamp(milliseconds: earlier.day * 86_400_000).day
        if isNext, tree.size != manifest.tree.before.size || tree.root != manifest.tree.before.root {
            add(
                .treeBroken, .critical, later, later.day,
                "The tree does not begin where that of \(name) ends: \(tree.size) leaves there, \(manifest.tree.before.size) here.")
        } else if tree.size > manifest.tree.before.size {
            add(.treeBroken, .critical, later, later.day, "The tree is smaller than that of \(name).")
        }
    }

    private mutating func add(_ kind: Finding.Kind, _ severity: Finding.Severity, _ folder: DayFolder, _ day: Int64, _ text: String) {
        findings.append(Finding(kind, severity, tenant: folder.tenant, day: day, path: folder.path + "/" + Manifest.fileName, text))
    }
}
