/// Instants as the canonical event writes them: RFC 3339, UTC, milliseconds, 24 characters.
///
/// Decided here, because RFC 3339 leaves it open:
/// - Any offset is read and turned into UTC; `-00:00` is read as UTC.
/// - Digits beyond milliseconds are cut, not rounded, so that a time never moves into the next second or day.
/// - A leap second (`:60`) is read only where one can be, at 23:59 UTC, and becomes `…:59.999`: the order of events
///   survives and no reader meets a second 60.
/// - Years outside 0001–9999 after conversion to UTC are refused.
public struct Timestamp: Sendable, Hashable, Comparable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Number of characters of the canonical form.
    public static let textLength = 24

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// Reads `2026-11-20T12:34:56.789+01:00` and its kin; a space or lower-case `t` and `z` are taken as RFC 3339
    /// section 5.6 allows. `nil` for anything else.
    public init?(_ text: UnsafeRawBufferPointer) {
        guard text.count >= 20, text.count <= 64,
            let year = Self.digits(text, 0, 4), text[4] == UInt8(ascii: "-"),
            let month = Self.digits(text, 5, 2), text[7] == UInt8(ascii: "-"),
            let day = Self.digits(text, 8, 2), Self.isSeparator(text[10]),
            let hour = Self.digits(text, 11, 2), text[13] == UInt8(ascii: ":"),
            let minute = Self.digits(text, 14, 2), text[16] == UInt8(ascii: ":"),
            let second = Self.digits(text, 17, 2),
            (1...12).contains(month), day >= 1, day <= Self.daysIn(month: month, year: year), hour < 24, minute < 60, second <= 60
        else { return nil }
        var at = 19
        guard let fraction = Self.fraction(text, &at), let offset = Self.offsetMinutes(text, at) else { return nil }
        let wholeMinutes = Self.days(year: year, month: month, day: day) * 1440 + Int64(hour * 60 + minute) - Int64(offset)
        var milliseconds = wholeMinutes * 60_000 + Int64(second) * 1000 + Int64(fraction)
        if second == 60 {
            guard wholeMinutes % 1440 == 1439 || wholeMinutes % 1440 == -1 else { return nil }
            milliseconds = wholeMinutes * 60_000 + 59_999
        }
        guard milliseconds >= Self.earliest, milliseconds <= Self.latest else { return nil }
        self.milliseconds = milliseconds
    }

    /// Whether a text that is a time is written as ``write(to:)`` writes it.
    @inline(__always)
    static func isCanonical(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count == textLength && text[10] == UInt8(ascii: "T") && text[19] == UInt8(ascii: ".") && text[23] == UInt8(ascii: "Z")
            && text[17] != UInt8(ascii: "6")
    }

    public init?(_ text: String) {
        var text = text
        let parsed = text.withUTF8 { Timestamp(UnsafeRawBufferPointer($0)) }
        guard let parsed else { return nil }
        self = parsed
    }

    /// 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
    public static let earliest = days(year: 1, month: 1, day: 1) * 86_400_000
    public static let latest = days(year: 10_000, month: 1, day: 1) * 86_400_000 - 1

    /// Writes the 24 characters at `target`. The instant must lie within ``earliest`` and ``latest``.
    public func write(to target: UnsafeMutablePointer<UInt8>) {
        let day = Self.floorDivide(milliseconds, 86_400_000)
        let rest = Int(milliseconds - day * 86_400_000)
        let date = Self.civil(day: day)
        Self.write4(date.year, target)
        target[4] = UInt8(ascii: "-")
        Self.write2(date.month, target + 5)
        target[7] = UInt8(ascii: "-")
        Self.write2(date.day, target + 8)
        target[10] = UInt8(ascii: "T")
        Self.write2(rest / 3_600_000, target + 11)
        target[13] = UInt8(ascii: ":")
        Self.write2(rest / 60_000 % 60, target + 14)
        target[16] = UInt8(ascii: ":")
        Self.write2(rest / 1000 % 60, target + 17)
        target[19] = UInt8(ascii: ".")
        let thousandths = rest % 1000
        target[20] = UInt8(ascii: "0") + UInt8(thousandths / 100)
        Self.write2(thousandths % 100, target + 21)
        target[23] = UInt8(ascii: "Z")
    }

    /// `2026-11-20`, the UTC day this instant lies in.
    public var day: String { String(description.prefix(10)) }

    /// Days since 1970-01-01 in UTC.
    public var dayNumber: Int64 { Self.floorDivide(milliseconds, 86_400_000) }

    /// Hours since 1970-01-01T00 in UTC.
    public var hourNumber: Int64 { Self.floorDivide(milliseconds, 3_600_000) }

    /// First instant of a day written `2026-11-20`; `nil` when it is not a date.
    public init?(day text: String) {
        guard text.utf8.count == 10 else { return nil }
        self.init(text + "T00:00:00Z")
    }
}

extension Timestamp: CustomStringConvertible {
    public var description: String {
        String(unsafeUninitializedCapacity: Self.textLength) { target in
            write(to: target.baseAddress!)
            return Self.textLength
        }
    }
}

// The calendar: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil, civil_from_days).
extension Timestamp {
    /// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
    public static func days(year: Int, month: Int, day: Int) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }

    public static func civil(day: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = Int(day) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    public static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

extension Timestamp {
    @inline(__always)
    private static func digits(_ text: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Int? {
        var value = 0
        for index in start..<start + count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return value
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "T") || byte == UInt8(ascii: "t") || byte == UInt8(ascii: " ")
    }

    /// Milliseconds of `.123456`; 0 where there is no fraction; `nil` for a dot without digits.
    private static func fraction(_ text: UnsafeRawBufferPointer, _ at: inout Int) -> Int? {
        guard text[at] == UInt8(ascii: ".") else { return 0 }
        at += 1
        let first = at
        var value = 0
        while at < text.count, text[at] &- UInt8(ascii: "0") < 10 {
            if at - first < 3 { value = value * 10 + Int(text[at] - UInt8(ascii: "0")) }
            at += 1
        }
        switch at - first {
        case 0: return nil
        case 1: return value * 100
        case 2: return value * 10
        default: return value
        }
    }

    /// Minutes east of UTC of `Z`, `+01:00`, `-0530` is not taken: RFC 3339 asks for the colon.
    private static func offsetMinutes(_ text: UnsafeRawBufferPointer, _ at: Int) -> Int? {
        guard at < text.count else { return nil }
        let sign = text[at]
        if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") { return at + 1 == text.count ? 0 : nil }
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), at + 6 == text.count,
            let hours = digits(text, at + 1, 2), text[at + 3] == UInt8(ascii: ":"), let minutes = digits(text, at + 4, 2),
            hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }

    @inline(__always)
    private static func write2(_ value: Int, _ target: UnsafeMutablePointer<UInt8>) {
        target[0] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value / 10)
        target[1] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value % 10)
    }

    @inline(__always)
    private static func write4(_ value: Int, _ target: UnsafeMutablePointer<UInt8>) {
        write2(value / 100, target)
        write2(value % 100, target + 2)
    }
}
