import AccessControl
import Collectors
import EventModel
import Hummingbird

/// Legal holds: `GET /v1/holds`, `POST /v1/holds`, and `DELETE /v1/holds/{id}`, which releases one and keeps it in the list.
public struct HoldEndpoints: Sendable {
    private let plans: RetentionPlans
    private let activity: OwnActivity
    private let now: @Sendable () -> Timestamp

    public init(plans: RetentionPlans, activity: OwnActivity, now: @escaping @Sendable () -> Timestamp) {
        self.plans = plans
        self.activity = activity
        self.now = now
    }

    public var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/v1/holds") { try list($0) },
            Endpoint(.post, "/v1/holds") { try await place($0) },
            Endpoint(.delete, "/v1/holds/{id}") { try await release($0) },
        ]
    }

    private func list(_ call: Call) throws -> Response {
        let parameters = try QueryParameters(call.request, known: ["tenant"])
        let asked = try parameters.one("tenant")
        if let asked { try call.requireTenant(asked) }
        let tenant = asked ?? call.key?.tenant
        var json = JSONBytes()
        json.object { json in
            json.key("holds")
            json.array { json in
                for hold in plans.holds where tenant == nil || hold.tenant == tenant { json.object { Self.write(hold, to: &$0) } }
            }
        }
        return .json(json.bytes)
    }

    private func place(_ call: Call) async throws -> Response {
        let body = try await JSONBody(call, known: ["tenant", "from", "to", "reason", "owner"])
        let tenant = try body.tenant()
        try call.requireTenant(tenant)
        var hold = LegalHold(
            id: 0, tenant: tenant, firstDay: try body.day("from"), lastDay: try body.day("to"), reason: try body.required("reason"),
            owner: try body.required("owner"), created: now())
        if let first = hold.firstDay, let last = hold.lastDay, first > last { throw Problem.badBody("\"from\" lies behind \"to\"") }
        try await activity.record(
            OwnActivity.Entry(
                tenant: tenant, action: "create", target: ("legal_hold", tenant),
                summary: "legal hold on \(tenant) \(Self.range(hold)), owner \(hold.owner)", reason: hold.reason), call)
        hold = try plans.place(hold)
        var json = JSONBytes()
        json.object { Self.write(hold, to: &$0) }
        return Response(status: 201, type: "application/json", bytes: json.bytes)
    }

    private func release(_ call: Call) async throws -> Response {
        let id = call.parameter.flatMap { Int64($0) }
        guard let hold = plans.holds.first(where: { $0.id == id && $0.released == nil }) else {
            throw Problem.notFound("there is no hold \"\((call.parameter ?? "").prefix(20))\" that stands")
        }
        try call.requireTenant(hold.tenant)
        try await activity.record(
            OwnActivity.Entry(
                tenant: hold.tenant, action: "delete", target: ("legal_hold", String(hold.id)),
                summary: "legal hold \(hold.id) on \(hold.tenant) \(Self.range(hold)) released"), call)
        guard let released = try plans.release(hold.id, now: now()) else { throw Problem.notFound("the hold was released already") }
        var json = JSONBytes()
        json.object { Self.write(released, to: &$0) }
        return .json(json.bytes)
    }

    private static func range(_ hold: LegalHold) -> String {
        "from \(hold.firstDay.map(ArchiveDay.text) ?? "the beginning") to \(hold.lastDay.map(ArchiveDay.text) ?? "further notice")"
    }

    private static func write(_ hold: LegalHold, to json: inout JSONBytes) {
        json.member("id", String(hold.id))
        json.member("tenant", hold.tenant)
        json.member("from", hold.firstDay.map(ArchiveDay.text))
        json.member("to", hold.lastDay.map(ArchiveDay.text))
        json.member("reason", hold.reason)
        json.member("owner", hold.owner)
        json.member("created", hold.created.description)
        json.member("released", hold.released?.description)
    }
}
