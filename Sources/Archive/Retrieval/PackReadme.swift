import EventModel

extension PackDescription {
    /// `README.txt`, for a receiver who has never heard of Daybook.
    package func readme() -> String {
        let title = "Events of \(Self.line(tenant)), received from \(ArchiveFolder.name(day: from)) to \(ArchiveFolder.name(day: to)) (UTC)"
        var parts = [title + "\n" + String(repeating: "=", count: title.count), request, holds, reading]
        if query == nil { parts.append(verifyingDays) } else { parts.append(verifyingProofs) }
        parts.append(trust)
        return parts.joined(separator: "\n\n") + "\n"
    }

    private var request: String {
        var lines = ["Asked for by   \(Self.line(requestedBy)), \(requestedAt)", "Recorded as    \(id), in the log of this tenant"]
        if !earlierIDs.isEmpty { lines.append("Begun as       \(earlierIDs.joined(separator: ", ")), and interrupted") }
        if let reason { lines.append("Reason         \(Self.line(reason))") }
        lines.append("Events         \(query.map { "those that match: " + Self.line($0) } ?? "all")")
        lines.append("Counted        \(events) events, \(openEvents) of them of days that are not sealed yet")
        if query != nil { lines.append("Proofs         \(proofs)") }
        return lines.joined(separator: "\n")
    }

    private var holds: String {
        var lines = ["What is in it", "-------------", "_pack.json        this request and every day of it, for programs"]
        if query == nil {
            lines += [
                "tenant=\(tenant)/day=DAY/events.ndjson.gz    the events of a sealed day, byte for byte as they were sealed",
                "tenant=\(tenant)/day=DAY/_manifest.json      what that file holds; names the manifest of the day before",
                "tenant=\(tenant)/day=DAY/_checkpoint         the signature over the manifest and over all events so far",
                "tenant=\(tenant)/_records/                   signed records of what was deleted by plan or erased, where there are any",
            ]
            if openEvents > 0 { lines.append("open/events.ndjson        events of days that are not sealed yet") }
        } else {
            lines += [
                "events.ndjson     the events, one a line, in the order of their time",
                "proofs/SEQ.tlog-proof    for each event of a sealed day the proof that it is in the log; SEQ is its \"seq\"",
                "days/day=DAY/     manifest and checkpoint of each sealed day with matching events",
            ]
        }
        if hasCSV { lines.append("events.csv        the same events as a table") }
        lines.append("keys/signing.pub  the public key of the log, as the server gave it; see below")
        return (lines + remarks).joined(separator: "\n")
    }

    private var remarks: [String] {
        var lines: [String] = []
        let (open, quiet, pruned) = (days("open"), days("quiet"), days("pruned"))
        if let last = open.map(\.day).max() {
            let time = Timestamp(milliseconds: ((last + 1) * 86_400 + Int64(sealGraceSeconds)) * 1000)
            lines += [
                "", "\(Self.names(open)): not sealed when this was made. Their events carry no proof yet; the last of these days is",
                "sealed after \(time), and can then be asked for with proof.",
            ]
        }
        if !quiet.isEmpty { lines += ["", "\(Self.names(quiet)): nothing was received. Manifest and checkpoint say so."] }
        if !pruned.isEmpty {
            lines += ["", "\(Self.names(pruned)): the events were deleted by plan. A signed record says so."]
        }
        lines += damages
        let planned = unproven - unprovenByDamage
        if planned > 0 {
            lines += [
                "", "\(planned) of the events cannot be proven: a person was erased from them after their day was sealed, and the signed",
                "log holds them as they were; or the sealed file of their day was deleted by plan.",
            ]
        }
        return lines
    }

    /// What the pack lacks against the will of those who made it.
    private var damages: [String] {
        guard isIncomplete else { return [] }
        var lines = ["", "THIS PACK IS NOT COMPLETE. The server could not read everything:"]
        for fault in faults {
            let lost = fault.missingEvents > 0 ? " \(fault.missingEvents) events are missing." : ""
            lines.append("  \(ArchiveFolder.name(day: fault.day)), \(fault.file): \(Self.line(fault.reason))\(lost)")
        }
        if damagedBlocks > 0 { lines.append("  \(damagedBlocks) blocks of events could not be read; the events in them are missing.") }
        if unprovenByDamage > 0 {
            lines.append("  \(unprovenByDamage) of the events carry no proof, since it needs what cannot be read.")
        }
        return lines + [
            "Everything else is here, and as it was sealed. Verifying the pack names what is not, as something that was changed."
        ]
    }

    private var reading: String {
        let file = query == nil ? "zcat tenant=\(tenant)/day=*/events.ndjson.gz | less" : "less events.ndjson"
        var lines = [
            "How to read it", "--------------", "Any program that unpacks ZIP will do. Events are lines of JSON in UTF-8:", "",
            "    \(file)", "",
            "\"seq\" counts the events of the tenant from 1 without holes; \"received\" is when the log took an event, \"time\" when it",
            "happened, both in UTC.",
        ]
        if hasCSV {
            lines.append("In events.csv an apostrophe stands before text that a spreadsheet would take for a formula (= + - @).")
        }
        return lines.joined(separator: "\n")
    }

    private var verifyingDays: String {
        """
        How to verify it
        ----------------
        With the program daybook, without a server and without a network, in the folder of this file:

            daybook verify . --key 'PUBLIC KEY'

        It tells every line that was changed, dropped, added or moved. Exit code 0: all is as it was sealed. 3: what is here is as it
        was sealed, and some days of the log are not here, as in most packs. 1: something was changed.
        """
    }

    private var verifyingProofs: String {
        """
        How to verify it
        ----------------
        With the program daybook, without a server and without a network, in the folder of this file:

            daybook verify proofs --key 'PUBLIC KEY'

        Each proof holds its event, and leads from it to the signed checkpoint of its day (RFC 6962; c2sp.org/tlog-proof), so any
        implementation of these can check it as well. Exit code 0: each event is in the log as it stands in the proof. That there
        are no other events that match is not proven; for that, ask for whole days.

        The SHA-256 of days/day=DAY/_manifest.json is the one that the checkpoint beside it names.
        """
    }

    private var trust: String {
        """
        The public key
        --------------
            \(key)

        Whoever changed this pack could have changed the key in it. Compare it with the one that the owner of the log gave you
        another way, on paper, by telephone or on his site, and verify with that one.
        """
    }

    private static func names(_ days: [Day]) -> String { days.map { ArchiveFolder.name(day: $0.day) }.joined(separator: ", ") }

    /// What people typed, on one line and without control characters.
    private static func line(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { line.append(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? " " : scalar) }
        return String(line)
    }
}
