import AccessControl
import Collectors

/// What people do with the archive is an activity like any other: it goes into the log of the tenant it concerns, through
/// the same way in, before it is done. What cannot be recorded is not done.
public struct OwnActivity: Sendable {
    private let ingest: Ingest

    public init(_ ingest: Ingest) { self.ingest = ingest }

    public struct Entry: Sendable {
        public var tenant: String
        public var action: String
        /// `nil` for success.
        public var outcome: String?
        /// Type and id of what it is done to.
        public var target: (type: String, id: String)
        public var summary: String
        public var changes: [(field: String, old: String?, new: String?)] = []
        public var reason: String?

        public init(
            tenant: String, action: String, target: (type: String, id: String), summary: String,
            changes: [(field: String, old: String?, new: String?)] = [], reason: String? = nil
        ) {
            self.tenant = tenant
            self.action = action
            self.target = target
            self.summary = summary
            self.changes = changes
            self.reason = reason
        }
    }

    /// Who does it, and from where.
    public struct Author: Sendable {
        let key: AccessKey?
        let remote: String

        public init(_ call: Call) { (key, remote) = (call.key, call.remote) }
    }

    /// Durable when it returns. Throws the ``Problem`` that kept it from being recorded.
    public func record(_ entry: Entry, _ call: Call) async throws { try await record(entry, by: Author(call)) }

    /// The same, for what ends long after it was asked for.
    public func record(_ entry: Entry, by author: Author) async throws {
        var request = IngestRequest(shape: .json, origin: "daybook")
        request.pipeline = "activity"
        request.tenant = entry.tenant
        let answer = await ingest.take(Self.event(entry, author), request)
        if let problem = answer.problem { throw problem }
        guard answer.accepted == 1 else {
            throw Problem(500, "not-recorded", "what you asked for could not be recorded, so it was not done")
        }
    }

    private static func event(_ entry: Entry, _ author: Author) -> [UInt8] {
        var json = JSONBytes()
        json.object { json in
            json.member("tenant", entry.tenant)
            json.key("actor")
            json.object { json in
                json.member("type", "api_key")
                json.member("id", "key-\(author.key?.id ?? 0)")
                if let name = author.key?.name { json.member("name", name) }
            }
            json.member("action", entry.action)
            if let outcome = entry.outcome { json.member("outcome", outcome) }
            json.member("type", "\(entry.target.type).\(entry.action)")
            json.member("area", "daybook")
            json.member("category", "archive")
            json.member("summary", entry.summary)
            if let reason = entry.reason { json.member("reason", reason) }
            json.key("target")
            json.object { json in
                json.member("type", entry.target.type)
                json.member("id", entry.target.id)
            }
            if !entry.changes.isEmpty { writeChanges(entry.changes, to: &json) }
            json.key("source")
            json.object { $0.member("ip", author.remote) }
            json.key("producer")
            json.object { $0.member("name", "daybook") }
        }
        return json.bytes
    }

    private static func writeChanges(_ changes: [(field: String, old: String?, new: String?)], to json: inout JSONBytes) {
        json.key("changes")
        json.array { json in
            for change in changes {
                json.object { json in
                    json.member("field", change.field)
                    json.member("old", change.old)
                    json.member("new", change.new)
                }
            }
        }
    }
}
