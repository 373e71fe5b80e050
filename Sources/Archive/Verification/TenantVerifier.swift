import EventModel

/// Verifies some or all days of one tenant: first notes and manifests of all of them, then the events, a day at a time.
struct TenantVerifier {
    struct Outcome {
        var tenant: VerificationReport.Tenant
        var findings: [Finding] = []
        var strays: [(day: Int64, line: SeenLine)] = []
        var events = 0
        var bytes = 0
        var fileBytes = 0
        /// Days whose events lie elsewhere, and how many events these are.
        var daysElsewhere: [Int64] = []
        var eventsElsewhere = 0
    }

    let name: String
    /// The tenant's folder, whose `_records` and `_hourly` are read.
    let folder: String
    /// Folders of days.
    let dayPaths: [String]
    /// Whether all days of the tenant are meant to be here.
    let isWhole: Bool
    /// Whether events files may be missing.
    let isWithoutEvents: Bool
    let keys: TrustedKeys
    let known: [KnownCheckpoints.Known]

    func run(progress: (Int) -> Void) throws -> Outcome {
        var outcome = Outcome(tenant: VerificationReport.Tenant(name: name))
        var keys = keys
        let records = try RecordShelf(folder: folder + "/" + SignedRecord.folderName, tenant: name, keys: &keys)
        outcome.findings += records.findings
        let days = dayPaths.map { path in
            DayFolder(path: path, tenant: name == "?" ? nil : name, day: Self.day(path), keys: keys)
        }.sorted { $0.day < $1.day }
        let chain = DayChain(days, records: records, isWhole: isWhole)
        outcome.findings += days.flatMap(\.findings) + chain.findings
        var known = KnownCheckpoints(tenant: name, folder: folder, given: known, keys: keys)
        var roots: [UInt64: Digest] = [:]
        var before: CompactRange?
        for day in days {
            let isTrusted = chain.trusted.contains(day.day) && day.manifest != nil
            if isTrusted { before = day.manifest?.tree.before }
            let found = try verify(
                day, isTrusted: isTrusted, chain: chain, before: before, records: records, known: known, progress, &outcome)
            roots.merge(found) { first, _ in first }
            before = isTrusted ? day.manifest?.tree.after : nil
        }
        noteElsewhere(&outcome)
        judgeUnusedErasures(days, records, &outcome)
        known.judge(days, trees: chain.trees, roots: roots, records: records, isWhole: isWhole)
        outcome.findings += known.findings
        outcome.tenant.days = days.count
        outcome.tenant.firstDay = days.first?.day ?? 0
        outcome.tenant.lastDay = days.last?.day ?? 0
        if let last = days.last(where: { $0.checkpoint != nil }) {
            outcome.tenant.size = last.checkpoint?.size ?? 0
            outcome.tenant.root = last.checkpoint?.root
            outcome.tenant.signer = last.signer
        }
        return outcome
    }

    /// Verifies the events of a day, or says why they are not there. Answers roots that were asked for.
    private func verify(
        _ day: DayFolder, isTrusted: Bool, chain: DayChain, before: CompactRange?, records: RecordShelf, known: KnownCheckpoints,
        _ progress: (Int) -> Void, _ outcome: inout Outcome
    ) throws -> [UInt64: Digest] {
        let path = day.path + "/" + DayFolder.eventsName
        let file = isTrusted ? day.manifest?.contents?.file : nil
        guard day.hasEvents else {
            guard let file else { return [:] }
            if let prune = records.prunes[day.day], prune.file.digest == file.digest {
                outcome.tenant.prunedDays += 1
                let when = Timestamp(milliseconds: prune.record.at)
                outcome.findings.append(
                    Finding(
                        .pruned, .info, tenant: name, day: day.day, path: path,
                        "The events were deleted on \(when) as the plan \"\(prune.record.plan)\" says (record \(prune.name))."))
            } else if isWithoutEvents {
                outcome.daysElsewhere.append(day.day)
                outcome.eventsElsewhere += day.manifest?.contents?.events ?? 0
            } else {
                outcome.findings.append(
                    Finding(
                        .eventsMissing, tenant: name, day: day.day, path: path,
                        "The events file is missing, and no valid record says that it was pruned: "
                            + "\(day.manifest?.contents?.events ?? 0) events. If archive.local_days removed it, --without-events says so; "
                            + "the events are verified where they are stored."))
            }
            return [:]
        }
        if isTrusted, file == nil {
            outcome.findings.append(
                Finding(
                    .eventsUnexpected, tenant: name, day: day.day, path: path, "The day was sealed without events, but has an events file.")
            )
            return [:]
        }
        let tree = chain.trees[day.day]
        let wanted = before.flatMap { before in tree.map { known.sizes(in: before.end..<max(before.end, $0.size)) } } ?? []
        do {
            let events = try DayEvents(
                day, isManifestTrusted: isTrusted, tree: tree, before: before, records: records, rootsWanted: wanted, progress: progress)
            outcome.findings += events.findings
            outcome.strays += events.strays.map { (day.day, $0) }
            outcome.events += events.events
            outcome.bytes += events.bytes
            outcome.fileBytes += events.fileBytes
            if events.isGood { outcome.tenant.events += events.events }
            return events.isGood ? events.roots : [:]
        } catch {
            outcome.findings.append(
                Finding(.unreadable, .unreadable, tenant: name, day: day.day, path: path, "The file cannot be read: \(error)."))
            return [:]
        }
    }

    /// One notice for all of them: it may be years of days.
    private func noteElsewhere(_ outcome: inout Outcome) {
        guard let first = outcome.daysElsewhere.first, let last = outcome.daysElsewhere.last else { return }
        let days = [first, last].map { Timestamp(milliseconds: $0 * 86_400_000).day }
        outcome.findings.append(
            Finding(
                .notCompared, .notice, tenant: name, path: folder,
                "The events files of \(outcome.daysElsewhere.count) days, \(days[0]) to \(days[1]), are not here: "
                    + "\(outcome.eventsElsewhere) events were not compared."))
    }

    private func judgeUnusedErasures(_ days: [DayFolder], _ records: RecordShelf, _ outcome: inout Outcome) {
        for (record, erasure) in records.erasures.sorted(by: { $0.key < $1.key }) {
            guard let day = days.first(where: { $0.day == erasure.day }), let manifest = day.manifest,
                !manifest.erasures.contains(record)
            else { continue }
            outcome.findings.append(
                Finding(
                    .recordUnused, .warning, tenant: name, day: day.day, path: folder + "/" + SignedRecord.folderName + "/" + record,
                    "The record says that lines were erased, but the day's manifest does not name it: the file from before the erasure may "
                        + "have been put back."))
        }
    }

    /// From the name `day=2026-11-20`.
    static func day(_ path: String) -> Int64? {
        let name = VerificationInput.name(path)
        guard name.hasPrefix("day=") else { return nil }
        return Timestamp(day: String(name.dropFirst(4)))?.dayNumber
    }
}
