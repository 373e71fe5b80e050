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
}
