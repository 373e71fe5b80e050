/// How following one file goes, for health.
public struct TailStatus: Sendable, Equatable {
    /// Why the file cannot be read at present.
    public var failure: String?
    /// Lines that could never be taken and went to the dead-letter log, and why the last of them did.
    public var refusedLines = 0
    public var refusal: String?

    /// One sentence on everything that somebody should look at; `nil` while all is well.
    public var warning: String? {
        let refused = refusal.map { "\(refusedLines) lines went to the dead-letter log: \($0)" }
        let parts = [failure, refused].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}
