public enum JournalHealth: Sendable, Equatable {
    case good
    /// Names the file and the system's error.
    case failed(reason: String, errno: Int32)
    /// No room on the disk; returns to good by itself.
    case full(reason: String)
}

/// Counters since opening, and where the journal stands now.
public struct JournalStatistics: Sendable, Equatable {
    public var oldestPosition: UInt64 = 0
    public var endPosition: UInt64 = 0
    public var queuedEvents = 0
    public var queuedBytes = 0
    /// Groups written and synced.
    public var commits: UInt64 = 0
    public var events: UInt64 = 0
    public var bytes: UInt64 = 0
    public var duplicates: UInt64 = 0
    public var conflicts: UInt64 = 0
    public var largestGroupEvents = 0
    public var segments = 0
    public var segmentBytes = 0
    public var syncFailures: UInt64 = 0
    public var writeFailures: UInt64 = 0
    /// Segments set aside since opening, those of the opening included.
    public var quarantinedSegments = 0
    public var syncLatency = LatencyHistogram()

    public init() {}
}

/// Counts by fixed upper bounds, in the shape Prometheus wants (here not yet cumulative).
public struct LatencyHistogram: Sendable, Equatable {
    /// fdatasync takes 0.3 ms on a good disk and tens of milliseconds on a bad day; the bounds spread over both.
    public static let upperBoundsSeconds: [Double] = [0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 1]

    /// One more than there are bounds: the last counts what is above them all.
    public var counts = [UInt64](repeating: 0, count: upperBoundsSeconds.count + 1)
    public var sumSeconds = 0.0
    public var count: UInt64 = 0

    public init() {}

    public mutating func record(_ duration: Duration) {
        let parts = duration.components
        let seconds = Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
        let bucket = Self.upperBoundsSeconds.firstIndex { seconds <= $0 } ?? Self.upperBoundsSeconds.count
        counts[bucket] += 1
        sumSeconds += seconds
        count += 1
    }
}
