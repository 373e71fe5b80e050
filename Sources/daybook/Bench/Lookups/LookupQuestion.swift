import DaybookClient

/// One question of the query set, in as many variants as the loaded events give values for: a question repeated word
/// for word would measure a cache.
struct LookupQuestion {
    var name: String
    var path: String
    /// Parameters of each variant; at least one.
    var variants: [[(String, String)]]
    /// Follows the cursor to the last page, as an export does.
    var allPages = false

    var addresses: [String] {
        variants.map { query in
            path + "?" + query.map { HTTPRequest.encode($0.0) + "=" + HTTPRequest.encode($0.1) }.joined(separator: "&")
        }
    }
}

extension LookupQuestion {
    /// Values of one sort that are asked about.
    private static let variantCount = 40

    /// The seven questions, made from a look at `file`. Those whose values it does not hold are left out.
    static func set(for file: EventFile) -> [LookupQuestion] {
        let samples = (0..<2000).compactMap { JSONText(file.line(around: file.bytes.count / 2000 * $0)) }
        let tenants = mostFrequent(samples.compactMap { $0["tenant"]?.string })
        guard !tenants.isEmpty else { return [] }
        var questions: [LookupQuestion] = []
        func add(_ name: String, _ variants: [[(String, String)]], path: String = "/v1/events", allPages: Bool = false) {
            if !variants.isEmpty { questions.append(LookupQuestion(name: name, path: path, variants: variants, allPages: allPages)) }
        }
        add("newest 50 of a tenant", tenants.map { [("tenant", $0), ("limit", "50")] })
        if let from = day(samples.first), let to = day(samples.last) {
            add(
                "one actor over 30 days, newest 50",
                actors(samples, file).map { [("actor", $0), ("from", from), ("to", to), ("limit", "50")] })
        }
        add("common word, newest 50", commonWords(file).map { [("q", $0), ("limit", "50")] })
        add("rare word, newest 50", rareWords(samples).map { [("q", $0), ("limit", "50")] })
        add("phrase, newest 50", phrases(samples).map { [("q", "\"\($0)\""), ("limit", "50")] })
        add("count by kind and day", [[("by", "kind,day")]], path: "/v1/counts")
        let days = unique(samples.compactMap { day($0) })
        add(
            "export of one tenant-day",
            days.dropFirst(days.count / 2).prefix(5).map {
                [("tenant", tenants[0]), ("from", $0), ("to", $0), ("limit", "1000"), ("order", "asc")]
            }, allPages: true)
        return questions
    }

    private static func unique(_ values: [String]) -> [String] {
        var seen = Set<String>()
        return values.filter { !$0.isEmpty && seen.insert($0).inserted }
    }

    private static func mostFrequent(_ values: [String]) -> [String] {
        let counts = Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +)
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(variantCount).map(\.key)
    }

    /// People of middling activity: around rank 2000 of the generated ones; in other files those whom the samples hold once.
    private static func actors(_ samples: [JSONText], _ file: EventFile) -> [String] {
        let middling = (0..<variantCount * 2).map { SamplePopulation.actorID(1999 + $0 * 10) }.filter { file.contains("\"\($0)\"") }
        if !middling.isEmpty { return Array(middling.prefix(variantCount)) }
        let counts = Dictionary(samples.compactMap { $0["actor"]?["id"]?.string }.map { ($0, 1) }, uniquingKeysWith: +)
        return counts.filter { $0.value == 1 }.keys.sorted().prefix(variantCount).map(\.self)
    }

    private static func commonWords(_ file: EventFile) -> [String] {
        SampleVocabulary.topics.prefix(8).filter { file.contains($0) }
    }

    /// Tickets, users or other resources, each one out of 400,000.
    private static func rareWords(_ samples: [JSONText]) -> [String] {
        Array(unique(samples.compactMap { $0["resource"]?["id"]?.string }).prefix(variantCount))
    }

    /// The last three words of summaries.
    private static func phrases(_ samples: [JSONText]) -> [String] {
        let summaries = samples.lazy.filter { $0["kind"]?.string == "activity" }.compactMap { $0["summary"]?.string }
        return Array(unique(summaries.map { $0.split(separator: " ").suffix(3).joined(separator: " ") }).prefix(variantCount / 2))
    }

    private static func day(_ event: JSONText?) -> String? { (event?["time"]?.string).map { String($0.prefix(10)) } }
}
