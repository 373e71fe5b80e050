import Archive
import Collectors
import EventModel
import EventStore
import Hummingbird
import Journal

/// `GET /metrics`. Every figure is a counter that some room keeps anyway, so a scrape costs a few microseconds.
public struct MetricsEndpoint: Sendable {
    let ingest: Ingest
    let journal: Journal
    let store: EventStore
    let archive: Archive
    let live: LiveTail

    package init(ingest: Ingest, journal: Journal, store: EventStore, archive: Archive, live: LiveTail) {
        self.ingest = ingest
        self.journal = journal
        self.store = store
        self.archive = archive
        self.live = live
    }

    public var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/metrics") { _ in
                Response(status: 200, type: "text/plain; version=0.0.4; charset=utf-8", bytes: text())
            }
        ]
    }

    private func text() -> [UInt8] {
        var text = PrometheusText()
        writeIngest(&text)
        writeJournal(&text)
        writeStore(&text)
        writeArchive(archive, &text)
        return text.bytes
    }

    private func writeIngest(_ text: inout PrometheusText) {
        let ingest = ingest.statistics
        text.single("daybook_ingest_requests_total", .counter, "Bodies taken, tailed slices included.", ingest.requests)
        text.single("daybook_ingest_bytes_total", .counter, "Bytes of bodies after inflating.", ingest.bytes)
        text.single("daybook_events_accepted_total", .counter, "Events that are new and on disk.", ingest.accepted)
        text.single("daybook_events_duplicate_total", .counter, "Events that were known already.", ingest.duplicates)
        text.family("daybook_events_rejected_total", .counter, "Events not taken, by reason.")
        for code in Rejection.Code.allCases {
            text.sample("daybook_events_rejected_total", [("reason", code.rawValue)], ingest.rejected[code] ?? 0)
        }
        text.family("daybook_ingest_problems_total", .counter, "Bodies that ended in a problem, by HTTP status.")
        for (status, count) in ingest.problems.sorted(by: { $0.key < $1.key }) {
            text.sample("daybook_ingest_problems_total", [("status", String(status))], count)
        }
        let letters = self.ingest.deadLetters.statistics
        text.single("daybook_dead_letters", .gauge, "Rejected events kept for a replay.", letters.letters)
        text.single("daybook_dead_letter_bytes", .gauge, "Bytes of the dead-letter log.", letters.bytes)
        text.single("daybook_dead_letters_dropped_total", .counter, "Rejected events not kept: log full or not writable.", letters.dropped)
    }

    private func writeJournal(_ text: inout PrometheusText) {
        let journal = journal.statistics
        text.single("daybook_journal_queue_events", .gauge, "Events waiting for the writer.", journal.queuedEvents)
        text.single("daybook_journal_queue_bytes", .gauge, "Bytes waiting for the writer.", journal.queuedBytes)
        text.single("daybook_journal_commits_total", .counter, "Groups written and synced.", journal.commits)
        text.single("daybook_journal_events_total", .counter, "Events written.", journal.events)
        text.single("daybook_journal_bytes_total", .counter, "Bytes written.", journal.bytes)
        text.single("daybook_journal_end_position", .gauge, "Global position of the next event.", journal.endPosition)
        text.single("daybook_journal_segments", .gauge, "Segments on disk.", journal.segments)
        text.single("daybook_journal_segment_bytes", .gauge, "Bytes of all segments.", journal.segmentBytes)
        text.single("daybook_journal_quarantined_segments", .gauge, "Segments set aside because of damage.", journal.quarantinedSegments)
        text.single("daybook_journal_sync_failures_total", .counter, "fdatasync calls that failed.", journal.syncFailures)
        text.single("daybook_journal_write_failures_total", .counter, "Writes that failed.", journal.writeFailures)
        writeCommitLatency(journal.syncLatency, &text)
        text.family("daybook_follower_lag_events", .gauge, "Committed events that a follower has not stored durably yet.")
        for follower in [store as any JournalFollower, archive, live] {
            let applied = follower.appliedPosition
            text.sample(
                "daybook_follower_lag_events", [("follower", follower.name)], journal.endPosition - min(applied, journal.endPosition))
        }
        text.single("daybook_stream_clients", .gauge, "Open event streams.", live.clientCount)
    }

    private func writeCommitLatency(_ latency: LatencyHistogram, _ text: inout PrometheusText) {
        let name = "daybook_commit_seconds"
        text.family(name, .histogram, "Time of one fdatasync.")
        var sum: UInt64 = 0
        for (bound, count) in zip(LatencyHistogram.upperBoundsSeconds, latency.counts) {
            sum += count
            text.sample(name + "_bucket", [("le", String(bound))], sum)
        }
        text.sample(name + "_bucket", [("le", "+Inf")], latency.count)
        text.sample(name + "_sum", [], latency.sumSeconds)
        text.sample(name + "_count", [], latency.count)
    }

    private func writeStore(_ text: inout PrometheusText) {
        let store = store.statistics
        text.single("daybook_store_events", .gauge, "Events packed into blocks.", store.events)
        text.single("daybook_store_partitions", .gauge, "Day partitions.", store.partitions)
        text.single("daybook_store_blocks", .gauge, "Blocks.", store.blocks)
        text.single("daybook_store_runs", .gauge, "Term runs.", store.runs)
        text.family("daybook_store_bytes", .gauge, "Bytes on disk, by part.")
        text.sample("daybook_store_bytes", [("part", "members")], store.memberBytes)
        text.sample("daybook_store_bytes", [("part", "index")], store.indexBytes)
        text.single("daybook_store_window_events", .gauge, "Fresh events in memory.", store.windowEvents)
        text.single("daybook_store_window_bytes", .gauge, "Bytes of fresh events in memory.", store.windowBytes)
        text.single("daybook_store_packs_total", .counter, "Packing rounds.", store.packs)
        text.single("daybook_store_merges_total", .counter, "Merges of term runs.", store.merges)
        text.single(
            "daybook_store_unmerged_runs", .gauge,
            "Term runs that are still merged, and days whose space is given back, once there is time.",
            store.unmergedRuns)
        text.single(
            "daybook_store_uncompacted_bytes", .gauge, "Bytes of members files that are rewritten once there is time.",
            store.uncompactedBytes)
        text.single("daybook_store_compacted_bytes", .gauge, "Bytes of members files that were compacted.", store.compactedBytes)
        text.single("daybook_store_compactions_total", .counter, "Compactions of members files.", store.compactions)
        text.single(
            "daybook_store_compactions_failed_total", .counter, "Compactions that failed and are tried again.", store.compactionsFailed)
        text.single(
            "daybook_store_compaction_waits", .gauge, "1 while a compaction waits for the packer to have less to do.",
            store.compactionWaits ? 1 : 0)
        text.single("daybook_store_damaged_blocks", .gauge, "Blocks that could not be read.", store.damagedBlocks)
        text.single("daybook_store_waiting_lookups", .gauge, "Lookups waiting for a thread.", store.waitingLookups)
    }
}
