import Archive
import DaybookClient
import EventModel
import Foundation

/// One pack, from the recorded request to the checked file. What is done stays in the folder when it is interrupted.
final class RetrieveRun {
    let client: DaybookClient
    let request: RetrieveRequest
    let output: String
    let transfer: RetrieveTransfer
    /// Called behind each step; tests interrupt a run with it.
    let probe: (String) throws -> Void
    var folder: RetrieveFolder
    var pack: PackDescription
    var result = Result()

    struct Result {
        var isResumed = false
        /// Bytes of events files that were there from an earlier run.
        var heldBytes = 0
        var receivedBytes = 0
        var packBytes = 0
        var verification: VerificationReport?
    }

    private(set) var listing: RetrieveListing

    /// Records the request; nothing is handed out before. Lists the days once more after that: one that was sealed since
    /// somebody was shown a list is open no longer.
    init(
        _ client: DaybookClient, _ request: RetrieveRequest, output: String,
        probe: @escaping (String) throws -> Void = { _ in }
    ) async throws {
        var folder = try RetrieveFolder.open(output + ".partial", request: request.identity(server: client.url))
        let (pack, open) = try await Self.announce(client, request, earlier: folder.state.ids)
        folder.state.ids.append(pack.id)
        try folder.save()
        var newest = try await RetrieveListing.read(client, request)
        newest.open = newest.stillOpen(open)
        self.client = client
        self.request = request
        self.listing = newest
        self.output = output
        self.probe = probe
        self.folder = folder
        self.pack = pack
        transfer = RetrieveTransfer(client, total: request.query == nil ? newest.fileBytes : 0)
        result.isResumed = folder.state.ids.count > 1
    }

    private static func announce(
        _ client: DaybookClient, _ request: RetrieveRequest, earlier: [String]
    ) async throws -> (PackDescription, open: [(day: Int64, events: Int)]) {
        let body = Decision.body([
            ("tenant", request.tenant), ("from", ArchiveFolder.name(day: request.from)), ("to", ArchiveFolder.name(day: request.to)),
            ("where", request.query), ("reason", request.reason), ("continues", earlier.last),
        ])
        let answer = try await client.send(HTTPRequest(path: "/v1/retrievals", body: body))
        guard let json = JSONText(answer.body), let id = json["id"]?.string, let key = json["signing_key"]?.string else {
            throw DaybookError.unreadable(url: answer.url, reason: "its answer gives no id")
        }
        var pack = PackDescription(
            id: id, tenant: request.tenant, from: request.from, to: request.to, query: request.query, reason: request.reason,
            requestedBy: json["requested_by"]?.string ?? "", requestedAt: json["requested_at"]?.string ?? "",
            software: json["software"]?.string ?? "", key: try VerifierKey(key), sealGraceSeconds: json["seal_grace_seconds"]?.integer ?? 0,
            hasCSV: request.wantsCSV)
        pack.earlierIDs = earlier
        return (pack, RetrieveListing.open(json))
    }

    /// The day's file went by plan while the pack was made.
    func setPruned(_ day: Int64) {
        for index in listing.days.indices where listing.days[index].day == day { listing.days[index].state = "pruned" }
    }

    /// Reads the list again: days that were open may be sealed now.
    func relist() async throws {
        var newest = try await RetrieveListing.read(client, request)
        newest.open = newest.stillOpen(listing.open)
        listing = newest
    }

    /// Everything up to the file at `output`.
    func run() async throws {
        defer { transfer.finish() }
        if let query = request.query {
            try await search(listing, query: query)
            try await relist()
            try await prove(listing)
            pack.events = folder.state.search.events
            pack.damagedBlocks = folder.state.search.damagedBlocks
        } else {
            try await fetchRecords()
            try await fetchDays()
            let sealed = listing.days.reduce(0) { $0 + ($1.state == "sealed" ? $1.events : 0) }
            pack.events = sealed - pack.faults.reduce(0) { $0 + $1.missingEvents } + pack.openEvents
        }
        pack.days = listing.days.map {
            PackDescription.Day(
                day: $0.day, state: $0.state, events: $0.events, fileBytes: $0.state == "sealed" ? $0.fileBytes : 0, manifest: $0.manifest)
        }
        pack.days += listing.open.map { PackDescription.Day(day: $0.day, state: "open", events: $0.events, fileBytes: 0, manifest: nil) }
        if request.wantsCSV { try writeTable() } else { try folder.remove(Self.tableName) }
        try folder.write(pack.encoded(), to: PackDescription.fileName)
        try folder.write(Array(pack.readme().utf8), to: PackDescription.readmeName)
        try folder.write(Array("\(pack.key)\n".utf8), to: "keys/signing.pub")
        result.receivedBytes = transfer.received
        try verify()
        try writePack()
    }

    // MARK: Table

    private static let tableName = "events.csv"

    private func writeTable() throws {
        try folder.write(EventCSV.header, to: Self.tableName)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file(Self.tableName)))
        defer { try? file.close() }
        try file.seekToEnd()
        var table = EventCSV()
        var rows: [UInt8] = []
        func take(_ line: UnsafeRawBufferPointer) throws -> Bool {
            table.append(line, to: &rows)
            guard rows.count > 1 << 20 else { return true }
            try file.write(contentsOf: Data(rows))
            rows.removeAll(keepingCapacity: true)
            return true
        }
        for day in listing.days where request.query == nil && day.state == "sealed" {
            let name = pack.folder(day: day.day) + "/" + ArchiveFolder.events
            guard folder.size(name) != nil else { continue }
            var walker = ArchiveWalker(try LocalFile(path: folder.file(name)))
            while let step = try walker.next() {
                if case .lines(let lines) = step.part { _ = try lines.withUnsafeBytes { try LineFile.lines($0, take) } }
            }
        }
        try LineFile(folder.file(request.query == nil ? "open/events.ndjson" : Self.eventsName)).forEach { _ = try take($0) }
        try file.write(contentsOf: Data(rows))
        try file.synchronize()
    }

    // MARK: The pack

    /// As the receiver will, only with the key that the server gave.
    private func verify() throws {
        let hasDays = request.query == nil && FileManager.default.fileExists(atPath: folder.file("tenant=" + request.tenant))
        guard pack.proofs > 0 || hasDays else { return }
        let path = request.query == nil ? folder.content : folder.file("proofs")
        result.verification = try ArchiveVerifier.verify([path], ArchiveVerifier.Options(keys: [pack.key])) { [transfer] _, _, _ in
            transfer.advance(0, note: "verifying")
        }
    }

    private func writePack() throws {
        let names = try folder.names().sorted { Self.rank($0) < Self.rank($1) }
        let unfinished = folder.path + "/pack.zip"
        var zip = try ZipWriter(path: unfinished)
        for name in names { try zip.add(name, file: folder.file(name)) }
        try zip.finish()
        let entries = try ZipCheck.check(unfinished) { [transfer] _ in transfer.advance(0, note: "checking the pack") }
        guard entries.map(\.name) == names, entries.allSatisfy({ folder.size($0.name) == $0.bytes }) else {
            throw CommandFailure("\(unfinished) does not hold what was put into it.", advice: "Run the command again.")
        }
        try probe("packed")
        result.packBytes = try LocalFile(path: unfinished).count
        folder.state.isIncomplete = pack.isIncomplete
        try folder.save()
        guard rename(unfinished, output) == 0 else {
            throw CommandFailure("\(output) cannot be written: \(String(cString: strerror(errno))).")
        }
        // What the server cannot read today it may tomorrow, and all the rest need not come again.
        if !pack.isIncomplete { try FileManager.default.removeItem(atPath: folder.path) }
    }

    /// What a person looks at comes first.
    private static func rank(_ name: String) -> (Int, String) {
        (name == PackDescription.readmeName ? 0 : name.contains("/") ? 2 : 1, name)
    }
}
