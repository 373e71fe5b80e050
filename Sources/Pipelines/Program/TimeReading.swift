import EventModel

/// `time`: how a field is read as the event's time.
struct TimeReading {
    enum Format: String, CaseIterable, BitwiseCopyable {
        case rfc3339
        /// Seconds since 1970, fractions allowed.
        case unixSeconds = "unix_seconds"
        case unixMilliseconds = "unix_milliseconds"
        /// `Dec 10 06:55:46` (RFC 3164): no year; the latest one that does not lie more than a day ahead of `received`.
        case syslog
    }

    var formats: UnsafeBufferPointer<Format>
    /// Minutes east of UTC of times that name no offset.
    var offsetMinutes: Int
    /// Where the time goes, usually `time`.
    var place: FieldPath

    /// - Parameter isNumber: `text` is a JSON number, which may have an exponent; a string has digits, and a fraction.
    func read(_ text: UnsafeRawBufferPointer, isNumber: Bool, received: Timestamp) -> Timestamp? {
        for format in formats {
            let time: Timestamp? =
                switch format {
                case .rfc3339: Timestamp(text)
                case .unixSeconds: Self.unix(text, isNumber, perSecond: 1)
                case .unixMilliseconds: Self.unix(text, isNumber, perSecond: 1000)
                case .syslog: syslog(text, received: received)
                }
            if let time, time.milliseconds >= Timestamp.earliest, time.milliseconds <= Timestamp.latest { return time }
        }
        return nil
    }

    /// Swift's own reading takes `0x10`, `+5` and `nan`, too.
    private static func unix(_ text: UnsafeRawBufferPointer, _ isNumber: Bool, perSecond: Double) -> Timestamp? {
        guard isNumber || isDecimal(text) else { return nil }
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite, abs(value) < 1e15 else { return nil }
        return Timestamp(milliseconds: Int64((value * 1000 / perSecond).rounded(.down)))
    }

    private static func isDecimal(_ text: UnsafeRawBufferPointer) -> Bool {
        let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
        let parts = digits.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        return parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0 &- UInt8(ascii: "0") < 10 } }
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private func syslog(_ text: UnsafeRawBufferPointer, received: Timestamp) -> Timestamp? {
        let parts = String(decoding: text, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 3, let month = Self.months.firstIndex(of: String(parts[0])), let day = Int(parts[1]) else { return nil }
        let clock = parts[2].split(separator: ":").map { Int($0) ?? -1 }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2]) else { return nil }
        let thisYear = Timestamp.civil(day: received.dayNumber).year
        // A 29th of February belongs to the last leap year, at most eight years back (1896–1904).
        for year in stride(from: thisYear + 1, through: thisYear - 8, by: -1) {
            guard day >= 1, day <= Timestamp.daysIn(month: month + 1, year: year) else { continue }
            let minutes = Timestamp.days(year: year, month: month + 1, day: day) * 1440 + Int64(clock[0] * 60 + clock[1] - offsetMinutes)
            let time = Timestamp(milliseconds: minutes * 60_000 + Int64(min(59, clock[2])) * 1000)
            if time.milliseconds <= received.milliseconds + 86_400_000 { return time }
        }
        return nil
    }
}
