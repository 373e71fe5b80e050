import Archive
import ArgumentParser
import DaybookClient
import EventModel
import Foundation

struct RetrieveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieve",
        abstract: "Make a pack of a tenant's events for somebody who has no access: events, manifests, checkpoints, proofs.",
        discussion: """
            Days are those on which events were received (UTC). Without --where the pack has the sealed files of these days as they \
            are, and the events of days that are not sealed yet; with it the matching events alone, and a proof for each of a sealed \
            day. A README.txt tells the receiver how to read and verify it. The server records who asked, for what and why, in the \
            tenant's own log, before it gives anything.

            It asks before more than 100 MB or a million events are read; without a terminal --yes is the answer. Interrupted, it \
            leaves FILE.partial, and the same command goes on from there.

            Exit codes: 0 the pack holds everything that was asked for; 3 it was made, but something could not be read on the \
            server: README.txt and _pack.json name and count it, FILE.partial stays, and the same command goes on from there and \
            replaces the pack; 1 there is no pack, or what came is not what was sealed; 64 the command cannot be parsed.

            Examples:
              daybook retrieve --tenant acme --from 2026-11-01 --to 2026-11-20 -o acme.zip --reason "ticket 4711"
              daybook retrieve --tenant acme --from 2026-11-01 --to 2026-11-20 --where 'changes.role:admin' --format csv -o roles.zip
            """)

    @OptionGroup var server: ServerOptions
    @Option(help: "The tenant.") var tenant: String
    @Option(help: ArgumentHelp("First received-day, such as 2026-11-01.", valueName: "day")) var from: String
    @Option(help: ArgumentHelp("Last received-day.", valueName: "day")) var to: String
    @Option(name: .customLong("where"), help: ArgumentHelp("Only events that match, as `daybook search` reads it.", valueName: "query"))
    var query: String?
    @Option(help: ArgumentHelp("ndjson, or csv for a table besides.", valueName: "format")) var format: Format = .ndjson
    @Option(help: "Why; recorded, and written into the pack.") var reason: String?
    @Option(name: [.short, .long], help: ArgumentHelp("File to write.", valueName: "file")) var output: String
    @Flag(help: "Do not ask before large work.") var yes = false
    @Flag(help: "What was done as one JSON object.") var json = false

    enum Format: String, ExpressibleByArgument, CaseIterable { case ndjson, csv }

    func validate() throws {
        guard TenantName.isValid(tenant) else { throw ValidationError("\(tenant) cannot be the name of a tenant.") }
        for (name, text) in [("from", from), ("to", to)] where ArchiveFolder.day(text) == nil {
            throw ValidationError("--\(name) must be a date such as 2026-11-20, not \(text).")
        }
        guard from <= to else { throw ValidationError("--from lies behind --to.") }
        if let query, query.allSatisfy(\.isWhitespace) { throw ValidationError("--where holds no query.") }
    }

    private var request: RetrieveRequest {
        RetrieveRequest(
            tenant: tenant, from: ArchiveFolder.day(from) ?? 0, to: ArchiveFolder.day(to) ?? 0, query: query, reason: reason,
            wantsCSV: format == .csv)
    }

    func run() async throws {
        var settings = DaybookClient.Settings()
        // A proof reads its day from the first event to the last.
        settings.answerTimeout = .seconds(600)
        let client = try server.client(settings: settings)
        try await server.explaining { _ = try await retrieve(client) }
    }

    /// `probe`: called behind each step.
    @discardableResult
    func retrieve(_ client: DaybookClient, probe: @escaping (String) throws -> Void = { _ in }) async throws -> RetrieveRun.Result {
        // One that lacked something may be made again.
        guard !FileManager.default.fileExists(atPath: output) || RetrieveFolder.isIncomplete(output + ".partial") else {
            throw CommandFailure("\(output) is there already.", advice: "Remove it, or give another --output.")
        }
        let request = request
        let listing = try await RetrieveListing.read(client, request)
        guard !listing.days.isEmpty || !listing.open.isEmpty || listing.reachesOpenDays(request) else {
            throw CommandFailure(
                "There is nothing of \(tenant) from \(from) to \(to).", advice: "`daybook archive list --tenant \(tenant)` shows its days.")
        }
        if !json { StandardError.line("\(tenant), \(from) to \(to): \(listing.summary)\(query == nil ? "" : " to search").") }
        if listing.isLarge, !yes { try confirm(listing) }
        let run = try await RetrieveRun(client, request, output: output, probe: probe)
        if run.result.isResumed, !json { StandardError.line("An earlier run did not get everything; this one goes on with what it left.") }
        try await run.run()
        report(run)
        if run.isTampered { throw ExitCode(1) }
        if run.pack.isIncomplete { throw ExitCode(3) }
        return run.result
    }

    private func confirm(_ listing: RetrieveListing) throws {
        guard isatty(STDIN_FILENO) == 1, Terminal.errorIsTerminal else {
            throw CommandFailure(
                "That is large: \(listing.summary). Without a terminal nobody can be asked.", advice: "Add --yes to retrieve it.")
        }
        FileHandle.standardError.write(Data("That is large. Retrieve it? [y/N] ".utf8))
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased().trimmingCharacters(in: .whitespaces)) else {
            StandardError.line("Nothing was retrieved.")
            throw ExitCode(1)
        }
    }

    private func report(_ run: RetrieveRun) {
        let (pack, result) = (run.pack, run.result)
        if json {
            let members = [
                "\"pack\":\(JSONWriter.quoted(output))", "\"bytes\":\(result.packBytes)", "\"resumed\":\(result.isResumed)",
                "\"held_bytes\":\(result.heldBytes)", "\"received_bytes\":\(result.receivedBytes)",
                "\"verification\":\(result.verification.map { JSONWriter.quoted($0.result.rawValue) } ?? "null")",
            ]
            let description = JSONText(pack.encoded())?.members.map { "\(JSONWriter.quoted($0.name)):\($0.value.shownJSON)" } ?? []
            return StandardOutput.line("{" + (members + description).joined(separator: ",") + "}")
        }
        var parts = ["\(Numbers.grouped(pack.events)) events"]
        if pack.openEvents > 0 { parts.append("\(Numbers.grouped(pack.openEvents)) of them not sealed yet") }
        if pack.proofs > 0 { parts.append("\(Numbers.grouped(pack.proofs)) proofs") }
        let planned = pack.unproven - pack.unprovenByDamage
        if planned > 0 { parts.append("\(Numbers.grouped(planned)) erased or pruned since and not provable") }
        StandardOutput.line("\(output): \(parts.joined(separator: ", ")), \(Numbers.bytes(result.packBytes)). Recorded as \(pack.id).")
        if result.isResumed, result.heldBytes > 0 {
            StandardOutput.line("\(Numbers.bytes(result.heldBytes)) were there from the run before and did not come again.")
        }
        for text in Self.damages(pack) { StandardError.line(TextWidth.harmless(text)) }
        if pack.isIncomplete {
            StandardError.line("The pack is not complete. \(output).partial stays: the same command goes on with it and replaces the pack.")
        }
        for finding in result.verification?.findings ?? [] where finding.severity >= .warning {
            StandardError.line("\(finding.severity.rawValue.uppercased()) \(finding.kind.rawValue): \(TextWidth.harmless(finding.text))")
        }
    }
}

extension RetrieveCommand {
    /// What the server could not read, a line each.
    fileprivate static func damages(_ pack: PackDescription) -> [String] {
        var lines = pack.faults.map { fault in
            "\(ArchiveFolder.name(day: fault.day)), \(fault.file): \(fault.reason)"
                + (fault.missingEvents > 0 ? " \(Numbers.grouped(fault.missingEvents)) events are missing." : "")
        }
        if pack.damagedBlocks > 0 {
            lines.append("\(Numbers.grouped(pack.damagedBlocks)) blocks of the server could not be read; their events are missing.")
        }
        if pack.unprovenByDamage > 0 {
            lines.append("\(Numbers.grouped(pack.unprovenByDamage)) events have no proof, since it needs what cannot be read.")
        }
        return lines
    }
}

extension RetrieveRun {
    /// Whether what came is not what was sealed, beyond the files that the pack says are not whole.
    var isTampered: Bool {
        let known = Set(pack.faults.map(\.day))
        return result.verification?.findings.contains { $0.severity >= .unreadable && !($0.day.map(known.contains) ?? false) } ?? false
    }
}

extension JSONText {
    /// On one line: what stood over several.
    fileprivate var shownJSON: String {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.drop { $0 == " " } }.joined()
    }
}
