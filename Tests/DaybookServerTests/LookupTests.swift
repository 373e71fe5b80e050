import EventModel
import Foundation
import Testing

@testable import Collectors
@testable import QueryAPI

@Suite struct LookupTests {
    private func filled() async throws -> TestServer {
        let server = try await TestServer()
        let lines = (1...200).map { number in
            event(number, tenant: number % 2 == 0 ? "acme" : "globex", extra: #","time":"2026-11-\#(10 + number % 10)T23:59:59.500Z""#)
        }
        #expect(try await server.post("/v1/events", lines.joined(separator: "\n")).status == 200)
        return server
    }

    @Test("a `to` that is a date includes that day, a time does not include itself")
    func times() async throws {
        let server = try await filled()
        #expect(try await server.get("/v1/events?from=2026-11-12&to=2026-11-12&limit=1000").events.count == 20)
        #expect(try await server.get("/v1/events?from=2026-11-12&to=2026-11-12T23:59:59.500Z&limit=1000").events.isEmpty)
        #expect(try await server.get("/v1/events?to=2026-11-13T00:59:59.501%2B01:00&limit=1000").events.count == 60)
        #expect(try await server.get("/v1/events?from=gestern").status == 400)
        await server.close()
    }

    @Test("pages follow each other through a cursor, every event once")
    func pages() async throws {
        let server = try await filled()
        var seen: [String] = []
        var cursor: String?
        repeat {
            let page = try await server.get("/v1/events?limit=33" + (cursor.map { "&cursor=\($0)" } ?? ""))
            seen += try page.events.compactMap { $0["id"] as? String }
            cursor = try page.json["next_cursor"] as? String
        } while cursor != nil
        #expect(Set(seen).count == 200 && seen.count == 200)
        #expect(try await server.get("/v1/events?cursor=nonsense").status == 400)
        #expect(try await server.get("/v1/events?limit=1001").status == 400)
        await server.close()
    }

    @Test("one event is answered by its id, byte for byte as in a list")
    func single() async throws {
        let server = try await filled()
        let list = try await server.get("/v1/events?target=T-17")
        let id = try #require(list.events.first?["id"] as? String)
        let one = try await server.get("/v1/events/\(id)")
        #expect(one.status == 200)
        #expect(list.text.contains(one.text))
        #expect(try await server.get("/v1/events/019ac3f0-1c00-7abc-8000-000000000001").status == 404)
        #expect(try await server.get("/v1/events/17").status == 400)
        await server.close()
    }

    @Test("unknown tenants match nothing, unknown parameters are named")
    func strictness() async throws {
        let server = try await filled()
        #expect(try await server.get("/v1/events?tenant=nobody").events.isEmpty)
        #expect(try await server.get("/v1/counts?tenant=nobody").json["total"] as? Int == 0)
        let wrong = try await server.get("/v1/events?aktor=u1")
        #expect(wrong.status == 400 && wrong.text.contains("aktor"))
        #expect(try await server.get("/v1/counts?by=colour").text.contains("colour"))
        for parameter in ["from", "to", "q", "tenant", "actor", "limit", "cursor"] {
            let empty = try await server.get("/v1/events?\(parameter)=")
            #expect(empty.status == 400 && empty.text.contains(parameter))
        }
        #expect(try await server.get("/v1/counts?by=kind,%20day").status == 200)
        #expect(try await server.get("/v1/counts?by=kind,day,kind").text.contains("twice"))
        #expect(try await server.get("/v1/events?q=id:1").text.contains("/v1/events/ID"))
        #expect(try await server.get("/v1/events?q=%22open").status == 400)
        await server.close()
    }

    @Test("counts add up by tenant and day")
    func counts() async throws {
        let server = try await filled()
        let rows = try #require(await server.get("/v1/counts?by=tenant,day").json["counts"] as? [[String: Any]])
        #expect(rows.count == 10)
        #expect(rows.allSatisfy { $0["count"] as? Int == 20 })
        #expect(try await server.get("/v1/counts?actor=u3").json["total"] as? Int == (1...200).count { $0 % 7 == 3 })
        await server.close()
    }

    @Test("health and metrics tell what the rooms do")
    func health() async throws {
        let server = try await filled()
        #expect(try await server.ask(.get, "/health/live", authorised: false).status == 200)
        let ready = try await server.ask(.get, "/health/ready", authorised: false)
        #expect(ready.status == 200)
        #expect(try (ready.json["rooms"] as? [String: Any])?.keys.sorted() == ["archive", "dead_letters", "journal", "retention", "store"])
        _ = try await server.post("/v1/events", "{bad")
        let metrics = try await server.get("/metrics").text
        #expect(metrics.contains("daybook_events_accepted_total 200\n"))
        #expect(metrics.contains("daybook_events_rejected_total{reason=\"invalid_json\"} 1\n"))
        #expect(metrics.contains("daybook_journal_end_position 200\n"))
        #expect(try await server.ask(.get, "/metrics", authorised: false).status == 401)
        await server.close()
    }
}
