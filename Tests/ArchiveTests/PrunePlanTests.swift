import Testing

@testable import Archive

@Suite struct PrunePlanTests {
    private static func free(_ day: Int64) -> Bool { false }

    @Test("a plan of n days keeps today and the n days before it")
    func plan() {
        let plan = PrunePlan(sealed: Array(90...99), archiveDays: 7, today: 100, atOnce: 3, isHeld: Self.free)
        #expect(plan.days == [90, 91, 92] && plan.waiting.isEmpty && plan.held.isEmpty)
    }

    @Test("for ever is for ever")
    func forever() {
        #expect(PrunePlan(sealed: [1, 2], archiveDays: nil, today: .max / 2, atOnce: 3, isHeld: Self.free) == PrunePlan.nothing)
    }

    @Test("a clock that jumps ahead deletes nothing until somebody confirms, and then what was confirmed")
    func jump() {
        let sealed = Array(Int64(90)...99)
        var plan = PrunePlan(sealed: sealed, archiveDays: 7, today: 5_000, atOnce: 3, isHeld: Self.free)
        #expect(plan.days.isEmpty && plan.waiting == sealed)
        plan = PrunePlan(sealed: sealed, archiveDays: 7, today: 5_000, atOnce: 3, confirmedThrough: 92, isHeld: Self.free)
        #expect(plan.days == [90, 91, 92] && plan.waiting == Array(93...99))
        plan = PrunePlan(sealed: sealed, archiveDays: 7, today: 5_000, atOnce: 3, confirmedThrough: 96, isHeld: Self.free)
        #expect(plan.days == Array(90...96) && plan.waiting == [97, 98, 99])
    }

    @Test("a day that should have gone long ago waits too, however few they are")
    func late() {
        let plan = PrunePlan(sealed: [90, 91], archiveDays: 3, today: 500, atOnce: 3, isHeld: Self.free)
        #expect(plan.days.isEmpty && plan.waiting == [90, 91])
        #expect(PrunePlan(sealed: [90], archiveDays: 3, today: 97, atOnce: 3, isHeld: Self.free).days == [90])
        #expect(PrunePlan(sealed: [90], archiveDays: 3, today: 98, atOnce: 3, isHeld: Self.free).waiting == [90])
    }

    @Test("nothing that a confirmation names goes before its time")
    func early() {
        let plan = PrunePlan(sealed: Array(90...99), archiveDays: 7, today: 100, atOnce: 0, confirmedThrough: 99, isHeld: Self.free)
        #expect(plan.days == [90, 91, 92])
    }

    @Test("a hold beats the plan and the confirmation")
    func hold() {
        let plan = PrunePlan(sealed: Array(90...99), archiveDays: 1, today: 100, atOnce: 1, confirmedThrough: 98) { (91...96).contains($0) }
        #expect(plan.held == Array(91...96) && plan.days == [90, 97, 98] && plan.waiting.isEmpty)
    }
}

extension PrunePlan {
    fileprivate static var nothing: PrunePlan { PrunePlan(sealed: [], archiveDays: nil, today: 0, atOnce: 0) { _ in false } }
}
