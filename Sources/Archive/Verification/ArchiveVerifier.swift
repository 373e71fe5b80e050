import EventModel

/// Verifies archives, or parts of them, from their files and public keys alone.
package struct ArchiveVerifier {
    package struct Options: Sendable {
        /// At least one.
        package var keys: [VerifierKey]
        /// Files with checkpoints that are known from elsewhere.
        package var checkpoints: [String]
        /// Not all days of a tenant are meant to be here.
        package var isPartial: Bool
        /// Events files may lie elsewhere, as in object storage: a day without its file is not compared, and no finding.
        package var isWithoutEvents: Bool

        package init(keys: [VerifierKey], checkpoints: [String] = [], isPartial: Bool = false, isWithoutEvents: Bool = false) {
            self.keys = keys
            self.checkpoints = checkpoints
            self.isPartial = isPartial
            self.isWithoutEvents = isWithoutEvents
        }
    }

    private let options: Options
    private var report = VerificationReport()
    private var keys: TrustedKeys
    private var strays: [(tenant: String, day: Int64, line: SeenLine)] = []

    package init(_ options: Options) {
        self.options = options
        keys = TrustedKeys(options.keys)
    }

    /// Verifies what lies at `paths`: archives, tenants, days, events files, packs, proofs. `progress` gets bytes of events files
    /// done and in all, and the tenant. Throws `VerificationIOError` for a path that is none of these.
    package static func verify(
        _ paths: [String], _ options: Options, progress: (_ done: Int, _ total: Int, _ tenant: String) -> Void = { _, _, _ in }
    ) throws -> VerificationReport {
        var verifier = ArchiveVerifier(options)
        let plan = try VerificationPlan(paths, isPartial: options.isPartial)
        try verifier.run(plan, progress)
        return verifier.report
    }

    private mutating func run(_ plan: VerificationPlan, _ progress: (Int, Int, String) -> Void) throws {
        for folder in plan.recordFolders { try followKeys(folder) }
        let known = try readCheckpoints()
        var done = 0
        for tenant in plan.tenants {
            let verifier = TenantVerifier(
                name: tenant.name, folder: tenant.folder, dayPaths: tenant.days, isWhole: tenant.isWhole,
                isWithoutEvents: options.isWithoutEvents, keys: keys, known: known)
            let outcome = try verifier.run { bytes in
                done += bytes
                progress(done, plan.bytes, tenant.name)
            }
            report.tenants.append(outcome.tenant)
            report.findings += tenant.findings + outcome.findings
            report.events += outcome.events
            report.bytes += outcome.bytes
            report.fileBytes += outcome.fileBytes
            strays += outcome.strays.map { (tenant.name, $0.day, $0.line) }
        }
        for path in plan.proofs { try verifyProof(path) }
        report.findings += plan.findings
        judgeAbsent(known, plan)
        joinMoves()
    }

    /// Key records beside the tenants count for all of them.
    private mutating func followKeys(_ folder: String) throws {
        let shelf = try RecordShelf(folder: folder, tenant: nil, keys: &keys)
        report.findings += shelf.findings
    }

    private mutating func readCheckpoints() throws -> [KnownCheckpoints.Known] {
        var known: [KnownCheckpoints.Known] = []
        for path in options.checkpoints {
            guard let bytes = try VerificationInput.bytes(path) else {
                throw VerificationIOError(path: path, reason: "there is no such file")
            }
            do {
                let note = try SignedNote(bytes)
                if let fault = keys.fault(note, path: path, what: "The checkpoint", tenant: nil, day: nil) {
                    report.findings.append(fault)
                } else {
                    known.append(KnownCheckpoints.Known(path: path, checkpoint: try Checkpoint(note.text), isHourly: false))
                }
            } catch { throw VerificationIOError(path: path, reason: "it is no checkpoint: \(error)") }
        }
        return known
    }

    /// Known checkpoints of tenants of which nothing is here.
    private mutating func judgeAbsent(_ known: [KnownCheckpoints.Known], _ plan: VerificationPlan) {
        for item in known where !plan.tenants.contains(where: { $0.name == item.checkpoint.tenant }) && !plan.tenants.isEmpty {
            let tenant = item.checkpoint.tenant
            if plan.isArchive, item.checkpoint.day != nil, item.checkpoint.size > 0 {
                report.findings.append(
                    Finding(
                        .rolledBack, tenant: tenant, path: item.path,
                        "No folder of the tenant is here, but a checkpoint of \(item.checkpoint.size) leaves of it is known."))
            } else {
                report.findings.append(
                    Finding(.notCompared, .notice, tenant: tenant, path: item.path, "No tenant of this checkpoint is here."))
            }
        }
    }

    private mutating func verifyProof(_ path: String) throws {
        guard let bytes = try VerificationInput.bytes(path) else { throw VerificationIOError(path: path, reason: "there is no such file") }
        do {
            let proof = try LogProof(bytes)
            let text = String(decoding: proof.line, as: UTF8.self)
            var isGood = false
            defer {
                report.proofs.append(
                    VerificationReport.Proof(path: path, isGood: isGood, line: text, index: proof.index, checkpoint: proof.checkpoint.text))
            }
            if let fault = keys.fault(proof.checkpoint, path: path, what: "The checkpoint of the proof", tenant: nil, day: nil) {
                report.findings.append(fault)
                return
            }
            _ = try proof.verify(keys.keys)
            isGood = true
        } catch { report.findings.append(Finding(.proofWrong, path: path, "The proof does not hold: \(error).")) }
    }

    /// Says of a line that was met in another day or tenant whether it is missing where it belongs.
    private mutating func joinMoves() {
        for stray in strays {
            guard let home = stray.line.home, let seq = stray.line.seq else { continue }
            let gap = report.findings.firstIndex { finding in
                (finding.kind == .linesDropped || finding.kind == .linesMoved) && finding.tenant == home.tenant && finding.day == home.day
                    && finding.seqs.contains { $0.contains(seq) }
            }
            guard let gap, report.findings[gap].kind == .linesDropped else { continue }
            let place = "tenant \(stray.tenant) on \(Timestamp(milliseconds: stray.day * 86_400_000).day)"
            report.findings[gap].kind = .linesMoved
            report.findings[gap].text += " Seq \(seq) was moved to \(place)."
        }
    }
}
