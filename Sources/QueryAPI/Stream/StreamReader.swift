import Collectors
import EventModel
import EventStore
import Journal

/// One client's place in the stream and what it asked for; turns events into the stream's text.
struct StreamReader: ~Copyable {
    private let parameters: QueryParameters
    private let allowedTenant: String?
    private let directory: TenantDirectory
    private var lookup: LookupParameters
    private var matcher: EventMatcher
    private var knownTenants: Int
    private var text: [UInt8] = []
    /// Position of the next event to look at.
    private(set) var position: UInt64

    init(_ parameters: QueryParameters, allowedTenant: String?, directory: TenantDirectory, position: UInt64) throws {
        // Whatever can fail comes first: a value that cannot be copied is made whole or not at all.
        let lookup = try LookupParameters(parameters, allowedTenant: allowedTenant, directory: directory)
        let matcher = try EventMatcher(filters: lookup.filters, text: lookup.text)
        self.lookup = lookup
        self.matcher = matcher
        self.parameters = parameters
        self.allowedTenant = allowedTenant
        self.directory = directory
        self.position = position
        knownTenants = directory.count
    }

    mutating func take(_ batch: CommittedBatch) {
        learnTenants()
        let skipped = position > batch.firstPosition ? Int(position - batch.firstPosition) : 0
        for index in batch.events.indices.dropFirst(skipped) {
            let event = batch.events[index]
            guard isAsked(tenant: event.tenant, time: event.time) else { continue }
            batch.lines.withUnsafeBytes { lines in
                // Without the newline, which would end the event early.
                let line = UnsafeRawBufferPointer(rebasing: lines[Int(event.offset)..<Int(event.offset + event.length) - 1])
                if matcher.matches(line) { write(line, at: batch.firstPosition + UInt64(index)) }
            }
        }
        position = max(position, batch.endPosition)
    }

    mutating func take(_ event: ReplayedEvent) {
        learnTenants()
        event.line.withUnsafeBytes { line in
            guard event.position >= position, let head = CanonicalLine(line), let id = EventID(String(decoding: head.id, as: UTF8.self))
            else { return }
            if isAsked(tenant: id.tenant, time: head.time), matcher.matches(line) { write(line, at: event.position) }
        }
        position = max(position, event.position + 1)
    }

    /// Says that the events before `position` which were not looked at yet cannot be streamed any more: their days left
    /// the store, and archives are asked by `GET /v1/events`.
    mutating func noteGap(upTo position: UInt64) {
        guard position > self.position else { return }
        text += "event: gap\nid: \(position - 1)\ndata: {\"first_position\":\(self.position),\"last_position\":\(position - 1)}\n\n".utf8
        self.position = position
    }

    mutating func skip(to position: UInt64) { self.position = max(self.position, position) }

    mutating func takeText() -> [UInt8] {
        defer { text.removeAll(keepingCapacity: true) }
        return text
    }

    /// A comment that carries the place reached, so that a client whose filter matches little, or which has seen nothing
    /// yet, resumes from here.
    func comment(_ text: String) -> [UInt8] {
        Array(": \(text)\nid: \(position > 0 ? String(position - 1) : Self.start)\n\n".utf8)
    }

    /// The id before the first event.
    static let start = "start"

    /// A tenant that was asked for may have come into being since.
    private mutating func learnTenants() {
        guard lookup.tenants != nil, directory.count != knownTenants else { return }
        knownTenants = directory.count
        if let now = try? LookupParameters(parameters, allowedTenant: allowedTenant, directory: directory) { lookup.tenants = now.tenants }
    }

    private func isAsked(tenant: UInt32, time: Int64) -> Bool {
        if let tenants = lookup.tenants, !tenants.contains(tenant) { return false }
        return time >= lookup.from?.milliseconds ?? .min && time < lookup.to?.milliseconds ?? .max
    }

    private mutating func write(_ line: UnsafeRawBufferPointer, at position: UInt64) {
        text += "id: ".utf8
        text += String(position).utf8
        text += "\ndata: ".utf8
        text.append(contentsOf: line)
        text += "\n\n".utf8
    }
}
