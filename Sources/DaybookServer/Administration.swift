import AccessControl
import Archive
import Collectors
import EventModel
import EventStore
import Foundation
import Journal
import Logging
import QueryAPI

/// What people decide about kept events, wired to every place that keeps them: retention, holds, erasure.
final class Administration: Sendable {
    let plans: RetentionPlans
    let retention: Retention
    private let archive: Archive
    let endpoints: [Endpoint]

    /// `now`: the server's clock.
    init(
        control: ControlDatabase, archive: Archive, store: EventStore, journal: Journal, ingest: Ingest, settings: Settings,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) throws {
        let standard = RetentionPlan(recentDays: Int(settings.archive.keep.components.seconds / 86_400), archiveDays: nil)
        let plans = try RetentionPlans(control, standard: standard)
        let rules = Retention.Rules(
            atOnce: settings.archive.pruneAtOnce, plan: { plans.plan(of: $0) }, hold: { plans.hold(on: $0, day: $1) })
        retention = Retention(
            folder: archive.folder, catalogue: archive.catalogue, key: archive.key, rules: rules, logger: logger
        ) { try archive.pruned($0, days: $1, record: $2) }
        self.plans = plans
        self.archive = archive
        archive.keep(retention)
        let places = ErasurePlaces(archive: archive, store: store, journal: journal, ingest: ingest, plans: plans, data: settings.data)
        let activity = OwnActivity(ingest)
        let jobs = ErasureJobs(now: now, activity: activity, logger: logger) { request, job in try await places.erase(request, &job) }
        endpoints =
            RetentionEndpoints(plans: plans, archive: archive, retention: retention, activity: activity, now: now).endpoints
            + HoldEndpoints(plans: plans, activity: activity, now: now).endpoints
            + ErasureEndpoints(jobs: jobs).endpoints
    }

    /// What somebody should look at.
    var warnings: [String] {
        let status = retention.status
        var warnings = [status.failure].compactMap(\.self)
        if !status.waiting.isEmpty {
            let days = status.waiting.values.reduce(0) { $0 + $1.days }
            warnings.append(
                "\(days) archived days of \(status.waiting.count) tenants are past their plan and wait for somebody's word: "
                    + "see `daybook retention list`")
        }
        return warnings + archive.uploadWarnings
    }
}
