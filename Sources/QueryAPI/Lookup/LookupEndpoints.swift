import AccessControl
import Collectors
import EventModel
import EventStore
import Foundation
import Hummingbird

/// `GET /v1/events`, `/v1/events/{id}` and `/v1/counts`.
public struct LookupEndpoints: Sendable {
    let store: EventStore
    let tenants: TenantDirectory

    public init(store: EventStore, tenants: TenantDirectory) {
        self.store = store
        self.tenants = tenants
    }

    public var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/v1/events") { try await search($0) },
            Endpoint(.get, "/v1/events/{id}") { try await event($0) },
            Endpoint(.get, "/v1/counts") { try await counts($0) },
        ]
    }

    private func search(_ call: Call) async throws -> Response {
        let parameters = try QueryParameters(
            call.request, known: LookupParameters.names.union(["limit", "cursor", "order"]), spaced: LookupParameters.spaced)
        let lookup = try LookupParameters(parameters, allowedTenant: call.key?.tenant, directory: tenants)
        var query = SearchQuery(tenants: lookup.tenants, from: lookup.from, to: lookup.to)
        query.filters = lookup.filters
        query.text = lookup.text
        query.limit = try parameters.integer("limit", in: 1...SearchQuery.largestLimit, default: 50)
        query.order = try Self.order(try parameters.one("order"))
        query.cursor = try parameters.one("cursor")
        if lookup.matchesNothing { return .json(Self.bytes([], nextCursor: nil, Scanned())) }
        do throws(SearchError) {
            let page = try await store.search(query)
            return .json(Self.bytes(page.lines, nextCursor: page.nextCursor, page.scanned))
        } catch { throw Problem(error) }
    }

    private static func order(_ text: String?) throws(Problem) -> SearchOrder {
        switch text {
        case nil, "desc", "descending": return .descending
        case "asc", "ascending": return .ascending
        case let other?: throw .badParameter("\"order\" must be desc or asc, not \"\(other.prefix(32))\"")
        }
    }

    /// Events stand in the answer as the bytes they are stored in.
    private static func bytes(_ lines: [ArraySlice<UInt8>], nextCursor: String?, _ scanned: Scanned) -> [UInt8] {
        var json = JSONBytes()
        json.reserve(lines.reduce(512) { $0 + $1.count + 1 })
        json.object { json in
            json.key("events")
            json.array { json in for line in lines { json.raw(line) } }
            json.member("next_cursor", nextCursor)
            write(scanned, to: &json)
        }
        return json.bytes
    }

    private static func write(_ scanned: Scanned, to json: inout JSONBytes) {
        json.key("scanned")
        json.object { json in
            json.member("partitions", scanned.partitions)
            json.member("term_seeks", scanned.termSeeks)
            json.member("blocks", scanned.blocks)
            json.member("blocks_inflated", scanned.blocksInflated)
            if scanned.damagedBlocks > 0 { json.member("damaged_blocks", scanned.damagedBlocks) }
            json.member("bytes", scanned.bytes)
            json.member("events", scanned.events)
            json.member("archives", scanned.archives)
            json.member("archive_bytes", scanned.archiveBytes)
        }
    }

    private func event(_ call: Call) async throws -> Response {
        _ = try QueryParameters(call.request, known: [])
        guard let id = call.parameter.flatMap(EventID.init) else {
            throw Problem.badParameter(
                "\"\(call.parameter?.prefix(64) ?? "")\" is no event's id; ids look like 019ac3f0-1c00-7abc-8000-000000000001")
        }
        let missing = Problem.notFound("there is no event \(call.parameter ?? "")")
        if let allowed = call.key?.tenant, tenants.number(of: allowed) != id.tenant { throw missing }
        let line: [UInt8]?
        do throws(SearchError) { line = try await store.event(id) } catch { throw Problem(error) }
        guard let line else { throw missing }
        return .json(line.last == UInt8(ascii: "\n") ? Array(line.dropLast()) : line)
    }

    private func counts(_ call: Call) async throws -> Response {
        let parameters = try QueryParameters(call.request, known: LookupParameters.names.union(["by"]), spaced: LookupParameters.spaced)
        let lookup = try LookupParameters(parameters, allowedTenant: call.key?.tenant, directory: tenants)
        let columns = try Self.columns(parameters.all("by"))
        var query = CountQuery(tenants: lookup.tenants, from: lookup.from, to: lookup.to, by: columns)
        query.filters = lookup.filters
        query.text = lookup.text
        if lookup.matchesNothing {
            var nothing = CountAnswer()
            if columns.isEmpty { nothing.rows = [([], 0)] }
            nothing.fromRollups = true
            return .json(Self.bytes(nothing, columns))
        }
        do throws(SearchError) {
            return .json(Self.bytes(try await store.counts(query), columns))
        } catch { throw Problem(error) }
    }

    private static func columns(_ given: [String]) throws(Problem) -> [CountColumn] {
        var columns: [CountColumn] = []
        for part in given.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            let name = String(part).trimmingCharacters(in: .whitespaces)
            guard let column = CountColumn(rawValue: name) else {
                throw .badParameter(
                    "events are not counted by \"\(name.prefix(64))\"; columns: \(CountColumn.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            guard !columns.contains(column) else { throw .badParameter("\"by\" names \"\(name)\" twice") }
            columns.append(column)
        }
        return columns
    }

    private static func bytes(_ answer: CountAnswer, _ columns: [CountColumn]) -> [UInt8] {
        var json = JSONBytes()
        json.object { json in
            json.key("counts")
            json.array { json in
                for row in answer.rows {
                    json.object { json in
                        for (column, key) in zip(columns, row.keys) { json.member(column.rawValue, key) }
                        json.member("count", row.count)
                    }
                }
            }
            json.member("total", answer.total)
            if answer.rowsCut { json.member("rows_cut", true) }
            json.member("from_rollups", answer.fromRollups)
            write(answer.scanned, to: &json)
        }
        return json.bytes
    }
}
