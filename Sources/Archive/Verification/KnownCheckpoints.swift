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
    init(tenant: String, folder: String, given: [Known], keys: TrustedKeys) {
        self.tenant = tenant
        known = given.filter { $0.checkpoint.tenant == tenant }
        let hourly = folder + "/_hourly"
        var names: [String] = []
        do { names = try VerificationInput.names(hourly) } catch { findings.append(error.finding(tenant: tenant)) }
        for name in names where !name.hasPrefix(".") {
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
            } catch let error as VerificationIOError {
                findings.append(error.finding(tenant: tenant))
            } catch {
                findings.append(Finding(.checkpointChanged, tenant: tenant, path: path, "The hourly checkpoint cannot be read: \(error)."))
            }
        }
    }

    /// Sizes at which the lines of a day are asked for the tree's root.
    func sizes(in leaves: Range<UInt64>) -> [UInt64] {
        Set(known.map(\.checkpoint.size)).filter { $0 > leaves.lowerBound && $0 < leaves.upperBound }.sorted()
    }

    /// `days`: ascending, `trees`: size and root at their ends; `roots`: those the lines gave in between. `isWhole`: the end of
    /// the days is the end of the archive.
    mutating func judge(
        _ days: [DayFolder], trees: [Int64: (size: UInt64, root: Digest)], roots: [UInt64: Digest], records: RecordShelf, isWhole: Bool
    ) {
        var roots = roots
        roots[0] = MerkleHash.empty
        for day in days {
            guard let tree = trees[day.day] else { continue }
            roots[tree.size] = tree.root
            if let before = day.manifest?.tree.before { roots[before.end] = before.root }
        }
        var end: (day: Int64, size: UInt64)
        if let last = days.last(where: { trees[$0.day] != nil }), let tree = trees[last.day] {
            end = (last.day, tree.size)
        } else {
            // Without one sealed day, only the day of the first known checkpoint can be open still.
            guard days.isEmpty, let first = known.compactMap({ Self.day($0.checkpoint) }).min() else { return }
            end = (first - 1, 0)
        }
        for item in known {
            if isWhole, let reason = cutOff(item, end: end) {
                let name = Timestamp(milliseconds: end.day * 86_400_000).day
                let whole = days.isEmpty ? "it holds no day" : "it ends with \(name) and \(end.size) leaves"
                add(.rolledBack, item, end.day, "The archive was rolled back: \(whole), but \(reason).")
            } else if item.checkpoint.size <= end.size {
                compare(item, days, roots: roots, day: end.day, records: records)
            } else if !item.isHourly {
                add(.notCompared, item, end.day, severity: .notice, "The checkpoint is ahead of the days that are here.")
            }
        }
    }

    private mutating func compare(_ item: Known, _ days: [DayFolder], roots: [UInt64: Digest], day last: Int64, records: RecordShelf) {
        let checkpoint = item.checkpoint
        guard let root = roots[checkpoint.size] else {
            add(
                .notCompared, item, last, severity: .notice,
                "The checkpoint of size \(checkpoint.size) could not be compared: the events around it are pruned, damaged or not here.")
            return
        }
        if root != checkpoint.root {
            add(
                .forked, item, last,
                "The history was replaced: at \(checkpoint.size) leaves this checkpoint, signed by the same key, has the root "
                    + "\(checkpoint.root.base64), the archive \(root.base64).")
            return
        }
        guard let day = checkpoint.day, let folder = days.first(where: { $0.day == day }), let manifest = checkpoint.manifest else {
            return
        }
        let before = folder.manifest?.erasures.compactMap { records.erasures[$0]?.manifestBefore } ?? []
        if folder.isManifestSigned, manifest != folder.manifestDigest, !before.contains(manifest) {
            let name = Timestamp(milliseconds: day * 86_400_000).day
            add(.forked, item, day, "This checkpoint signs another manifest of \(name) than the one that is here.")
        }
    }

    /// Why the archive must once have been longer.
    private func cutOff(_ item: Known, end: (day: Int64, size: UInt64)) -> String? {
        if let day = item.checkpoint.day {
            guard day > end.day || item.checkpoint.size > end.size else { return nil }
            return "a checkpoint of \(Timestamp(milliseconds: day * 86_400_000).day) with \(item.checkpoint.size) leaves is known"
        }
        guard let hour = item.checkpoint.openHour else { return nil }
        // A day is sealed shortly after its end. Two hours into the day after next, the next day is missing.
        let isLate = hour >= (end.day + 2) * 24 + 2
        let isSealed = hour < (end.day + 1) * 24
        guard isLate || isSealed && item.checkpoint.size > end.size else { return nil }
        return "a checkpoint of \(Timestamp(milliseconds: hour * 3_600_000)) with \(item.checkpoint.size) leaves is known"
    }

    /// The day whose events the checkpoint ends with, sealed or open.
    private static func day(_ checkpoint: Checkpoint) -> Int64? { checkpoint.day ?? checkpoint.openHour.map { $0 / 24 } }

    private mutating func add(_ kind: Finding.Kind, _ item: Known, _ day: Int64, severity: Finding.Severity = .critical, _ text: String) {
        findings.append(Finding(kind, severity, tenant: tenant, day: day, path: item.path, text))
    }
}
