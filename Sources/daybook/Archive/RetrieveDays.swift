import Archive
import DaybookClient
import EventModel
import Foundation

/// Sealed days as they lie in the archive, records, and lines of open days.
extension RetrieveRun {
    /// Manifest, checkpoint and, unless only they are wanted, the events of a sealed day; each compared with the hash that is
    /// above it: the manifest with the list's, the events with the manifest's.
    func fetch(_ day: RetrieveListing.Day, events: Bool) async throws {
        let place = pack.folder(day: day.day)
        let path = "/v1/archives/\(HTTPRequest.encode(request.tenant))/\(ArchiveFolder.name(day: day.day))"
        transfer.advance(0, note: ArchiveFolder.name(day: day.day))
        do {
            // An erasure may replace the files between two requests; then they are asked for once more.
            for attempt in 0..<2 {
                try await fetchHead(day, path: path, place: place, isRenewed: attempt > 0)
                guard events, day.state == "sealed", let (manifest, file) = try sealedFile(place) else { return }
                let name = place + "/" + ArchiveFolder.events
                if try await fetchEvents(file, path: path, name: name, isLast: attempt == 1) { return }
                if attempt == 1 { try note(changed: day, name, manifest) }
            }
        } catch DaybookError.refused(let refusal) where refusal.isUnreadableFile {
            // Nothing of it came, or a part that nobody can check.
            try folder.remove(place + "/" + ArchiveFolder.events)
            try await note(missing: day, refusal, events: events)
        }
    }

    private func sealedFile(_ place: String) throws -> (Manifest, Manifest.File)? {
        let bytes = FileManager.default.contents(atPath: folder.file(place + "/" + Manifest.fileName)) ?? Data()
        let manifest = try Manifest(json: Array(bytes))
        return manifest.contents.map { (manifest, $0.file) }
    }

    /// The server has no such file, or cannot open it. All others are still wanted.
    private func note(missing day: RetrieveListing.Day, _ refusal: Refusal, events: Bool) async throws {
        // It may have been pruned since it was listed, which is no damage.
        let states = try await RetrieveListing.read(client, request).days
        if day.state == "sealed", states.contains(where: { $0.day == day.day && $0.state == "pruned" }) { return setPruned(day.day) }
        let file = refusal.url.split(separator: "/").last.map(String.init) ?? ""
        pack.add(
            PackDescription.Fault(
                day: day.day, file: file, missingEvents: events && day.state == "sealed" ? day.events : 0,
                reason: "The server cannot give it: \(refusal.detail ?? refusal.title)."))
    }

    /// What came twice is not what the manifest names. It goes into the pack all the same: most of it can be read.
    private func note(changed day: RetrieveListing.Day, _ name: String, _ manifest: Manifest) throws {
        let lost = try manifest.unreadable(in: LocalFile(path: folder.file(name)))
        pack.damagedBlocks += lost.blocks
        pack.add(
            PackDescription.Fault(
                day: day.day, file: ArchiveFolder.events, missingEvents: lost.events,
                reason: "It is not the file that was sealed: its SHA-256 is another, and \(lost.blocks) of its "
                    + "\(manifest.contents?.blocks.count ?? 0) blocks cannot be read or were changed. `daybook verify` says which."))
    }

    private func fetchHead(_ day: RetrieveListing.Day, path: String, place: String, isRenewed: Bool) async throws {
        let manifest = place + "/" + Manifest.fileName
        let checkpoint = place + "/" + ArchiveFolder.checkpoint
        if !isRenewed, try folder.digest(manifest) == day.manifest, folder.size(checkpoint) != nil { return }
        let note = try await client.get(path + "/" + ArchiveFolder.checkpoint).body
        let bytes = try await client.get(path + "/" + Manifest.fileName).body
        try folder.write(bytes, to: manifest)
        try folder.write(note, to: checkpoint)
    }

    /// Whether the file is there whole and has the manifest's hash. If not, it stays only where `isLast`.
    private func fetchEvents(_ file: Manifest.File, path: String, name: String, isLast: Bool) async throws -> Bool {
        let held = folder.size(name) ?? 0
        if held > file.bytes { try folder.remove(name) }
        if held > 0, held <= file.bytes {
            transfer.advance(held)
            result.heldBytes += held
        }
        if folder.size(name) ?? 0 < file.bytes {
            do { try await transfer.fetchRest(path + "/" + ArchiveFolder.events, into: name, of: folder) } catch DaybookError.refused(
                let refusal) where refusal.status == 416
            { try folder.remove(name) }
        }
        guard try folder.digest(name) == file.digest.hex else {
            if !isLast { try folder.remove(name) }
            return false
        }
        try probe("fetched \(name)")
        return true
    }

    /// Records of the tenant, and those of all tenants.
    func fetchRecords() async throws {
        let base = "/v1/retrievals/\(pack.id)/records"
        let answer = try await client.get(base)
        guard let records = JSONText(answer.body)?["records"]?.elements else {
            throw DaybookError.unreadable(url: answer.url, reason: "its answer holds no records")
        }
        for record in records {
            guard let path = record["path"]?.string, !path.contains(".."), !path.hasPrefix("/") else { continue }
            if try folder.digest(path) == record["sha256"]?.string { continue }
            try folder.remove(path)
            let encoded = path.split(separator: "/").map { HTTPRequest.encode(String($0)) }.joined(separator: "/")
            try await transfer.fetchRest(base + "/" + encoded, into: path, of: folder)
            guard try folder.digest(path) == record["sha256"]?.string else {
                throw CommandFailure("The record \(path) changed while it was read.", advice: "Run the command again; it goes on.")
            }
        }
    }

    /// Sealed days, then those that are open. One that is sealed before its lines were read comes as a sealed one.
    func fetchDays() async throws {
        var done: Set<Int64> = []
        while true {
            for day in listing.days where done.insert(day.day).inserted { try await fetch(day, events: true) }
            do { return try await fetchOpenDays(listing.open) } catch DaybookError.refused(let refusal) where refusal.code == "day-sealed" {
                let before = listing.open.count
                try await relist()
                guard listing.open.count < before else { throw DaybookError.refused(refusal) }
            }
        }
    }

    /// `open/events.ndjson`, in the order of `seq`; goes on behind the last whole line that is there.
    private func fetchOpenDays(_ open: [(day: Int64, events: Int)]) async throws {
        let name = "open/events.ndjson"
        if folder.state.open != open.map(\.day) {
            try folder.remove(name)
            folder.state.open = open.map(\.day)
            try folder.save()
        }
        if open.isEmpty { return }
        try folder.makeFolder(of: name)
        for day in open {
            let path = "/v1/retrievals/\(pack.id)/open/\(ArchiveFolder.name(day: day.day))"
            transfer.advance(0, note: "\(ArchiveFolder.name(day: day.day)), open")
            try await transfer.append(to: folder.file(name)) { _ in
                let last = try LineFile(folder.file(name)).cutToWholeLines()
                let seq = last.withUnsafeBytes { CanonicalLine($0)?.seq } ?? 0
                return HTTPRequest(path: path, query: [("after", String(seq))])
            }
            try probe("fetched \(name)")
        }
        var events = 0
        try LineFile(folder.file(name)).forEach { _ in events += 1 }
        pack.openEvents = events
        if events == 0 { try folder.remove(name) }
    }
}

extension Refusal {
    /// A file that is not there, or that the server cannot open. Others may be.
    fileprivate var isUnreadableFile: Bool { status == 404 || code == "unreadable" }
}
