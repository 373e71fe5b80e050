/// What a valid key may do.
public struct AccessKey: Sendable, Equatable {
    public enum Role: String, Sendable { case admin }

    public var id: Int64
    public var name: String
    public var role: Role
    /// The only tenant it may read and write; `nil` for all.
    public var tenant: String?
}
