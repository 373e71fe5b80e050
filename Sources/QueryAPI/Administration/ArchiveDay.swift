import Archive

/// Received-days in paths, parameters and answers.
enum ArchiveDay {
    /// Days since 1970; `nil` when this is no date.
    static func number(_ text: String) -> Int64? { ArchiveFolder.day(text) }

    static func text(_ day: Int64) -> String { ArchiveFolder.name(day: day) }
}
