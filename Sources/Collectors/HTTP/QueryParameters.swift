import Hummingbird

/// The query of a request, decoded; every name must be known, so that a misspelt filter is an error and not a wider
/// answer than was asked for; and every parameter must have a value, for the same reason.
public struct QueryParameters: Sendable {
    private var values: [(name: String, value: String)] = []

    /// `+` is a space in `spaced` parameters only (browsers write texts that way); elsewhere it is itself, as in
    /// `ana+test@example.com` and `+01:00`.
    public init(_ request: Request, known: Set<String>, spaced: Set<String> = []) throws(Problem) {
        try self.init(request.uri.query ?? "", known: known, spaced: spaced)
    }

    init(_ query: String, known: Set<String>, spaced: Set<String> = []) throws(Problem) {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decode(parts[0]), known.contains(name) else {
                throw .badParameter(
                    "there is no parameter \"\(parts[0].prefix(64))\"; there are: \(known.sorted().joined(separator: ", "))")
            }
            guard let value = PercentCoding.decode(parts.count == 2 ? parts[1] : "", plusIsSpace: spaced.contains(name)) else {
                throw .badParameter("the value of \"\(name)\" is not percent-encoded UTF-8")
            }
            guard !value.isEmpty else { throw .badParameter("\"\(name)\" has no value") }
            values.append((name, value))
        }
    }

    /// All values given; a parameter may stand more than once.
    public func all(_ name: String) -> [String] { values.filter { $0.name == name }.map(\.value) }

    /// The only value; `nil` when there is none.
    public func one(_ name: String) throws(Problem) -> String? {
        let found = all(name)
        guard found.count <= 1 else { throw .badParameter("\"\(name)\" stands more than once") }
        return found.first
    }

    public func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws(Problem) -> Int {
        guard let text = try one(name) else { return standard }
        guard let value = Int(text), range.contains(value) else {
            throw .badParameter("\"\(name)\" must be a number from \(range.lowerBound) to \(range.upperBound), not \"\(text.prefix(32))\"")
        }
        return value
    }
}
