import EventModel

/// What a pack for a receiver holds, and who asked for it: `_pack.json`, which also tells `daybook verify` that these are
/// only some of the days, and `README.txt`.
package struct PackDescription: Sendable {
    package static let fileName = "_pack.json"
    package static let readmeName = "README.txt"
    package static let format = 1

    package struct Day: Sendable, Equatable {
        /// Received-day, days since 1970-01-01.
        package var day: Int64
        /// `sealed`, `quiet`, `pruned` or `open`.
        package var state: String
        package var events: Int
        /// Of `events.ndjson.gz`; 0 where there is none.
        package var fileBytes: Int
        /// SHA-256 of the manifest in hexadecimal; `nil` for an open day.
        package var manifest: String?

        package init(day: Int64, state: String, events: Int, fileBytes: Int, manifest: String?) {
            self.day = day
            self.state = state
            self.events = events
            self.fileBytes = fileBytes
            self.manifest = manifest
        }
    }

    /// A file of a sealed day that the server could not give as it was sealed.
    package struct Fault: Sendable, Equatable {
        /// Received-day, days since 1970-01-01.
        package var day: Int64
        /// Its name in the day's folder.
        package var file: String
        /// Events that the pack lacks because of it; for a search it is not known how many would have matched.
        package var missingEvents: Int
        /// A sentence or two.
        package var reason: String

        package init(day: Int64, file: String, missingEvents: Int, reason: String) {
            self.day = day
            self.file = file
            self.missingEvents = missingEvents
            self.reason = reason
        }
    }

    /// As the server recorded it, and those of interrupted runs before.
    package var id: String
    package var earlierIDs: [String] = []
    package var tenant: String
    package var from: Int64
    package var to: Int64
    /// The query that chose the events; `nil` for all of them.
    package var query: String?
    package var reason: String?
    package var requestedBy: String
    package var requestedAt: String
    package var software: String
    package var key: VerifierKey
    package var sealGraceSeconds: Int
    package var days: [Day] = []
    /// In all files together.
    package var events = 0
    package var openEvents = 0
    package var proofs = 0
    /// Events of sealed days that could not be proven: because they were erased or their day's file pruned, or because
    /// something of it cannot be read.
    package var unproven = 0
    /// Those of them for which something cannot be read.
    package var unprovenByDamage = 0
    /// By day.
    package var faults: [Fault] = []
    /// Blocks of the server that could not be read; their events are missing.
    package var damagedBlocks = 0
    package var hasCSV: Bool

    package init(
        id: String, tenant: String, from: Int64, to: Int64, query: String?, reason: String?, requestedBy: String, requestedAt: String,
        software: String, key: VerifierKey, sealGraceSeconds: Int, hasCSV: Bool
    ) {
        self.id = id
        self.tenant = tenant
        self.from = from
        self.to = to
        self.query = query
        self.reason = reason
        self.requestedBy = requestedBy
        self.requestedAt = requestedAt
        self.software = software
        self.key = key
        self.sealGraceSeconds = sealGraceSeconds
        self.hasCSV = hasCSV
    }

    /// Whether something that was asked for is not in it, or not proven, because the server could not read it.
    package var isIncomplete: Bool { !faults.isEmpty || damagedBlocks > 0 || unprovenByDamage > 0 }

    /// Adds a fault, or puts it in the place of what was known of that file.
    package mutating func add(_ fault: Fault) {
        faults.removeAll { $0.day == fault.day && $0.file == fault.file }
        faults.append(fault)
        faults.sort { ($0.day, $0.file) < ($1.day, $1.file) }
    }

    /// The file, with a newline at its end.
    package func encoded() -> [UInt8] {
        func text(_ value: String?) -> JSONDocument { value.map { .string($0) } ?? .null }
        let days = days.map { day in
            JSONDocument.object([
                ("day", .string(ArchiveFolder.name(day: day.day))), ("state", .string(day.state)), ("events", .number(day.events)),
                ("file_bytes", .number(day.fileBytes)), ("manifest_sha256", text(day.manifest)),
            ])
        }
        let faults = faults.map { fault in
            JSONDocument.object([
                ("day", .string(ArchiveFolder.name(day: fault.day))), ("file", .string(fault.file)),
                ("missing_events", .number(fault.missingEvents)), ("reason", .string(fault.reason)),
            ])
        }
        return Array(
            JSONDocument.object([
                ("format", .number(Self.format)), ("id", .string(id)), ("earlier_ids", .array(earlierIDs.map { .string($0) })),
                ("tenant", .string(tenant)), ("from", .string(ArchiveFolder.name(day: from))),
                ("to", .string(ArchiveFolder.name(day: to))), ("where", text(query)), ("reason", text(reason)),
                ("requested_by", .string(requestedBy)), ("requested_at", .string(requestedAt)), ("software", .string(software)),
                ("signing_key", .string(key.description)), ("events", .number(events)), ("open_events", .number(openEvents)),
                ("proofs", .number(proofs)), ("unproven", .number(unproven)), ("unproven_by_damage", .number(unprovenByDamage)),
                ("damaged_blocks", .number(damagedBlocks)), ("unreadable_files", .array(faults)), ("days", .array(days)),
            ]).pretty().utf8)
    }

    /// Where a sealed day's files lie in the pack. A search takes manifests and checkpoints only, and those are no folder of an
    /// archive, from which `daybook verify` would miss the events.
    package func folder(day: Int64) -> String {
        query == nil ? "tenant=\(tenant)/day=\(ArchiveFolder.name(day: day))" : "days/day=\(ArchiveFolder.name(day: day))"
    }

    func days(_ state: String) -> [Day] { days.filter { $0.state == state } }
}
