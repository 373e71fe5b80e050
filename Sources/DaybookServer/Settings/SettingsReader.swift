import Configuration

/// Reads settings by key: the command line over `DAYBOOK_…` in the environment over the file.
///
/// It remembers every key that is asked for; what is left over in the file or the environment is a misspelling, and a
/// misspelt setting must not silently be a default.
struct SettingsReader {
    private let config: ConfigReader
    private let commandLine: [String: String]
    private let environment: [String: String]
    private let file: SettingsFile?
    private var known: Set<String> = []

    /// Variables of the client commands, which share the prefix.
    private static let foreign: Set = ["DAYBOOK_URL", "DAYBOOK_KEY", "DAYBOOK_CONFIG"]

    init(commandLine: [String: String], environment: [String: String], file: SettingsFile?) {
        self.commandLine = commandLine
        self.environment = environment
        self.file = file
        config = ConfigReader(providers: [
            Self.provider("command line", commandLine),
            EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "daybook"),
            Self.provider("file", file?.values.mapValues(\.text) ?? [:]),
        ])
    }

    private static func provider(_ name: String, _ values: [String: String]) -> InMemoryProvider {
        let pairs = values.map {
            (AbsoluteConfigKey($0.key.split(separator: ".").map(String.init)), ConfigValue(.string($0.value), isSecret: false))
        }
        return InMemoryProvider(name: name, values: Dictionary(pairs) { first, _ in first })
    }

    mutating func text(_ key: String) -> String? {
        known.insert(key)
        return config.string(forKey: ConfigKey(key)).flatMap { $0.isEmpty ? nil : $0 }
    }

    mutating func text(_ key: String, default standard: String) -> String { text(key) ?? standard }

    mutating func count(_ key: String, in range: ClosedRange<Int>, default standard: Int) throws(SettingsError) -> Int {
        guard let text = text(key) else { return standard }
        guard let value = Int(text) else { throw fault(key, "\"\(text)\" is not a whole number") }
        return try checked(key, value, range)
    }

    /// `65536`, `64 KiB`, `1GiB`.
    mutating func bytes(_ key: String, in range: ClosedRange<Int>, default standard: Int) throws(SettingsError) -> Int {
        guard let text = text(key) else { return standard }
        let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)]
        let unit = units.first { text.hasSuffix($0.0) }
        let digits = text.dropLast(unit == nil ? 0 : 3).filter { $0 != " " && $0 != "_" }
        guard let number = Int(digits), number >= 0 else {
            throw fault(key, "\"\(text)\" is not a size; write bytes, or a number with KiB, MiB, GiB or TiB")
        }
        let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: 1 << (unit?.1 ?? 0))
        guard !isTooLarge else { throw fault(key, "\"\(text)\" does not lie between \(range.lowerBound) and \(range.upperBound)") }
        return try checked(key, bytes, range)
    }

    /// `300s`, `5m`, `12h`, `7d`, `250ms`.
    mutating func duration(_ key: String, in range: ClosedRange<Duration>, default standard: Duration) throws(SettingsError) -> Duration {
        guard let text = text(key) else { return standard }
        guard let value = Self.duration(text) else {
            throw fault(key, "\"\(text)\" is not a duration; write 250ms, 300s, 5m, 12h or 7d")
        }
        guard range.contains(value) else { throw fault(key, "it must lie between \(range.lowerBound) and \(range.upperBound)") }
        return value
    }

    static func duration(_ text: String) -> Duration? {
        let units: [(String, Duration)] = [
            ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)), ("h", .seconds(3600)), ("d", .seconds(86_400)),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.0) }), let number = Int(text.dropLast(unit.0.count).filter { $0 != " " }),
            number >= 0, number < 1 << 31
        else { return nil }
        return unit.1 * number
    }

    func fault(_ key: String, _ reason: String) -> SettingsError { SettingsError(key: key, place: place(of: key), reason: reason) }

    private func checked(_ key: String, _ value: Int, _ range: ClosedRange<Int>) throws(SettingsError) -> Int {
        guard range.contains(value) else { throw fault(key, "\(value) does not lie between \(range.lowerBound) and \(range.upperBound)") }
        return value
    }

    private func place(of key: String) -> String {
        if commandLine[key] != nil { return "the command line" }
        if environment[Self.variable(key)] != nil { return "\(Self.variable(key)) in the environment" }
        return file.flatMap { file in file.values[key].map { "\(file.path):\($0.line)" } } ?? "default"
    }

    private static func variable(_ key: String) -> String { "DAYBOOK_" + key.uppercased().replacing(".", with: "_") }

    /// Refuses what nobody asked for. Call it last.
    func checkLeftovers() throws(SettingsError) {
        // A section whose settings are all commented out reads as an empty value.
        let isSection = { (key: String) in file?.values[key]?.text.isEmpty == true && known.contains { $0.hasPrefix(key + ".") } }
        if let file, let unknown = file.values.keys.filter({ !known.contains($0) && !isSection($0) }).min() {
            throw SettingsError(
                key: unknown, place: "\(file.path):\(file.values[unknown]!.line)",
                reason: "there is no such setting; Config/daybook.yaml lists them all")
        }
        let variables = Set(known.map(Self.variable)).union(Self.foreign)
        if let unknown = environment.keys.filter({ $0.hasPrefix("DAYBOOK_") && !variables.contains($0) }).min() {
            throw SettingsError(
                key: unknown, place: "the environment", reason: "there is no such setting; Config/daybook.yaml lists them all")
        }
    }
}
