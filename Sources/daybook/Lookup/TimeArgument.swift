import ArgumentParser
import EventModel
import Foundation

/// A time on the command line: RFC 3339, a date (UTC), or an age such as `-2h`. A date is passed on as it is, since
/// the server knows that a `to` which is a bare date includes that whole day.
struct TimeArgument: ExpressibleByArgument, Equatable {
    enum Form: Equatable {
        case instant(Timestamp)
        case day(String)
        case ago(milliseconds: Int64)
    }

    var form: Form

    static let accepted = "RFC 3339, a date, or an age such as -15m, -2h, -30d"

    init?(argument: String) {
        if let instant = Timestamp(argument) {
            form = .instant(instant)
        } else if Timestamp(day: argument) != nil {
            form = .day(argument)
        } else if argument == "now" {
            form = .ago(milliseconds: 0)
        } else if let age = Self.age(argument) {
            form = .ago(milliseconds: age)
        } else {
            return nil
        }
    }

    /// As the server takes it.
    func text(now: Timestamp) -> String {
        switch form {
        case .instant(let instant): instant.description
        case .day(let day): day
        case .ago(let age): Timestamp(milliseconds: max(Timestamp.earliest, now.milliseconds - age)).description
        }
    }

    private static func age(_ text: String) -> Int64? {
        guard text.first == "-", let unit = text.last, let count = Int64(text.dropFirst().dropLast()), count >= 0, count < 1_000_000 else {
            return nil
        }
        switch unit {
        case "s": return count * 1000
        case "m": return count * 60_000
        case "h": return count * 3_600_000
        case "d": return count * 86_400_000
        case "w": return count * 7 * 86_400_000
        default: return nil
        }
    }
}

extension Timestamp {
    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
