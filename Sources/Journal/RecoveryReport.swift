/// What was found at opening. Frames and events are counted in the segments that had to be read, usually the newest.
public struct RecoveryReport: Sendable, Equatable {
    public var segments = 0
    public var frames = 0
    public var events = 0
    /// Bytes of a frame that was being written when the process or machine stopped; cut off, never acknowledged.
    public var tornBytes = 0
    public var tornSegment: String?
    public var quarantined: [QuarantinedSegment] = []

    public init() {}
}

/// A segment with damage before good frames. The original is kept byte for byte; its good frames live on in a new file
/// under the old name.
public struct QuarantinedSegment: Sendable, Equatable {
    public var file: String
    public var keptAs: String
    /// Of the first damaged byte.
    public var offset: Int
    /// Global positions that no readable frame holds any more.
    public var lostPositions: [Range<UInt64>]
    public var reason: String

    public init(file: String, keptAs: String, offset: Int, lostPositions: [Range<UInt64>], reason: String) {
        self.file = file
        self.keptAs = keptAs
        self.offset = offset
        self.lostPositions = lostPositions
        self.reason = reason
    }
}
