import Histogram

/// How to load a server.
struct LoadPlan {
    var host: String
    var port: UInt16
    var key: String
    /// Events in one request.
    var batch: Int
    var connections: Int
    /// Events a second; 0 for as fast as the server answers.
    var rate: Int
    /// At most so many events.
    var events: Int
    /// At most so long; `nil` for until the events are out.
    var seconds: Double?
}

/// What came of it.
struct LoadResult {
    var events = 0
    var accepted = 0
    var duplicates = 0
    var bytes = 0
    var requests = 0
    /// Answers that said "later" (429, 503); the same batch went again.
    var deferred = 0
    var seconds = 0.0
    /// From the moment a request was due until its whole answer was there, in microseconds. Waiting that a slow answer
    /// causes for later requests counts (no coordinated omission) when there is a rate.
    var latency = Histogram<UInt32>(highestTrackableValue: 120_000_000, numberOfSignificantValueDigits: .three)

    var rejected: Int { events - accepted - duplicates }
    var eventsPerSecond: Double { Double(events) / seconds }
}
