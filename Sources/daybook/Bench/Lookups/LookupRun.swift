import DaybookClient
import Histogram

/// Asks the query set and measures it.
struct LookupRun {
    struct Figure: Encodable {
        var name: String
        /// The first variant's.
        var address: String
        var variants: Int
        /// The first variant, asked once of a server that had just started and whose files were not in memory.
        var coldMicroseconds: Double
        /// Over all variants in turn, each of which had been asked once before.
        var warm: Percentiles
        /// Means over the warm answers.
        var found: Double
        /// The server's own words about what it read, means over the warm answers.
        var scanned: [String: Double]
    }

    let host: String
    let port: UInt16
    let key: String

    /// Warm repetitions end after so many or so many seconds, whichever comes first.
    private static let repetitions = 400
    private static let seconds = 4.0

    func measure(_ questions: [LookupQuestion]) throws -> [Figure] {
        let connection = try LookupConnection(host: host, port: port, key: key)
        // The first of each before anything is repeated, so that no question warms the cache of another's first time
        // more than it must.
        let cold = try questions.map { try Self.ask($0.addresses[0], $0.allPages, connection) }
        return try zip(questions, cold).map { question, first in
            let addresses = question.addresses
            for address in addresses.dropFirst() { _ = try Self.ask(address, question.allPages, connection) }
            var histogram = Histogram<UInt32>(highestTrackableValue: 120_000_000, numberOfSignificantValueDigits: .three)
            let deadline = LoadDriver.now() + UInt64(Self.seconds * 1e9)
            var asked = 0
            var found = 0
            var scanned: [String: Int] = [:]
            while asked == 0 || (asked < Self.repetitions && LoadDriver.now() < deadline) {
                let answer = try Self.ask(addresses[asked % addresses.count], question.allPages, connection)
                histogram.record(UInt64(answer.microseconds))
                asked += 1
                found += answer.found
                scanned.merge(answer.scanned, uniquingKeysWith: +)
            }
            return Figure(
                name: question.name, address: addresses[0], variants: addresses.count, coldMicroseconds: first.microseconds,
                warm: Percentiles(histogram), found: Double(found) / Double(asked),
                scanned: scanned.mapValues { Double($0) / Double(asked) })
        }
    }

    private struct Answer {
        var microseconds: Double
        var found = 0
        var scanned: [String: Int] = [:]
    }

    private static func ask(_ first: String, _ allPages: Bool, _ connection: borrowing LookupConnection) throws -> Answer {
        var bodies: [[UInt8]] = []
        var address = first
        let start = LoadDriver.now()
        while true {
            let body = try connection.get(address)
            bodies.append(body)
            // The cursor stands behind the events; looking from there keeps this side's work out of the figure.
            guard allPages, let cursor = nextCursor(body) else { break }
            address = first + "&cursor=" + HTTPRequest.encode(cursor)
        }
        var answer = Answer(microseconds: Double(LoadDriver.now() - start) / 1000)
        for body in bodies {
            guard let page = JSONText(body) else { continue }
            answer.found += page["events"]?.elements?.count ?? page["counts"]?.elements?.count ?? 0
            for (name, value) in page["scanned"]?.members ?? [] { answer.scanned[name, default: 0] += value.integer ?? 0 }
        }
        return answer
    }

    private static func nextCursor(_ body: [UInt8]) -> String? {
        let key = Array("\"next_cursor\":".utf8)
        var at = body.count - key.count
        while at >= 0, !body[at...].starts(with: key) { at -= 1 }
        return at < 0 ? nil : JSONText(body[(at + key.count)...])?.string
    }
}

/// Microseconds.
struct Percentiles: Encodable {
    var p50: Double
    var p90: Double
    var p99: Double
    var p999: Double
    var max: Double

    init(_ histogram: Histogram<UInt32>) {
        p50 = Double(histogram.valueAtPercentile(50))
        p90 = Double(histogram.valueAtPercentile(90))
        p99 = Double(histogram.valueAtPercentile(99))
        p999 = Double(histogram.valueAtPercentile(99.9))
        max = Double(histogram.max)
    }
}
