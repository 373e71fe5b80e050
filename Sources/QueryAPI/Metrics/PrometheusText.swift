/// The text that Prometheus scrapes (exposition format 0.0.4).
struct PrometheusText {
    private(set) var bytes: [UInt8] = []

    enum Kind: String { case counter, gauge, histogram }

    mutating func family(_ name: String, _ kind: Kind, _ explanation: String) {
        bytes += "# HELP \(name) \(explanation)\n# TYPE \(name) \(kind.rawValue)\n".utf8
    }

    /// Label values must not hold quotes, backslashes or line ends; the ones written here are our own words.
    mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: some CustomStringConvertible) {
        bytes += name.utf8
        if !labels.isEmpty { bytes += "{\(labels.map { "\($0)=\"\($1)\"" }.joined(separator: ","))}".utf8 }
        bytes += " \(value)\n".utf8
    }

    /// A family with one sample.
    mutating func single(_ name: String, _ kind: Kind, _ explanation: String, _ value: some CustomStringConvertible) {
        family(name, kind, explanation)
        sample(name, [], value)
    }
}
