/// Why a pipeline's definition was not loaded: the file, the line, the key, and what is wrong with it.
public struct PipelineLoadError: Error, Sendable, Equatable, CustomStringConvertible {
    public var file: String
    /// 1-based; 0 where the file as a whole is meant.
    public var line: Int
    /// The key as it stands in the file, such as `rename` or `tests`; may be empty.
    public var key: String
    public var reason: String

    public init(file: String, line: Int, key: String, reason: String) {
        self.file = file
        self.line = line
        self.key = key
        self.reason = reason
    }

    public var description: String {
        "\(file)\(line > 0 ? ":\(line)" : "")\(key.isEmpty ? "" : ": \(key)"): \(reason)"
    }
}
