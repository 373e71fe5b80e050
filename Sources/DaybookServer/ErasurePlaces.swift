import AccessControl
import Archive
import Collectors
import EventModel
import EventStore
import Foundation
import Journal
import QueryAPI

/// Every place on this machine that holds what was sent.
struct ErasurePlaces: Sendable {
    let archive: Archive
    let store: EventStore
    let journal: Journal
    let ingest: Ingest
    let plans: RetentionPlans
    let data: String

    func erase(_ request: ErasureJobs.Request, _ job: inout ErasureJobs.Job) async throws {
        let erasure = ErasureRequest(
            tenant: request.tenant, id: request.actor, email: request.email, reason: request.reason, name: request.name)
        let plans = plans
        job.report = try await archive.erase(erasure, isDry: request.isDry) { plans.hold(on: $0, day: $1) }
        let eraser = PersonEraser(job.report.person)
        let keepsLetters = try await eraseLetters(request, eraser, &job)
        let keepsHolds = try eraseHolds(request, eraser, &job)
        if !request.isDry {
            try await releaseJournal()
            if !keepsLetters, !keepsHolds { try archive.forget(job.report.person, of: request.tenant) }
        }
        job.remarks += damageRemarks()
    }

    /// Whether some must be kept.
    private func eraseLetters(_ request: ErasureJobs.Request, _ eraser: PersonEraser, _ job: inout ErasureJobs.Job) async throws -> Bool {
        let plans = plans
        let letters = try await ingest.deadLetters.rewrite(tenant: request.tenant, isDry: request.isDry) { letter in
            plans.holds(letter)
        } change: { text in
            var eraser = eraser
            return text.withUnsafeBytes { eraser.replacement(forText: $0) }
        }
        job.deadLetters = letters.changed
        if letters.held > 0 {
            job.remarks.append(
                "Kept, because they were received on days under a legal hold: \(letters.held) dead letters with traces. Erase again when "
                    + "it is released.")
        }
        return letters.held > 0
    }

    /// A hold that stands beats erasure, and what it says belongs to it. Whether one does.
    private func eraseHolds(_ request: ErasureJobs.Request, _ eraser: PersonEraser, _ job: inout ErasureJobs.Job) throws -> Bool {
        let holds = try plans.rewriteHolds(of: request.tenant, isDry: request.isDry) { text in
            var eraser = eraser
            return Array(text.utf8).withUnsafeBytes { eraser.replacement(forText: $0) }.map { String(decoding: $0, as: UTF8.self) }
        }
        job.holds = holds.changed.count
        if !holds.standing.isEmpty {
            let ids = holds.standing.map(String.init).joined(separator: ", ")
            job.remarks.append(
                "Kept, because it stands: the reason or owner of legal hold \(ids) names the person. Erase again when it is released.")
        }
        return !holds.standing.isEmpty
    }

    /// The journal has the lines as they came. Once the store has them on disk, its segments go.
    private func releaseJournal() async throws {
        // First, so that no older segment holds an event that comes after.
        let end = journal.endPosition
        try await journal.beginSegment()
        try await archive.exclusively { [store] in try store.packAll() }
        archive.release(before: end)
        journal.freeSegments()
        guard journal.oldestPosition >= end else {
            throw ErasureError.journalHeld(position: journal.oldestPosition)
        }
    }

    /// Files that were set aside because they could not be read are searched by nobody.
    private func damageRemarks() -> [String] {
        let marks = [".unreadable-", ".quarantined", ".damaged"]
        return ["journal", "store", "deadletter"].compactMap { folder in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(data)/\(folder)")) ?? []
            let aside = names.filter { name in marks.contains { name.contains($0) } }.sorted()
            guard !aside.isEmpty else { return nil }
            return "Not searched, because it was set aside as damaged: \(aside.map { "\(folder)/\($0)" }.joined(separator: ", "))."
        }
    }
}

extension RetentionPlans {
    /// Whether a hold covers the day on which the letter was received. Where nobody knows whose it is, it may be anybody's.
    fileprivate func holds(_ letter: DeadLetter) -> Bool {
        let day = letter.received.dayNumber
        guard let owner = letter.owner else { return holds.contains { $0.covers(tenant: $0.tenant, day: day) } }
        return hold(on: owner, day: day) != nil
    }
}
