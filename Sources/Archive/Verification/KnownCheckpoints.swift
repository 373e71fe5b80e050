import EventModel

/// Checkpoints that were given out before, kept elsewhere or by the hour, held against the days that are here: they show a
/// history that was cut off or replaced, which a whole archive, signed anew, does not show by itself.
struct KnownCheckpoints {
    struct Known {
        var path: String
        var checkpoint: Checkpoint
        /// One of `_hourly/`, which goes with the archive; others come from outside.
        var isHourly: Bool
    }

    private(set) var findings: [Finding] = []
    private(set) var known: [Known] = []
    let tenant: String

    /// Reads `_hourly` of the tenant and takes those of `given` that are of the tenant.
    init(tenant: String, folder: String, given: [Known], keys: TrustedKeys) throws {
        self.tenant = tenant
        known = given.filter { $0.checkpoint.tenant == tenant }
        let hourly = folder + "/_hourly"
        for name in try VerificationInput.names(hourly) where !name.hasPrefix(".") {
            let path = hourly + "/" + name
            do {
                let note = try SignedNote(try VerificationInput.bytes(path) ?? [])
                if let fault = keys.fault(note, path: path, what: "The hourly checkpoint", tenant: tenant, day: nil) {
                    findings.append(fault)
                    continue
                }
                let checkpoint = try Checkpoint(note.text)
                guard checkpoint.tenant == tenant, let hour = checkpoint.openHour,
                    Timestamp(milliseconds: hour * 3_600_000).description.hasPrefix(name)
                else {
                    findings.append(Finding(.folderMoved, tenant: tenant, path: path, "It is not the checkpoint of this tenant and hour."))
                    continue
                }
                known.append(Known(path: path, checkpoint: checkpoint, isHourly: true))
            } catch let error as NoteError {
                findings.append(Finding(.checkpointChanged, tenant: tenant, path: path, "The hourly checkpoint cannot be read: \(error)."))
            }
        }
    }

    /// Sizes at which the lines of a day are asked for the tree's root.
    func sizes(in leaves: Range<UInt64>) -> [UInt64] {
        Set(known.map(\.checkpoint.size)).filter { $0 > leaves.lowerBound && $0 < leaves.upperBound }.sorted()
    }

    /// `days`: ascending, `trees`: size and root at their ends; `roots`: those the lines gave in between.
    mutating func judge(_ days: [DayFolder], trees: [Int64: (size: UInt64, root: Digest)], roots: [UInt64: Digest], records: RecordShelf) {
        guard let last = days.last(where: { trees[$0.day] != nil }), let end = trees[last.day] else { return }
        var boundaries: [UInt64: Digest] = [0: MerkleHash.empty]
        for day in days {
            if let before = day.manifest?.tree.before, trees[day.day] != nil { boundaries[before.end] = before.root }
        }
        for (_, tree) in trees { boundaries[tree.size] = tree.root }
        for item in known { judge(item, days, last: last, end: end, known: boundaries.merging(roots) { $1 }, records: records) }
    }

    private mutating func judge(
        _ item: Known, _ days: [DayFolder], last: DayFolder, end: (size: UInt64, root: Digest), known roots: [UInt64: Digest],
        records: RecordShelf
    ) {
        let checkpoint = item.checkpoint
        let lastName = Timestamp(milliseconds: last.day * 86_400_000).day
        if let reason = cutOff(item, last: last, end: end.size) {
            add(.rolledBack, item, last.day, "The archive was rolled back: it ends with \(lastName) and \(end.size) leaves, but \(reason).")
            return
        }
        // The day that is open has no manifest yet.
        guard checkpoint.size <= end.size else { return }
        guard let root = roots[checkpoint.size] else {
            add(
                .notCompared, item, last.day, severity: .notice,
                "The checkpoint of size \(checkpoint.size) could not be compared: the events around it are pruned, damaged or not here.")
            return
        }
        if root != checkpoint.root {
            add(
                .forked, item, last.day,
                "The history was replaced: at \(checkpoint.size) leaves this checkpoint, signed by the same key, has the root "
                    + "\(checkpoint.root.base64), the archive \(root.base64).")
            return
        }
        guard let day = checkpoint.day, let folder = days.first(where: { $0.day == day }), let manifest = checkpoint.manifest else {
            return
        }
        let before = folder.manifest?.erasures.compactMap { records.erasures[$0]?.manifestBefore } ?? []
        if folder.isManifestSigned, manifest != folder.manifestDigest, !before.contains(manifest) {
            add(
                .forked, item, day,
                "This checkpoint signs another manifest of \(Timestamp(milliseconds: day * 86_400_000).day) than the one that is here.")
        }
    }

    /// Why the archive must once have been longer.
    private func cutOff(_ item: Known, last: DayFolder, end: UInt64) -> String? {
        if let day = item.checkpoint.day {
            guard day > last.day || item.checkpoint.size > end else { return nil }
            return "a checkpoint of \(Timestamp(milliseconds: day * 86_400_000).day) with \(item.checkpoint.size) leaves is known"
        }
        guard let hour = item.checkpoint.openHour else { return nil }
        // A day is sealed shortly after its end. Two hours into the day after next, the next day is missing.
        let isLate = hour >= (last.day + 2) * 24 + 2
        let isSealed = hour < (last.day + 1) * 24
        guard isLate || isSealed && item.checkpoint.size > end else { return nil }
        return "a checkpoint of \(Timestamp(milliseconds: hour * 3_600_000)) with \(item.checkpoint.size) leaves is known"
    }

    private mutating func add(_ kind: Finding.Kind, _ item: Known, _ day: Int64, severity: Finding.Severity = .critical, _ text: String) {
        findings.append(Finding(kind, severity, tenant: tenant, day: day, path: item.path, text))
    }
}
