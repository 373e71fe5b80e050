import DaybookClient
import Histogram

/// Asks the query set and measures it.
struct LookupRun {
    struct Figure: Encodable {
        var name: String
        var address: String
        /// The first time it was asked, on a server that had just started and whose files were not in memory.
        var coldMicroseconds: Double
        var warm: Percentiles
        var found: Int
        /// The server's own words about what it read.
        var scanned: [String: Int]
    }

    let host: String
    let port: UInt16
    let key: String

    /// Warm repetitions end after so many or so many seconds, whichever comes first.
    private static let repetitions = 300
    private static let seconds = 3.0

    func measure(_ questions: [LookupQuestion]) throws -> [Figure] {
        let connection = try LookupConnection(host: host, port: port, key: key)
        // Once through for all before anything is repeated, so that no question warms the cache of another's first time
        // more than it must.
        let cold = try questions.map { try Self.ask($0, connection) }
        return try zip(questions, cold).map { question, first in
            var histogram = Histogram<UInt32>(highestTrackableValue: 120_000_000, numberOfSignificantValueDigits: .three)
            let deadline = LoadDriver.now() + UInt64(Self.seconds * 1e9)
            var last = first
            for _ in 0..<Self.repetitions where LoadDriver.now() < deadline {
                last = try Self.ask(question, connection)
                histogram.record(UInt64(last.microseconds))
            }
            return Figure(
                name: question.name, address: question.address, coldMicroseconds: first.microseconds, warm: Percentiles(histogram),
                found: last.found, scanned: last.scanned)
        }
    }

    private struct Answer {
        var microseconds: Double
        var found = 0
        var scanned: [String: Int] = [:]
    }

    private static func ask(_ question: LookupQuestion, _ connection: borrowing LookupConnection) throws -> Answer {
        var bodies: [[UInt8]] = []
        var address = question.address
        let start = LoadDriver.now()
        while true {
            let body = try connection.get(address)
            bodies.append(body)
            // The cursor stands behind the events; looking from there keeps this side's work out of the figure.
            guard question.allPages, let cursor = nextCursor(body) else { break }
            address = question.address + "&cursor=" + HTTPRequest.encode(cursor)
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
