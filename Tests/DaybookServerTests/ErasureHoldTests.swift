import Foundation
import TestSupport
import Testing

@testable import DaybookServer

/// What a legal hold keeps from erasure, and for how long.
@Suite struct ErasureHoldTests {
    @Test("A legal hold on a day with traces refuses the whole erasure, and one on another day does not")
    func held() async throws {
        let clock = SetClock("2026-11-19T12:00:00Z")
        let rooms = try await ErasureTests.server(clock)
        try await ErasureTests.send(rooms, 19)
        let hold = #"{"tenant":"acme","from":"2026-11-01","to":"2026-11-30","reason":"case 7","owner":"legal@example.com"}"#
        let placed = try await rooms.post("/v1/holds", hold, type: "application/json")
        #expect(placed.status == 201, "\(placed.text)")
        let before = try await ErasureTests.lines(rooms)
        let refused = try await ErasureTests.erase(rooms, dry: false)
        #expect(refused["state"] as? String == "refused" && (refused["problem"] as? String)?.contains("case 7") == true, "\(refused)")
        let stayed = Set(try await ErasureTests.lines(rooms))
        #expect(before.allSatisfy(stayed.contains))
        let id = try #require(try placed.json["id"] as? String)
        #expect(try await rooms.ask(.delete, "/v1/holds/\(id)").status == 200)
        #expect(try await rooms.ask(.delete, "/v1/holds/\(id)").status == 404)
        let done = try await ErasureTests.erase(rooms, dry: false)
        #expect(done["state"] as? String == "done" && done["events"] as? Int == 2, "\(done)")
        await rooms.close()
    }

    @Test("A hold keeps dead letters of its days and its own text, says so, and lets both go with its release")
    func heldLetters() async throws {
        let clock = SetClock("2026-11-19T12:00:00Z")
        let rooms = try await ErasureTests.server(clock)
        let mei = #""actor":{"id":"u-000002","name":"Mei Olsen","email":"Mei.Olsen1@oscorp.example.com"}"#
        func reject(_ extra: String = "") async throws {
            let letter = #"{"kind":"activity",\#(mei),"time":"never"\#(extra)}"#
            _ = try await rooms.post("/v1/events?tenant=acme", letter)
        }
        // No event of the person that day, only what was rejected: the hold does not refuse the whole.
        try await reject()
        clock.set("2026-11-20T12:00:00Z")
        try await reject(#","note":"x\nmei.olsen1\u0040oscorp.example.com, u=mei.olsen1%2540oscorp.example.com""#)
        try await ErasureTests.send(rooms, 20)
        func hold(_ day: String, _ reason: String) async throws -> String {
            let body = #"{"tenant":"acme","from":"\#(day)","to":"\#(day)","reason":"\#(reason)","owner":"legal"}"#
            return try #require(try await rooms.post("/v1/holds", body, type: "application/json").json["id"] as? String)
        }
        let held = try await hold("2026-11-19", "letters about Mei Olsen")
        let past = try await hold("2026-11-18", "ask Mei.Olsen1@oscorp.example.com")
        #expect(try await rooms.ask(.delete, "/v1/holds/\(past)").status == 200)
        for isDry in [true, false] {
            let job = try await ErasureTests.erase(rooms, dry: isDry)
            // The events of the two holds name the person too.
            #expect(job["state"] as? String == "done" && job["events"] as? Int == 4, "\(job)")
            #expect(job["dead_letters"] as? Int == 2 && job["holds"] as? Int == 1, "\(job)")
            let remarks = try #require(job["remarks"] as? [String])
            #expect(remarks.contains { $0.contains("under a legal hold: 1 dead letters") }, "\(remarks)")
            #expect(remarks.contains { $0.contains("legal hold \(held) names the person") }, "\(remarks)")
        }
        let left = try ErasureTests.holders(rooms.folder, ErasureTests.traces + ["u0040oscorp", "%2540oscorp"])
        // What was learned of her from events that are erased now is kept for the rest.
        #expect(
            left.sorted().map { $0.prefix(35) } == ["archive/tenant=acme/.erasing-person", "daybook.sqlite", "deadletter/000001.ndjson"])
        #expect(try await rooms.get("/v1/holds").text.contains("letters about Mei Olsen"))
        #expect(try await rooms.ask(.delete, "/v1/holds/\(held)").status == 200)
        let done = try await ErasureTests.erase(rooms, dry: false)
        #expect(done["state"] as? String == "done" && done["dead_letters"] as? Int == 1 && done["remarks"] as? [String] == [], "\(done)")
        let rest = try ErasureTests.holders(rooms.folder, ErasureTests.traces)
        #expect(rest == [])
        await rooms.close()
    }

    @Test("A tenant of whom only dead letters are left is searched too")
    func lettersOnly() async throws {
        let rooms = try await TestServer()
        _ = try await rooms.post(
            "/v1/events?tenant=acme", #"{"kind":"activity","actor":{"email":"Mei.Olsen1@oscorp.example.com"},"time":"never"}"#)
        let job = try await ErasureTests.erase(rooms, dry: true)
        #expect(job["state"] as? String == "done" && job["events"] as? Int == 0 && job["dead_letters"] as? Int == 1, "\(job)")
        await rooms.close()
    }
}
