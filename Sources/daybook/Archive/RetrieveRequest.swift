import Archive
import DaybookClient
import EventModel

/// Which events of which days.
struct RetrieveRequest: Sendable {
    var tenant: String
    /// Received-days, days since 1970-01-01.
    var from: Int64
    var to: Int64
    /// The query that chooses events; `nil` for all.
    var query: String?
    var reason: String?
    var wantsCSV = false

    /// What a run that goes on must have in common with the one before.
    func identity(server: String) -> String {
        let parts = [server, tenant, ArchiveFolder.name(day: from), ArchiveFolder.name(day: to), query ?? ""]
        return "[" + parts.map(JSONWriter.quoted).joined(separator: ",") + "]"
    }

    var text: String {
        "\(tenant), \(ArchiveFolder.name(day: from)) to \(ArchiveFolder.name(day: to))" + (query.map { ", where \($0)" } ?? "")
    }

    /// The received-day's milliseconds.
    func holds(received: Int64) -> Bool { received >= from * 86_400_000 && received < (to + 1) * 86_400_000 }
}

/// What the server has of the days, as `GET /v1/archives` lists it.
struct RetrieveListing: Sendable {
    struct Day: Sendable, Equatable {
        var day: Int64
        var state: String
        var events: Int
        var fileBytes: Int
        var manifest: String
        /// As the server writes them; absent where there are no events.
        var minTime: String?
        var maxTime: String?
    }

    var days: [Day] = []
    /// As far as the store has packed them, until the retrieval has begun; then all of them.
    var open: [(day: Int64, events: Int)] = []
    /// The last day that is sealed for every tenant.
    var sealedThrough: String?

    /// Of the events files that are there.
    var fileBytes: Int { days.reduce(0) { $0 + ($1.state == "sealed" ? $1.fileBytes : 0) } }
    var events: Int { days.reduce(0) { $0 + ($1.state == "sealed" ? $1.events : 0) } + openEvents }
    var openEvents: Int { open.reduce(0) { $0 + $1.events } }

    static let largeBytes = 100_000_000
    static let largeEvents = 1_000_000

    /// Whether it asks before it begins.
    var isLarge: Bool { fileBytes > Self.largeBytes || events > Self.largeEvents }

    var summary: String {
        let states = ["sealed", "quiet", "pruned"].compactMap { state -> String? in
            let count = days.count { $0.state == state }
            return count > 0 ? "\(count) \(state)" : nil
        }
        let all = (states + (open.isEmpty ? [] : ["\(open.count) open"])).joined(separator: ", ")
        return "\(days.count + open.count) days (\(all)), \(Numbers.grouped(events)) events, \(Numbers.bytes(fileBytes)) of sealed files"
    }

    /// Whether the request reaches days that are not sealed, which may hold more than is listed.
    func reachesOpenDays(_ request: RetrieveRequest) -> Bool {
        sealedThrough.flatMap { ArchiveFolder.day($0) }.map { $0 < request.to } ?? true
    }

    /// What of `open` is open still, by this list: it was read later.
    func stillOpen(_ open: [(day: Int64, events: Int)]) -> [(day: Int64, events: Int)] {
        let sealed = sealedThrough.flatMap { ArchiveFolder.day($0) } ?? .min
        return open.filter { open in open.day > sealed && !days.contains { $0.day == open.day } }
    }

    static func open(_ answer: JSONText) -> [(day: Int64, events: Int)] {
        (answer["open"]?.elements ?? []).compactMap { day in
            ArchiveFolder.day(day["day"]?.string ?? "").map { ($0, day["events"]?.integer ?? 0) }
        }
    }

    static func read(_ client: DaybookClient, _ request: RetrieveRequest) async throws -> RetrieveListing {
        var listing = RetrieveListing()
        var cursor: String?
        let query = [
            ("tenant", request.tenant), ("from", ArchiveFolder.name(day: request.from)), ("to", ArchiveFolder.name(day: request.to)),
            ("limit", "1000"),
        ]
        repeat {
            let answer = try await client.get("/v1/archives", query + (cursor.map { [("cursor", $0)] } ?? []))
            guard let page = JSONText(answer.body), let days = page["archives"]?.elements else {
                throw DaybookError.unreadable(url: answer.url, reason: "its answer holds no archives")
            }
            for day in days {
                guard let number = ArchiveFolder.day(day["day"]?.string ?? ""), let manifest = day["manifest_sha256"]?.string else {
                    continue
                }
                listing.days.append(
                    Day(
                        day: number, state: day["state"]?.string ?? "", events: day["events"]?.integer ?? 0,
                        fileBytes: day["file_bytes"]?.integer ?? 0, manifest: manifest, minTime: day["min_time"]?.string,
                        maxTime: day["max_time"]?.string))
            }
            listing.open += Self.open(page)
            listing.sealedThrough = page["sealed_through"]?.string
            cursor = page["next_cursor"]?.string
        } while cursor != nil
        return listing
    }
}
