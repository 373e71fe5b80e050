import Archive
import EventModel

/// What a verification found, for people and for scripts.
enum VerifyReport {
    // MARK: People

    /// A line a tenant and proof, a paragraph a finding, a verdict.
    static func lines(_ report: VerificationReport, seconds: Double) -> [String] {
        var lines: [String] = []
        for tenant in report.tenants { lines.append(line(tenant, report)) }
        for proof in report.proofs where proof.isGood {
            lines.append("\(proof.path): good, event \(proof.index) of \(proof.checkpoint.prefix { $0 != "\n" })")
            lines.append(TextWidth.harmless(proof.line))
        }
        for finding in report.findings.sorted(by: { $0.severity > $1.severity }) { lines += ["", title(finding)] + body(finding) }
        lines += ["", verdict(report)]
        if report.events > 0 { lines.append(speed(report, seconds: seconds)) }
        return lines.first == "" ? Array(lines.dropFirst()) : lines
    }

    private static func line(_ tenant: VerificationReport.Tenant, _ report: VerificationReport) -> String {
        let bad = report.findings.filter { $0.tenant == tenant.name && $0.severity > .info }
        let days = tenant.days == 0 ? "no sealed day" : "\(name(tenant.firstDay)) to \(name(tenant.lastDay)), \(tenant.days) days"
        var parts = [tenant.name, days, "\(Numbers.grouped(tenant.events)) events good"]
        if tenant.prunedDays > 0 { parts.append("\(tenant.prunedDays) days pruned") }
        if let signer = tenant.signer { parts.append("signed by \(signer)") }
        parts.append(bad.isEmpty ? "good" : bad.count == 1 ? "1 finding" : "\(bad.count) findings")
        return TextWidth.harmless(parts.joined(separator: "  "))
    }

    private static func title(_ finding: Finding) -> String {
        var parts = [finding.severity.rawValue.uppercased(), finding.kind.rawValue]
        if let tenant = finding.tenant { parts.append("tenant \(tenant)") }
        if let day = finding.day { parts.append(name(day)) }
        if let block = finding.block { parts.append("block \(block)") }
        return TextWidth.harmless(parts.joined(separator: "  "))
    }

    private static func body(_ finding: Finding) -> [String] {
        ["  " + TextWidth.harmless(finding.text), "  " + TextWidth.harmless(finding.path)]
    }

    private static func verdict(_ report: VerificationReport) -> String {
        let counts = Finding.Severity.allCases.reversed().map { severity in
            (severity, report.findings.count { $0.severity == severity })
        }
        let told = counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0.rawValue)" }.joined(separator: ", ")
        let suffix = told.isEmpty ? "" : " (\(told))"
        return switch report.result {
        case .good: "Everything is as it was sealed\(suffix)."
        case .tampered: "Not everything is as it was sealed\(suffix)."
        case .unreadable: "Not everything could be read\(suffix)."
        case .incomplete: "What is here is as it was sealed, but not everything could be checked\(suffix)."
        }
    }

    private static func speed(_ report: VerificationReport, seconds: Double) -> String {
        let rate = seconds > 0 ? Double(report.bytes) / 1e6 / seconds : 0
        return "\(Numbers.grouped(report.events)) events, \(Numbers.bytes(report.bytes)) of lines in \(Numbers.bytes(report.fileBytes)), "
            + "\(Numbers.fixed(seconds, 2)) s: \(Numbers.fixed(rate, 0)) MB/s, \(Numbers.grouped(Int(Double(report.events) / max(seconds, 1e-9)))) events/s"
    }

    private static func name(_ day: Int64) -> String { Timestamp(milliseconds: day * 86_400_000).day }

    // MARK: Scripts

    static func json(_ report: VerificationReport, seconds: Double) -> String {
        JSONDocument.object([
            ("result", .string(report.result.rawValue)), ("exit_code", .number(Int(VerifyCommand.exitCode(report.result)))),
            ("events", .number(report.events)), ("bytes", .number(report.bytes)), ("file_bytes", .number(report.fileBytes)),
            ("milliseconds", .number(Int(seconds * 1000))), ("tenants", .array(report.tenants.map(document))),
            ("proofs", .array(report.proofs.map(document))), ("findings", .array(report.findings.map(document))),
        ]).line()
    }

    private static func document(_ tenant: VerificationReport.Tenant) -> JSONDocument {
        .object([
            ("tenant", .string(tenant.name)), ("days", .number(tenant.days)),
            ("first_day", tenant.days == 0 ? .null : .string(name(tenant.firstDay))),
            ("last_day", tenant.days == 0 ? .null : .string(name(tenant.lastDay))), ("good_events", .number(tenant.events)),
            ("pruned_days", .number(tenant.prunedDays)), ("tree_size", .number(Int(tenant.size))),
            ("root", tenant.root.map { .string($0.base64) } ?? .null), ("signer", tenant.signer.map { .string($0) } ?? .null),
        ])
    }

    private static func document(_ proof: VerificationReport.Proof) -> JSONDocument {
        .object([
            ("path", .string(proof.path)), ("good", .string(proof.isGood ? "yes" : "no")), ("index", .number(Int(clamping: proof.index))),
            ("line", .string(proof.line)), ("checkpoint", .string(proof.checkpoint)),
        ])
    }

    private static func document(_ finding: Finding) -> JSONDocument {
        .object([
            ("severity", .string(finding.severity.rawValue)), ("kind", .string(finding.kind.rawValue)),
            ("tenant", finding.tenant.map { .string($0) } ?? .null), ("day", finding.day.map { .string(name($0)) } ?? .null),
            ("block", finding.block.map { .number($0) } ?? .null),
            ("seqs", .array(finding.seqs.map { .array([.number(Int(clamping: $0.lowerBound)), .number(Int(clamping: $0.upperBound))]) })),
            ("path", .string(finding.path)), ("text", .string(finding.text)),
        ])
    }
}
