import EventModel
import Foundation
import Testing

@testable import AccessControl

@Suite struct RetentionPlansTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("daybook-plans-\(UUID().uuidString).sqlite").path
    private let now = Timestamp(milliseconds: 1_763_640_000_000)

    @Test("plans and holds are there again after the database was closed")
    func survive() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        var control = try ControlDatabase.open(path)
        var plans = try RetentionPlans(control, standard: RetentionPlan(recentDays: 7, archiveDays: nil))
        try plans.set(RetentionPlan(recentDays: 3, archiveDays: 365), of: "acme", now: now)
        try plans.set(RetentionPlan(recentDays: 3, archiveDays: 30), of: "short", now: now)
        try plans.set(nil, of: "short", now: now)
        let hold = try plans.place(
            LegalHold(id: 0, tenant: "acme", firstDay: 10, lastDay: nil, reason: "case 7", owner: "legal@example.com", created: now))
        let other = try plans.place(
            LegalHold(id: 0, tenant: "acme", firstDay: nil, lastDay: 5, reason: "case 8", owner: "legal@example.com", created: now))
        #expect(try plans.release(other.id, now: now)?.released == now)
        #expect(try plans.release(other.id, now: now) == nil)
        try control.close()

        control = try ControlDatabase.open(path)
        plans = try RetentionPlans(control, standard: RetentionPlan(recentDays: 7, archiveDays: nil))
        #expect(plans.plan(of: "acme") == RetentionPlan(recentDays: 3, archiveDays: 365))
        #expect(plans.plan(of: "short") == RetentionPlan(recentDays: 7, archiveDays: nil))
        #expect(plans.holds.map(\.id) == [hold.id, other.id])
        #expect(plans.hold(on: "acme", day: 10) == hold && plans.hold(on: "acme", day: 4_000_000) == hold)
        #expect(plans.hold(on: "acme", day: 9) == nil && plans.hold(on: "acme", day: 5) == nil && plans.hold(on: "beta", day: 10) == nil)
        try control.close()
    }

    @Test("texts of released holds are rewritten without a trace in the file, those of standing ones are only named")
    func rewritesHolds() throws {
        defer { for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + end) } }
        let control = try ControlDatabase.open(path)
        let plans = try RetentionPlans(control, standard: RetentionPlan(recentDays: 7, archiveDays: nil))
        func place(_ tenant: String, _ reason: String, _ owner: String = "legal") throws -> Int64 {
            try plans.place(
                LegalHold(id: 0, tenant: tenant, firstDay: nil, lastDay: nil, reason: reason, owner: owner, created: now)
            ).id
        }
        let released = [
            try place("acme", "about Mei"), try place("acme", "case 7", "Mei"), try place("acme", "case 8"),
            try place("globex", "about Ana"),
        ]
        for id in released { _ = try plans.release(id, now: now) }
        let standing = try place("acme", "also about Mia")
        let change: (String) -> String? = { text in
            text.contains("Mei") || text.contains("Ana") || text.contains("Mia") ? "[erased]" : nil
        }
        for isDry in [true, false] {
            let done = try plans.rewriteHolds(of: "acme", isDry: isDry, change)
            #expect(done.changed == [released[0], released[1]] && done.standing == [standing])
            #expect(plans.holds.map(\.reason).contains("about Mei") == isDry)
        }
        #expect(plans.holds.map(\.reason) == ["[erased]", "case 7", "case 8", "about Ana", "also about Mia"])
        #expect(plans.holds.map(\.owner) == ["legal", "[erased]", "legal", "legal", "legal"])
        let bytes = ["", "-wal"].map { FileManager.default.contents(atPath: path + $0) ?? Data() }.reduce(Data(), +)
        #expect(bytes.range(of: Data("Mei".utf8)) == nil && bytes.range(of: Data("about Ana".utf8)) != nil)
        let again = try plans.rewriteHolds(of: "acme", isDry: false, change)
        #expect(again.changed == [] && again.standing == [standing])
        try control.close()
    }

    @Test(
        "a duration is a number of days or for ever, and nothing else",
        arguments: [
            ("30d", RetentionPlan.Days.days(30)), ("forever", .forever), ("36500d", .days(36_500)), ("36501d", nil), ("0d", nil),
            ("-1d", nil),
            ("+3d", nil), ("30", nil), ("d", nil), (" 3d", nil), ("٣d", nil), ("1y", nil), ("", nil),
        ] as [(String, RetentionPlan.Days?)])
    func durations(text: String, days: RetentionPlan.Days?) { #expect(RetentionPlan.days(text) == days) }
}
