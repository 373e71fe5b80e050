import Archive
import EventModel
import EventStore
import Foundation
import Journal
import QueryAPI

/// The archive among the rooms: opened behind the store, before the journal, whose floor it raises.
extension Server {
    /// Ends sealing; what is unfinished is made anew at the next start. The store must be open. Seconds at most.
    static func stop(_ archive: Archive) async {
        await withCheckedContinuation { continuation in
            Thread {
                archive.stop()
                continuation.resume()
            }.start()
        }
    }

    static func health(_ archive: Archive) -> RoomHealth {
        guard let status = archive.sealer?.status else { return RoomHealth("archive") }
        var warnings: [String] = []
        if !status.failures.isEmpty {
            let first = status.failures.prefix(3).map { failure in
                "\(ArchiveFolder.name(day: failure.day))\(failure.tenant.isEmpty ? "" : " of tenant \(failure.tenant)"): \(failure.reason)"
            }
            let more = status.failures.count > 3 ? [" and \(status.failures.count - 3) more"] : []
            warnings.append(
                "not sealed, tried again later, nothing is let go: " + first.joined(separator: "; ") + more.joined())
        }
        if status.failures.isEmpty, status.waitingDays > 1 { warnings.append("\(status.waitingDays) days wait to be sealed") }
        if let days = status.clockJumpDays {
            warnings.append(
                "the clock stands \(days) days behind the newest event; if that is right, ask for the seal with `daybook archive seal`")
        }
        warnings += [status.openDayError, status.dropError].compactMap(\.self)
        if let reason = archive.catalogue.rebuiltBecause { warnings.append("the catalogue was made again from the manifests: \(reason)") }
        if archive.isKeepingLess {
            warnings.append(
                "the journal let segments go before their days were sealed (archive.journal_bytes, or an erasure); the store holds "
                    + "their events")
        }
        warnings += archive.older.damage
        for target in archive.push?.targets ?? [] {
            if let failure = target.failure { warnings.append("\(target.waiting) checkpoints wait for \(target.name): \(failure)") }
            if target.dropped > 0 { warnings.append("\(target.dropped) checkpoints were not given to \(target.name): too many waited") }
        }
        return RoomHealth("archive", warnings: warnings)
    }
}
