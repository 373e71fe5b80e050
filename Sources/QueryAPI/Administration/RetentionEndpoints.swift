import AccessControl
import Archive
import Collectors
import EventModel
import Hummingbird

/// How long each tenant's events are kept: `GET /v1/retention`, `PUT` and `DELETE /v1/retention/{tenant}`, and
/// `POST /v1/retention/prune`, which lets go of what had to wait for somebody's word.
public struct RetentionEndpoints: Sendable {
    private let plans: RetentionPlans
    private let archive: Archive
    private let retention: Retention
    private let activity: OwnActivity
    private let now: @Sendable () -> Timestamp

    package init(
        plans: RetentionPlans, archive: Archive, retention: Retention, activity: OwnActivity, now: @escaping @Sendable () -> Timestamp
    ) {
        self.plans = plans
        self.archive = archive
        self.retention = retention
        self.activity = activity
        self.now = now
    }

    public var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/v1/retention") { try list($0) },
            Endpoint(.put, "/v1/retention/{tenant}") { try await set($0) },
            Endpoint(.delete, "/v1/retention/{tenant}") { try await unset($0) },
            Endpoint(.post, "/v1/retention/prune") { try await prune($0) },
        ]
    }

    // MARK: Plans

    private func list(_ call: Call) throws -> Response {
        let parameters = try QueryParameters(call.request, known: ["tenant"])
        let asked = try parameters.one("tenant")
        if let asked { try call.requireTenant(asked) }
        let own = call.key?.tenant
        let waiting = retention.status.waiting
        let given = plans.plans
        var names = Set(given.keys).union(waiting.keys)
        if let only = asked ?? own { names = [only] }
        var json = JSONBytes()
        json.object { json in
            json.key("standard")
            json.object { Self.write(plans.standard, to: &$0) }
            json.key("plans")
            json.array { json in
                for name in names.sorted() {
                    json.object { json in
                        json.member("tenant", name)
                        Self.write(plans.plan(of: name), to: &json)
                        json.member("standard", given[name] == nil)
                        if let waits = waiting[name] { Self.write(waits, to: &json) }
                    }
                }
            }
        }
        return .json(json.bytes)
    }

    private func set(_ call: Call) async throws -> Response {
        let tenant = try tenant(call)
        let body = try await JSONBody(call, known: ["recent", "archive", "reason"])
        // One that is left out stays as it is; with both left out the standard plan of today would become this tenant's for good.
        guard body["recent"] != nil || body["archive"] != nil else {
            throw Problem.badBody("\"recent\" (such as 30d), \"archive\" (such as 365d, or forever) or both are required")
        }
        var plan = plans.plan(of: tenant)
        let old = plan
        if let text = body["recent"] {
            guard case .days(let days)? = RetentionPlan.days(text) else { throw Self.badDuration("recent", text, "such as 30d") }
            plan.recentDays = days
        }
        if let text = body["archive"] {
            guard let days = RetentionPlan.days(text) else { throw Self.badDuration("archive", text, "such as 365d, or forever") }
            if case .days(let days) = days { plan.archiveDays = days } else { plan.archiveDays = nil }
        }
        if let days = plan.archiveDays, days < plan.recentDays {
            throw Problem.badBody("\"archive\" (\(days)d) must not be shorter than \"recent\" (\(plan.recentDays)d)")
        }
        try await change(plan, from: old, of: tenant, reason: body["reason"], call)
        return try answer(tenant)
    }

    private func unset(_ call: Call) async throws -> Response {
        let tenant = try tenant(call)
        try await change(nil, from: plans.plan(of: tenant), of: tenant, reason: nil, call)
        return try answer(tenant)
    }

    private func change(_ plan: RetentionPlan?, from old: RetentionPlan, of tenant: String, reason: String?, _ call: Call) async throws {
        let new = plan ?? plans.standard
        var entry = OwnActivity.Entry(
            tenant: tenant, action: plan == nil ? "delete" : "update", target: ("retention_plan", tenant),
            summary: "retention of \(tenant): recent \(RetentionPlan.text(new.recentDays)), archive \(RetentionPlan.text(new.archiveDays))")
        entry.changes = [
            ("recent", RetentionPlan.text(old.recentDays), RetentionPlan.text(new.recentDays)),
            ("archive", RetentionPlan.text(old.archiveDays), RetentionPlan.text(new.archiveDays)),
        ]
        entry.reason = reason
        try await activity.record(entry, call)
        try plans.set(plan, of: tenant, now: now())
    }

    /// The plan, and what of the archive it lets go and when.
    private func answer(_ tenant: String) throws -> Response {
        let plan = plans.plan(of: tenant)
        let today = now().dayNumber
        let prune = try archive.catalogue.chains().first { $0.name == tenant }.map { try retention.plan($0, today: today) }
        var json = JSONBytes()
        json.object { json in
            json.member("tenant", tenant)
            Self.write(plan, to: &json)
            json.member("standard", plans.plans[tenant] == nil)
            json.member("due_days", prune?.days.count ?? 0)
            json.member("held_days", prune?.held.count ?? 0)
            if let first = prune?.waiting.first, let last = prune?.waiting.last {
                Self.write(Retention.Waiting(days: prune?.waiting.count ?? 0, firstDay: first, lastDay: last), to: &json)
            }
        }
        return .json(json.bytes)
    }

    // MARK: Pruning

    private func prune(_ call: Call) async throws -> Response {
        let body = try await JSONBody(call, known: ["tenant", "through", "reason"])
        let tenant = try body.tenant()
        try call.requireTenant(tenant)
        let through = try JSONBody.day(body.required("through"), "through")
        guard let chain = try archive.catalogue.chains().first(where: { $0.name == tenant }) else {
            throw Problem.notFound("the archive has nothing of the tenant \"\(tenant)\"")
        }
        try await activity.record(
            OwnActivity.Entry(
                tenant: tenant, action: "delete", target: ("archive", tenant),
                summary: "pruning of archived days up to \(ArchiveDay.text(through)) confirmed", reason: body["reason"]), call)
        let now = now()
        let gone = try await archive.exclusively { try retention.confirm(chain, through: through, today: now.dayNumber, now: now) }
        var json = JSONBytes()
        json.object { json in
            json.member("tenant", tenant)
            json.member("pruned_days", gone.days.count)
            json.member("first_day", gone.days.first.map(ArchiveDay.text))
            json.member("last_day", gone.days.last.map(ArchiveDay.text))
            json.member("pruned_bytes", gone.bytes)
            json.member("waiting_days", retention.status.waiting[tenant]?.days ?? 0)
        }
        return .json(json.bytes)
    }

    // MARK: Parts

    private func tenant(_ call: Call) throws -> String {
        let tenant = call.parameter ?? ""
        guard TenantName.isValid(tenant) else { throw Problem.badParameter("\"\(tenant.prefix(64))\" is not a tenant's name") }
        try call.requireTenant(tenant)
        return tenant
    }

    private static func badDuration(_ name: String, _ text: String, _ example: String) -> Problem {
        Problem.badBody("\"\(name)\" must be \(example), not \"\(text.prefix(64))\"; at most \(RetentionPlan.largestDays)d")
    }

    private static func write(_ plan: RetentionPlan, to json: inout JSONBytes) {
        json.member("recent", RetentionPlan.text(plan.recentDays))
        json.member("archive", RetentionPlan.text(plan.archiveDays))
    }

    private static func write(_ waiting: Retention.Waiting, to json: inout JSONBytes) {
        json.key("waiting_for_confirmation")
        json.object { json in
            json.member("days", waiting.days)
            json.member("first_day", ArchiveDay.text(waiting.firstDay))
            json.member("last_day", ArchiveDay.text(waiting.lastDay))
        }
    }
}

extension Call {
    /// A key that is bound to one tenant decides for that tenant alone.
    func requireTenant(_ tenant: String) throws {
        guard let own = key?.tenant, own != tenant else { return }
        throw Problem(403, "forbidden", "this key may decide only for the tenant \"\(own)\", not \"\(tenant.prefix(64))\"")
    }
}
