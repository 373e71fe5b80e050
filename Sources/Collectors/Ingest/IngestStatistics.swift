import EventModel

/// Counters since the start, for `/metrics`.
public struct IngestStatistics: Sendable {
    public var requests: UInt64 = 0
    public var bytes: UInt64 = 0
    public var accepted: UInt64 = 0
    public var duplicates: UInt64 = 0
    public var rejected: [Rejection.Code: UInt64] = [:]
    /// Requests ended by a problem, by its status.
    public var problems: [Int: UInt64] = [:]

    public init() {}

    mutating func add(_ answer: IngestAnswer, rejected codes: [Rejection.Code: UInt64], bytes: Int) {
        requests += 1
        self.bytes += UInt64(bytes)
        accepted += UInt64(answer.accepted)
        duplicates += UInt64(answer.duplicates)
        rejected.merge(codes, uniquingKeysWith: +)
        if let problem = answer.problem { problems[problem.status, default: 0] += 1 }
    }
}
