import EventModel
import Logging
import Synchronization

/// Keeps every tenant's archive within its plan: run once a day after sealing, and when somebody confirms what had to wait.
package final class Retention: Sendable {
    /// What people decided; asked anew each time.
    package struct Rules: Sendable {
        package var plan: @Sendable (_ tenant: String) -> RetentionPlan
        package var hold: @Sendable (_ tenant: String, _ day: Int64) -> LegalHold?
        /// Most days of a tenant that go at once without being confirmed.
        package var atOnce: Int

        package init(
            atOnce: Int, plan: @escaping @Sendable (String) -> RetentionPlan, hold: @escaping @Sendable (String, Int64) -> LegalHold?
        ) {
            self.atOnce = atOnce
            self.plan = plan
            self.hold = hold
        }
    }

    package struct Status: Sendable, Equatable {
        /// Pruned since the start.
        package var prunedDays = 0
        package var prunedBytes = 0
        /// Days past their plan that wait for somebody's word, by tenant: how many, and the last.
        package var waiting: [String: Waiting] = [:]
        /// Days past their plan under a legal hold.
        package var heldDays = 0
        /// Why the last run did not do all it should.
        package var failure: String?
    }

    package struct Waiting: Sendable, Equatable {
        package var days: Int
        package var firstDay: Int64
        package var lastDay: Int64

        package init(days: Int, firstDay: Int64, lastDay: Int64) {
            self.days = days
            self.firstDay = firstDay
            self.lastDay = lastDay
        }
    }

    private let pruner: Pruner
    private let catalogue: Catalogue
    private let rules: Rules
    private let logger: Logger
    /// After days are gone from the archive: lookups and object storage follow. `record`: the name of what tells it.
    private let pruned: @Sendable (_ tenant: TenantChain, _ days: [Int64], _ record: String) throws -> Void
    private let state = Mutex(Status())
    private let lastRun = Mutex<Moment?>(nil)
    private let hasFinished = Atomic(false)

    private struct Moment: Equatable {
        var hour: Int64
        var sealedDay: Int64?
    }

    /// Days read from the catalogue at once.
    private static let page = 1000

    package init(
        folder: ArchiveFolder, catalogue: Catalogue, key: SigningKey, rules: Rules, logger: Logger,
        pruned: @escaping @Sendable (_ tenant: TenantChain, _ days: [Int64], _ record: String) throws -> Void
    ) {
        pruner = Pruner(folder: folder, catalogue: catalogue, key: key)
        self.catalogue = catalogue
        self.rules = rules
        self.logger = logger
        self.pruned = pruned
    }

    func recentDays(of tenant: String) -> Int { rules.plan(tenant).recentDays }

    package var status: Status { state.withLock { $0 } }

    /// What of a tenant may go on `today`, nothing done yet.
    package func plan(_ tenant: TenantChain, today: Int64, confirmedThrough: Int64? = nil) throws -> PrunePlan {
        guard let days = rules.plan(tenant.name).archiveDays else {
            return PrunePlan(sealed: [], archiveDays: nil, today: today, atOnce: 0) { _ in false }
        }
        return PrunePlan(
            sealed: try sealed(tenant, before: today - Int64(days)), archiveDays: days, today: today, atOnce: rules.atOnce,
            confirmedThrough: confirmedThrough
        ) { rules.hold(tenant.name, $0) != nil }
    }

    /// ``run(today:now:stops:)`` when an hour has passed or another day is sealed since the last time.
    func runHourly(today: Int64, now: Timestamp, sealedDay: Int64?, stops: () -> Bool) {
        let moment = Moment(hour: now.hourNumber, sealedDay: sealedDay)
        let isDue = lastRun.withLock { last in
            defer { last = moment }
            return last != moment
        }
        guard isDue else { return }
        if !hasFinished.exchange(true, ordering: .relaxed) {
            do { try finish() } catch { logger.error("finishing a pruning that was cut off: \(error)") }
        }
        run(today: today, now: now, stops: stops)
    }

    /// Prunes all tenants; one that fails holds up no other. For one thread at a time, and not while days are sealed or
    /// erased. `stops`: asked between tenants.
    package func run(today: Int64, now: Timestamp, stops: () -> Bool = { false }) {
        var waiting: [String: Waiting] = [:]
        var held = 0
        var failure: String?
        do {
            for tenant in try catalogue.chains() {
                if stops() { return }
                do {
                    let plan = try self.plan(tenant, today: today)
                    held += plan.held.count
                    if let first = plan.waiting.first, let last = plan.waiting.last {
                        waiting[tenant.name] = Waiting(days: plan.waiting.count, firstDay: first, lastDay: last)
                    }
                    if !plan.days.isEmpty { _ = try prune(tenant, plan.days, now) }
                } catch {
                    failure = "pruning tenant \(tenant.name): \(error)"
                    logger.error("\(failure ?? "")")
                }
            }
        } catch { failure = "reading the catalogue: \(error)" }
        let outcome = (waiting, held, failure)
        state.withLock { ($0.waiting, $0.heldDays, $0.failure) = outcome }
    }

    /// Prunes what waited, up to `through`. Returns what went: days and bytes.
    package func confirm(_ tenant: TenantChain, through: Int64, today: Int64, now: Timestamp) throws -> (days: [Int64], bytes: Int) {
        let plan = try self.plan(tenant, today: today, confirmedThrough: through)
        // Few more may be free to go by themselves; nobody has named them.
        let days = plan.days.filter { $0 <= through }
        let bytes = days.isEmpty ? 0 : try prune(tenant, days, now)
        let left = plan.waiting
        state.withLock { state in
            state.waiting[tenant.name] = left.first.map { Waiting(days: left.count, firstDay: $0, lastDay: left[left.count - 1]) }
        }
        return (days, bytes)
    }

    /// Does what is left of a pruning that was cut off.
    package func finish() throws { for tenant in try catalogue.chains() { try pruner.finish(tenant: tenant) } }

    private func prune(_ tenant: TenantChain, _ days: [Int64], _ now: Timestamp) throws -> Int {
        let plan = rules.plan(tenant.name)
        let name = "archive \(RetentionPlan.text(plan.archiveDays))"
        let (record, bytes) = try pruner.prune(tenant: tenant, days: days, plan: name, now: now)
        state.withLock { state in
            state.prunedDays += days.count
            state.prunedBytes += bytes
        }
        logger.notice(
            "archived days were pruned by plan",
            metadata: [
                "tenant": "\(tenant.name)", "days": "\(days.count)", "first": "\(ArchiveFolder.name(day: days[0]))",
                "last": "\(ArchiveFolder.name(day: days[days.count - 1]))", "bytes": "\(bytes)",
            ])
        try pruned(tenant, days, record)
        return bytes
    }

    /// Sealed days with events before `end`, ascending.
    private func sealed(_ tenant: TenantChain, before end: Int64) throws -> [Int64] {
        guard tenant.firstDay < end else { return [] }
        var days: [Int64] = []
        var after: (day: Int64, tenant: UInt32)?
        while true {
            let rows = try catalogue.days(tenant: tenant.name, in: tenant.firstDay...end - 1, after: after, limit: Self.page)
            days += rows.filter { $0.state == .sealed }.map(\.day)
            guard rows.count == Self.page, let last = rows.last else { return days }
            after = (last.day, last.tenant)
        }
    }
}
