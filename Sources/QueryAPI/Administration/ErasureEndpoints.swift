import Archive
import Collectors
import EventModel
import Hummingbird

/// Erasure of a person: `POST /v1/erasures`, `GET /v1/erasures`, `GET /v1/erasures/{name}`.
public struct ErasureEndpoints: Sendable {
    private let jobs: ErasureJobs

    public init(jobs: ErasureJobs) { self.jobs = jobs }

    public var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/v1/erasures") { try list($0) },
            Endpoint(.post, "/v1/erasures") { try await begin($0) },
            Endpoint(.get, "/v1/erasures/{name}") { try show($0) },
        ]
    }

    private func list(_ call: Call) throws -> Response {
        var json = JSONBytes()
        json.object { json in
            json.key("erasures")
            json.array { json in
                for job in jobs.list where call.key?.tenant ?? job.tenant == job.tenant { json.object { Self.write(job, to: &$0) } }
            }
        }
        return .json(json.bytes)
    }

    private func show(_ call: Call) throws -> Response {
        guard let job = jobs.job(call.parameter ?? ""), call.key?.tenant ?? job.tenant == job.tenant else {
            throw Problem.notFound("no erasure of this name was asked for since the start")
        }
        var json = JSONBytes()
        json.object { Self.write(job, to: &$0) }
        return .json(json.bytes)
    }

    private func begin(_ call: Call) async throws -> Response {
        let body = try await JSONBody(call, known: ["tenant", "actor", "email", "reason", "dry_run"])
        let tenant = try body.tenant()
        try call.requireTenant(tenant)
        let (actor, email) = (body["actor"], body["email"])
        guard actor != nil || email != nil else { throw Problem.badBody("\"actor\" (an id) or \"email\" is required") }
        if let email, !Self.isEmail(email) { throw Problem.badBody("\"email\" must be an address such as ana@example.com") }
        let reason = try body.required("reason")
        for name in [actor, email].compactMap(\.self) where reason.lowercased().contains(name.lowercased()) {
            throw Problem.badBody("\"reason\" is kept in signed records, so it must not name the person")
        }
        guard let isDry = ["true": true, "false": false][body["dry_run"] ?? "false"] else {
            throw Problem.badBody("\"dry_run\" must be \"true\" or \"false\"")
        }
        // Not derived from the person in any way.
        let name = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
        let request = ErasureJobs.Request(tenant: tenant, actor: actor, email: email, reason: reason, isDry: isDry, name: name)
        guard let job = try await jobs.begin(request, by: OwnActivity.Author(call)) else {
            throw Problem(409, "busy", "another erasure is running; ask again when GET /v1/erasures says that it has ended")
        }
        var json = JSONBytes()
        json.object { Self.write(job, to: &$0) }
        return Response(status: 202, type: "application/json", bytes: json.bytes)
    }

    /// Enough to tell an address from a name; a part of one would erase too much.
    private static func isEmail(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && parts[1].count >= 3 && parts[1].contains(".") && !text.contains(" ")
    }

    private static func write(_ job: ErasureJobs.Job, to json: inout JSONBytes) {
        json.member("name", job.name)
        json.member("tenant", job.tenant)
        json.member("state", job.state.rawValue)
        json.member("dry_run", job.isDry)
        json.member("begun", job.begun.description)
        json.member("ended", job.ended?.description)
        if let problem = job.problem { json.member("problem", problem) }
        if job.state == .done { writeFound(by: job, to: &json) }
        guard job.state != .running else { return }
        json.key("remarks")
        json.array { json in for remark in job.remarks { json.string(remark) } }
    }

    private static func writeFound(by job: ErasureJobs.Job, to json: inout JSONBytes) {
        let report = job.report
        json.member("events", report.total)
        json.member("dead_letters", job.deadLetters)
        json.member("holds", job.holds)
        json.key("days")
        json.array { json in
            for (day, events) in report.events.sorted(by: { $0.key < $1.key }) {
                json.object { json in
                    json.member("day", ArchiveDay.text(day))
                    json.member("events", events)
                }
            }
        }
        json.member("known_by_ids", report.ids)
        json.member("known_by_emails", report.emails)
        json.member("known_by_names", report.names)
        json.member("names_of_others_too", report.sharedNames)
        json.member("archived_days_rewritten", report.archivedDays)
        json.member("stored_days_rewritten", report.storedDays)
    }
}
