/// A setting that stops the start: its key, where it was found, what is wrong with it.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    public var key: String
    /// `Config/daybook.yaml:12`, `the environment`, or `the command line`.
    public var place: String
    public var reason: String

    public var description: String { "Setting \"\(key)\" (\(place)): \(reason)" }
}
