import TestSupport
import Testing

@testable import EventModel

@Suite("Timestamp")
struct TimestampTests {
    @Test(
        "an offset is turned into UTC, across days and years",
        arguments: [
            ("2026-11-20T12:34:56.789Z", "2026-11-20T12:34:56.789Z"),
            ("2026-11-20t12:34:56z", "2026-11-20T12:34:56.000Z"),
            ("2026-11-20 12:34:56.7Z", "2026-11-20T12:34:56.700Z"),
            ("2026-11-20T12:34:56.78+01:00", "2026-11-20T11:34:56.780Z"),
            ("2026-01-01T00:30:00+05:45", "2025-12-31T18:45:00.000Z"),
            ("2025-12-31T23:30:00-23:59", "2026-01-01T23:29:00.000Z"),
            ("2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00.000Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
            ("2000-02-29T12:00:00Z", "2000-02-29T12:00:00.000Z"),
        ])
    func offsets(written: String, canonical: String) { #expect(Timestamp(written)?.description == canonical) }

    @Test("digits behind the milliseconds are cut and never carry into the next second")
    func fraction() {
        #expect(Timestamp("2026-12-31T23:59:59.9999999Z")?.description == "2026-12-31T23:59:59.999Z")
        #expect(Timestamp("2026-12-31T23:59:59.0009Z")?.description == "2026-12-31T23:59:59.000Z")
        #expect(Timestamp("1969-12-31T23:59:59.0009Z")?.description == "1969-12-31T23:59:59.000Z")
    }

    @Test("a leap second is read only at 23:59 UTC and stays in its minute")
    func leapSecond() {
        #expect(Timestamp("2016-12-31T23:59:60Z")?.description == "2016-12-31T23:59:59.999Z")
        #expect(Timestamp("2016-12-31T23:59:60.5Z")?.description == "2016-12-31T23:59:59.999Z")
        #expect(Timestamp("2017-01-01T05:44:60+05:45")?.description == "2016-12-31T23:59:59.999Z")
        #expect(Timestamp("1968-12-31T23:59:60Z")?.description == "1968-12-31T23:59:59.999Z")
        #expect(Timestamp("2016-12-31T23:58:60Z") == nil)
        #expect(Timestamp("2016-12-31T12:59:60Z") == nil)
        #expect(Timestamp("2016-12-31T23:59:60+01:00") == nil)
        #expect(Timestamp("2016-12-31T23:59:61Z") == nil)
    }

    @Test("years 0001 to 9999 in UTC are taken, others refused, whatever the offset says")
    func years() {
        #expect(Timestamp("0001-01-01T00:00:00Z")?.milliseconds == Timestamp.earliest)
        #expect(Timestamp("9999-12-31T23:59:59.999Z")?.milliseconds == Timestamp.latest)
        #expect(Timestamp("0000-12-31T23:59:59Z") == nil)
        #expect(Timestamp("0001-01-01T00:00:00+00:01") == nil)
        #expect(Timestamp("9999-12-31T23:59:59-00:01") == nil)
        #expect(Timestamp("0000-12-31T23:59:00-00:01")?.milliseconds == Timestamp.earliest)
        #expect(Timestamp(milliseconds: Timestamp.earliest).description == "0001-01-01T00:00:00.000Z")
        #expect(Timestamp(milliseconds: Timestamp.latest).description == "9999-12-31T23:59:59.999Z")
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", "2026", "2026-11-20", "2026-11-20T12:34:56", "2026-11-20T12:34Z", "2026-11-20T12:34:56.Z", "2026-11-20T12:34:56.Zx",
            "2026-11-20T12:34:56+0100", "2026-11-20T12:34:56+1:00", "2026-11-20T12:34:56+24:00", "2026-11-20T12:34:56+01:60",
            "2026-11-20T12:34:56+01:000", "2026-11-20T12:34:56+01", "2026-11-20T12:34:56Z ", " 2026-11-20T12:34:56Z",
            "2026-11-20T12:34:56ZZ",
            "2026-11-20T24:00:00Z", "2026-11-20T12:60:00Z", "2026-13-20T12:00:00Z", "2026-00-20T12:00:00Z", "2026-11-31T12:00:00Z",
            "2026-11-00T12:00:00Z", "2026-02-29T12:00:00Z", "1900-02-29T12:00:00Z", "2026/11/20T12:34:56Z", "2026-11-20X12:34:56Z",
            "2026-11-20T12.34.56Z", "+026-11-20T12:34:56Z", "2026-11-2OT12:34:56Z", "２026-11-20T12:34:56Z", "2026-11-20T12:34:56,5Z",
            "2026-11-20T12:34:56.789\u{2212}01:00", "2026-11-20T12:34:56.12x34Z", "1795178096", "20261120T123456Z", "2026-W47-5T12:34:56Z",
            "2026-11-20T12:34:56.000000000000000000000000000000000000000000000000000000Z",
        ])
    func malformed(text: String) { #expect(Timestamp(text) == nil) }

    @Test("cutting a time anywhere, or changing one character to a letter, makes it no time")
    func everyPlace() {
        let text = "2026-11-20T12:34:56.789+01:00"
        for length in 0..<text.count where length != 19 { #expect(Timestamp(String(text.prefix(length))) == nil, "\(length) characters") }
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: "x")
            #expect(Timestamp(changed) == nil, "\(changed)")
        }
    }

    @Test("every day from 0001 to 9999 is named as a plain count of days names it")
    func calendar() {
        var day = Timestamp.earliest / 86_400_000
        for year in 1...9999 {
            let isLeap = year.isMultiple(of: 400) || (year.isMultiple(of: 4) && !year.isMultiple(of: 100))
            for (index, length) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                // The first and last of each month pin the days between.
                for date in [1, length] {
                    let number = day + Int64(date - 1)
                    let civil = Timestamp.civil(day: number)
                    let agrees = civil == (year, index + 1, date) && Timestamp.days(year: year, month: index + 1, day: date) == number
                    if !agrees { Issue.record("\(year)-\(index + 1)-\(date) is \(civil)") }
                }
                day += Int64(length)
            }
        }
        #expect(day == (Timestamp.latest + 1) / 86_400_000)
    }

    @Test("any instant reads back as it was written", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20_000 {
            let time = Timestamp(milliseconds: Int64.random(in: Timestamp.earliest...Timestamp.latest, using: &random))
            let text = time.description
            if text.utf8.count != Timestamp.textLength || Timestamp(text) != time {
                Issue.record("\(time.milliseconds) is written \(text)")
            }
            let offset = Int.random(in: -1439...1439, using: &random)
            let local = Timestamp(milliseconds: time.milliseconds + Int64(offset) * 60_000)
            guard local.milliseconds >= Timestamp.earliest, local.milliseconds <= Timestamp.latest else { continue }
            let sign = offset < 0 ? "-" : "+"
            let shown = local.description.dropLast() + sign + two(abs(offset) / 60) + ":" + two(abs(offset) % 60)
            if Timestamp(String(shown)) != time { Issue.record("\(shown) is not \(text)") }
        }
    }

    @Test("written order is the order of instants, and days and hours round down before 1970")
    func order() {
        var random = SeededRandom(seed: 4)
        for _ in 0..<2000 {
            let pair = (0..<2).map { _ in Timestamp(milliseconds: Int64.random(in: Timestamp.earliest...Timestamp.latest, using: &random)) }
            #expect((pair[0] < pair[1]) == (pair[0].description < pair[1].description))
        }
        #expect(Timestamp(milliseconds: -1).dayNumber == -1)
        #expect(Timestamp(milliseconds: -1).hourNumber == -1)
        #expect(Timestamp(milliseconds: -1).day == "1969-12-31")
        #expect(Timestamp(day: "1969-12-31")?.dayNumber == -1)
        #expect(Timestamp(day: "2026-02-30") == nil)
        #expect(Timestamp(day: "2026-2-3") == nil)
    }

    private func two(_ value: Int) -> String { (value < 10 ? "0" : "") + String(value) }
}
