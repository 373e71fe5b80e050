/// A file to follow, as configured.
public struct TailEntry: Sendable, Equatable {
    public enum Beginning: String, Sendable, CaseIterable { case start, end }

    public var path: String
    /// Name of the pipeline; `nil` to go by each event's `kind`.
    public var pipeline: String?
    public var tenant: String?
    /// Where to begin in a file that was there before it was first followed. A file that replaces it is always read from its start.
    public var from: Beginning

    /// How long a file that lost its name must not grow before it is left for the one that took the name over. Writers
    /// go on in the old file until they are told of the rotation; 10 s is several times what logrotate's signal takes.
    public var quiet: Duration

    public static let standardQuiet: Duration = .seconds(10)

    public init(
        path: String, pipeline: String? = nil, tenant: String? = nil, from: Beginning = .end, quiet: Duration = standardQuiet
    ) {
        self.path = path
        self.pipeline = pipeline
        self.tenant = tenant
        self.from = from
        self.quiet = quiet
    }
}
