import Archive

extension MetricsEndpoint {
    func writeArchive(_ archive: Archive, _ text: inout PrometheusText) {
        let status = archive.sealer?.status ?? SealStatus()
        text.single(
            "daybook_archive_sealed_through_seconds", .gauge, "End of the newest sealed day, seconds since 1970; 0 before the first.",
            archive.catalogue.sealedDay.map { ($0 + 1) * 86_400 } ?? 0)
        text.single("daybook_archive_days_waiting", .gauge, "Days that are over and not sealed for every tenant.", status.waitingDays)
        text.single("daybook_archive_seal_failures", .gauge, "Tenants whose seal failed and is tried again.", status.failures.count)
        text.single("daybook_archive_sealed_days_total", .counter, "Days sealed since the start.", status.sealedDays)
        text.single("daybook_archive_sealed_events_total", .counter, "Events sealed since the start.", status.sealedEvents)
        text.single("daybook_archive_sealed_bytes_total", .counter, "Bytes of files sealed since the start.", status.sealedBytes)
        text.single(
            "daybook_archive_keeping_less", .gauge, "1 while the journal let segments go whose days are not sealed.",
            archive.isKeepingLess ? 1 : 0)
        writeUploads(archive, &text)
        let targets = archive.push?.targets ?? []
        guard !targets.isEmpty else { return }
        text.family("daybook_archive_checkpoints_waiting", .gauge, "Checkpoints that wait for a target.")
        for (index, target) in targets.enumerated() {
            text.sample("daybook_archive_checkpoints_waiting", [("target", String(index))], target.waiting)
        }
        text.family("daybook_archive_checkpoints_pushed_total", .counter, "Checkpoints given to a target since the start.")
        for (index, target) in targets.enumerated() {
            text.sample("daybook_archive_checkpoints_pushed_total", [("target", String(index))], target.pushed)
        }
    }

    /// Nothing without object storage, and when the queue cannot be read, which health says.
    private func writeUploads(_ archive: Archive, _ text: inout PrometheusText) {
        guard let status = try? archive.uploads?.status() else { return }
        text.single("daybook_archive_uploads_waiting", .gauge, "Objects that wait to be stored, replaced or removed.", status.waiting)
        text.single("daybook_archive_uploads_waiting_bytes", .gauge, "What they will send.", status.waitingBytes)
        text.single(
            "daybook_archive_uploads_failed", .gauge, "Those that somebody has to look at; tried again all the same.", status.failed)
        text.single(
            "daybook_archive_uploads_oldest_seconds", .gauge, "When the oldest that waits was queued, seconds since 1970; 0 when none.",
            (status.oldest ?? 0) / 1000)
        text.single("daybook_archive_objects", .gauge, "Objects known to be stored.", status.objects)
        text.single("daybook_archive_objects_bytes", .gauge, "Their bytes.", status.objectBytes)
        text.single("daybook_archive_local_copies_removed", .gauge, "Events files that lie in object storage alone.", status.removedHere)
        text.single("daybook_archive_object_requests_total", .counter, "Requests to the service since the start.", status.requests.requests)
        text.single("daybook_archive_object_sent_bytes_total", .counter, "Bytes sent to it since the start.", status.requests.bytesSent)
        text.single(
            "daybook_archive_object_received_bytes_total", .counter, "Bytes received since the start.", status.requests.bytesReceived)
    }
}
