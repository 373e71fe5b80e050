import AccessControl
import Archive
import Collectors
import EventModel
import Foundation
import Hummingbird

/// `GET /v1/archives`, the files of a day for download, and `POST /v1/archives/seal`.
public struct ArchiveEndpoints: Sendable {
    let archive: Archive

    package init(_ archive: Archive) { self.archive = archive }

    public var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/v1/archives") { try await list($0) },
            Endpoint(.get, "/v1/archives/{file...}") { try await ArchiveFiles(archive: archive).answer($0) },
            Endpoint(.post, "/v1/archives/seal") { try await seal($0) },
        ]
    }

    private static let largestLimit = 1000

    // MARK: Listing

    private func list(_ call: Call) async throws -> Response {
        let parameters = try QueryParameters(call.request, known: ["tenant", "from", "to", "limit", "cursor"])
        let tenant = try Self.tenant(try parameters.one("tenant"), call)
        let from = try parameters.one("from").map { try Self.day($0, "from") } ?? -719_162
        let to = try parameters.one("to").map { try Self.day($0, "to") } ?? 2_932_896
        let limit = try parameters.integer("limit", in: 1...Self.largestLimit, default: 100)
        let after = try parameters.one("cursor").map(Self.cursor)
        guard from <= to else { throw Problem.badParameter("\"from\" lies behind \"to\"") }
        let found = try await Blocking.run {
            // One more than asked for tells whether there is a next page.
            try archive.catalogue.days(tenant: tenant, in: from...to, after: after, limit: limit + 1)
        }
        let open = after == nil ? try await Blocking.run { try archive.openDays(tenant: tenant, in: from...to) } : []
        let page = found.prefix(limit)
        var json = JSONBytes()
        json.object { json in
            json.key("archives")
            json.array { json in for day in page { Self.write(day, to: &json) } }
            if after == nil {
                json.key("open")
                json.array { json in for day in open { Self.write(day, to: &json) } }
            }
            json.member("next_cursor", found.count > limit ? page.last.map { "\($0.day).\($0.tenant)" } : nil)
            json.member("sealed_through", archive.catalogue.sealedDay.map(ArchiveFolder.name))
        }
        return .json(json.bytes)
    }

    private static func write(_ day: ArchivedDay, to json: inout JSONBytes) {
        json.object { json in
            json.member("tenant", day.tenantName)
            json.member("day", ArchiveFolder.name(day: day.day))
            json.member("state", "\(day.state)")
            json.member("events", day.events)
            if day.events > 0 {
                json.member("bytes", day.contentBytes)
                json.member("file_bytes", day.fileBytes)
                json.member("first_seq", day.firstSeq)
                json.member("last_seq", day.lastSeq)
                json.member("min_time", "\(Timestamp(milliseconds: day.minTime))")
                json.member("max_time", "\(Timestamp(milliseconds: day.maxTime))")
                json.member("local", day.isLocal)
                json.member("remote", day.isRemote)
            }
            json.member("tree_size", day.treeSize)
            json.member("root", day.root.base64)
            json.member("manifest_sha256", day.manifest.hex)
        }
    }

    private static func write(_ day: OpenArchiveDay, to json: inout JSONBytes) {
        json.object { json in
            json.member("tenant", day.tenant)
            json.member("day", ArchiveFolder.name(day: day.day))
            json.member("state", "open")
            json.member("events", day.events)
        }
    }

    private static func cursor(_ text: String) throws(Problem) -> (day: Int64, tenant: UInt32) {
        let parts = text.split(separator: ".")
        guard parts.count == 2, let day = Int64(parts[0]), let tenant = UInt32(parts[1]) else {
            throw .badParameter("\"cursor\" is not one that this path has given")
        }
        return (day, tenant)
    }

    /// A key that is bound to one tenant sees that tenant, whatever it asks for.
    static func tenant(_ asked: String?, _ call: Call) throws(Problem) -> String? {
        guard let allowed = call.key?.tenant else { return asked }
        if let asked, asked != allowed {
            throw Problem(403, "forbidden", "this key may read only the tenant \"\(allowed)\", not \"\(asked.prefix(64))\"")
        }
        return allowed
    }

    static func day(_ text: String, _ name: String) throws(Problem) -> Int64 {
        if let day = ArchiveFolder.day(text) { return day }
        if let time = Timestamp(text) { return time.dayNumber }
        throw .badParameter("\"\(name)\" must be a date such as 2026-11-20, not \"\(text.prefix(64))\"")
    }

    // MARK: Sealing

    /// Answers after two seconds at the latest with how far it is; asked again until `state` is not `sealing`.
    private func seal(_ call: Call) async throws -> Response {
        let parameters = try QueryParameters(call.request, known: ["day"])
        if call.key?.tenant != nil { throw Problem(403, "forbidden", "a day is sealed for all tenants; this key is bound to one") }
        guard let text = try parameters.one("day") else { throw Problem.badParameter("\"day\" must name the day to seal") }
        let day = try Self.day(text, "day")
        guard let sealer = archive.sealer else { throw Problem(503, "closed", "the server is stopping", retryAfterSeconds: 5) }
        var isDone = archive.catalogue.isSealed(day: day)
        if !isDone {
            do {
                let request = try sealer.ask(for: day)
                isDone = try await Blocking.run { sealer.wait(for: request, milliseconds: 2000) }
            } catch let error as SealError {
                throw Problem(409, "day-open", "\(error); it can be sealed from \(ArchiveFolder.name(day: day + 1))T00:00:00Z on")
            }
        }
        let isSealed = archive.catalogue.isSealed(day: day)
        let status = sealer.status
        var json = JSONBytes()
        json.object { json in
            json.member("day", ArchiveFolder.name(day: day))
            json.member("state", isSealed ? "sealed" : isDone ? "failed" : "sealing")
            json.member("sealed_through", archive.catalogue.sealedDay.map(ArchiveFolder.name))
            if !isSealed, let current = status.current {
                json.key("current")
                json.object { json in
                    json.member("day", ArchiveFolder.name(day: current.day))
                    json.member("tenants", current.tenants)
                    json.member("tenants_done", current.done)
                    json.member("events", current.events)
                }
            }
            json.key("failures")
            json.array { json in
                for failure in status.failures.prefix(100) {
                    json.object { json in
                        json.member("tenant", failure.tenant.isEmpty ? nil : failure.tenant)
                        json.member("day", ArchiveFolder.name(day: failure.day))
                        json.member("reason", failure.reason)
                    }
                }
            }
        }
        return .json(json.bytes)
    }
}
