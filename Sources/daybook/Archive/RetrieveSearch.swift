import Archive
import DaybookClient
import EventModel
import Foundation

/// Matching events and their proofs.
extension RetrieveRun {
    static let eventsName = "events.ndjson"

    /// Fills `events.ndjson` page after page, in the order of event time. The search asks by event time and the request by
    /// received-day, so what it finds is held against `received`.
    func search(_ listing: RetrieveListing, query: String) async throws {
        let path = folder.file(Self.eventsName)
        // What could not be read then may be there now, and a page is passed only once.
        let isShort = folder.state.search.isDone && folder.state.search.damagedBlocks > 0
        if isShort || !FileManager.default.fileExists(atPath: path) {
            folder.state.search = RetrieveFolder.Search()
            try folder.write([], to: Self.eventsName)
        }
        guard !folder.state.search.isDone, let range = Self.times(listing) else { return }
        // Lines behind the last page that was counted in come again.
        try LineFile(path).cut(to: folder.state.search.bytes)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? file.close() }
        repeat {
            var parameters = [("tenant", request.tenant), ("q", query), ("order", "asc"), ("limit", "1000")] + range
            if let cursor = folder.state.search.cursor { parameters.append(("cursor", cursor)) }
            let answer = try await client.get("/v1/events", parameters)
            guard let page = JSONText(answer.body), let events = page["events"]?.elements else {
                throw DaybookError.unreadable(url: answer.url, reason: "its answer holds no events")
            }
            let chosen = events.filter { event in
                let received = event.bytes.withUnsafeBytes { CanonicalLine($0)?.received }
                return received.map(request.holds) ?? false && !isOwnRecord(event)
            }
            let lines = SearchCommand.lines(chosen)
            try file.seekToEnd()
            try file.write(contentsOf: Data(lines))
            folder.state.search.bytes += lines.count
            folder.state.search.events += chosen.count
            folder.state.search.damagedBlocks = max(folder.state.search.damagedBlocks, page["scanned"]?["damaged_blocks"]?.integer ?? 0)
            folder.state.search.cursor = page["next_cursor"]?.string
            folder.state.search.isDone = folder.state.search.cursor == nil
            try file.synchronize()
            try folder.save()
            transfer.advance(lines.count, isReceived: true, note: "\(Numbers.grouped(folder.state.search.events)) events found")
            try probe("searched")
        } while !folder.state.search.isDone
    }

    /// The record of this retrieval holds its query, so a search for a word finds it. It is no answer to what was asked.
    private func isOwnRecord(_ event: JSONText) -> Bool {
        guard event["type"]?.string == "archive.export", event["producer"]?["name"]?.string == "daybook" else { return false }
        return event["changes"]?.elements?.contains { change in
            change["field"]?.string == "id" && change["new"]?.string.map(folder.state.ids.contains) ?? false
        } ?? false
    }

    /// Sealed days say between which times their events lie, which bounds the search; a day that is open does not. `nil` when
    /// there is nothing to search.
    private static func times(_ listing: RetrieveListing) -> [(String, String)]? {
        if listing.openEvents > 0 || !listing.open.isEmpty { return [] }
        let sealed = listing.days.filter { $0.state == "sealed" }
        guard let first = sealed.compactMap({ $0.minTime.flatMap { Timestamp($0)?.milliseconds } }).min(),
            let last = sealed.compactMap({ $0.maxTime.flatMap { Timestamp($0)?.milliseconds } }).max()
        else { return nil }
        let end = Timestamp(milliseconds: min(last + 1, Timestamp.latest))
        return [("from", Timestamp(milliseconds: first).description), ("to", end.description)]
    }

    // MARK: Proofs

    /// An event that waits for its proof.
    private struct Waiting {
        var id: String
        var seq: UInt64
    }

    /// As the server takes at once; and as much as an answer may hold, which repeats each line.
    private static let batchEvents = 2000
    private static let batchBytes = 4 << 20

    /// `proofs/SEQ.tlog-proof` for every event of a sealed day, and manifest and checkpoint of these days. One day after
    /// another; each is a reading of `events.ndjson`, as long as there are days whose events are still to be found in it.
    func prove(_ listing: RetrieveListing) async throws {
        let sealed = Dictionary(uniqueKeysWithValues: listing.days.map { ($0.day, $0) })
        var found: [Int64: Int] = [:]
        var open = 0
        try LineFile(folder.file(Self.eventsName)).forEach { bytes in
            guard let line = CanonicalLine(bytes) else { return }
            let day = line.received / 86_400_000
            if sealed[day] != nil { found[day, default: 0] += 1 } else { open += 1 }
        }
        pack.openEvents = open
        for day in found.keys.sorted() {
            guard let listed = sealed[day] else { continue }
            try await fetch(listed, events: false)
            // The store may hold events whose sealed file is gone.
            let isThere = self.listing.days.contains { $0.day == day && $0.state == "sealed" }
            if isThere { try await prove(day) } else { pack.unproven += found[day] ?? 0 }
        }
    }

    private func note(unproven events: Int, _ day: Int64, _ reason: String) {
        pack.unproven += events
        pack.unprovenByDamage += events
        pack.add(PackDescription.Fault(day: day, file: ArchiveFolder.events, missingEvents: 0, reason: reason))
    }

    private func prove(_ day: Int64) async throws {
        var next: Int? = 0
        while let start = next {
            var batch: [Waiting] = []
            var bytes = 0
            next = try LineFile(folder.file(Self.eventsName)).scan(from: start) { text in
                guard let line = CanonicalLine(text), line.received / 86_400_000 == day else { return true }
                if FileManager.default.fileExists(atPath: folder.file(Self.proofName(line.seq))) {
                    pack.proofs += 1
                    return true
                }
                batch.append(Waiting(id: String(decoding: line.id, as: UTF8.self), seq: line.seq))
                bytes += text.count
                return batch.count < Self.batchEvents && bytes < Self.batchBytes
            }
            if !batch.isEmpty { try await prove(batch, day) }
        }
    }

    private static func proofName(_ seq: UInt64) -> String { "proofs/\(seq).tlog-proof" }

    private func prove(_ batch: [Waiting], _ day: Int64) async throws {
        let ids = batch.map { $0.id + "\n" }.joined()
        let path = "/v1/retrievals/\(pack.id)/proofs/\(ArchiveFolder.name(day: day))"
        let answer: HTTPResponse
        do { answer = try await client.send(HTTPRequest(path: path, body: Array(ids.utf8))) } catch {
            guard case .refused(let refusal) = error, refusal.code == "not-provable" else { throw error }
            return note(unproven: batch.count, day, refusal.detail ?? refusal.title)
        }
        let lines = answer.body.split(separator: UInt8(ascii: "\n")).map { JSONText($0) }
        guard lines.count == batch.count else { throw DaybookError.unreadable(url: answer.url, reason: "its answer lacks proofs") }
        try folder.makeFolder(of: "proofs/1")
        for (event, line) in zip(batch, lines) {
            guard line?["id"]?.string == event.id else {
                throw DaybookError.unreadable(url: answer.url, reason: "its answer has a proof of another event")
            }
            guard let proof = line?["proof"]?.string else {
                if line?["damaged"]?.shown == "true" {
                    note(unproven: 1, day, line?["problem"]?.string ?? "")
                } else {
                    pack.unproven += 1
                }
                continue
            }
            try Data(proof.utf8).write(to: URL(fileURLWithPath: folder.file(Self.proofName(event.seq))), options: .atomic)
            pack.proofs += 1
        }
        transfer.advance(0, note: "\(Numbers.grouped(pack.proofs)) proofs")
        try probe("proved")
    }
}
