import DaybookClient

/// One question of the query set, about values that the loaded events really hold.
struct LookupQuestion {
    var name: String
    var path: String
    var query: [(String, String)]
    /// Follows the cursor to the last page, as an export does.
    var allPages = false

    var address: String { path + "?" + query.map { HTTPRequest.encode($0.0) + "=" + HTTPRequest.encode($0.1) }.joined(separator: "&") }
}

extension LookupQuestion {
    /// The seven questions, made from a look at `file`. Those whose values it does not hold are left out.
    static func set(for file: EventFile) -> [LookupQuestion] {
        let samples = (0..<2000).compactMap { JSONText(file.line(around: file.bytes.count / 2000 * $0)) }
        guard let tenant = mostFrequent(samples.compactMap { $0["tenant"]?.string }) else { return [] }
        let middle = samples.dropFirst(samples.count / 2)
        var questions = [
            LookupQuestion(name: "newest 50 of a tenant", path: "/v1/events", query: [("tenant", tenant), ("limit", "50")])
        ]
        if let actor = actor(samples, file), let from = day(samples.first), let to = day(samples.last) {
            questions.append(
                LookupQuestion(
                    name: "one actor over 30 days, newest 50", path: "/v1/events",
                    query: [("actor", actor), ("from", from), ("to", to), ("limit", "50")]))
        }
        questions.append(LookupQuestion(name: "common word, newest 50", path: "/v1/events", query: [("q", "billing"), ("limit", "50")]))
        if let word = rareWord(middle) {
            questions.append(LookupQuestion(name: "rare word, newest 50", path: "/v1/events", query: [("q", word), ("limit", "50")]))
        }
        if let phrase = phrase(middle) {
            questions.append(
                LookupQuestion(name: "phrase, newest 50", path: "/v1/events", query: [("q", "\"\(phrase)\""), ("limit", "50")]))
        }
        questions.append(LookupQuestion(name: "count by kind and day", path: "/v1/counts", query: [("by", "kind,day")]))
        if let day = day(middle.first) {
            questions.append(
                LookupQuestion(
                    name: "export of one tenant-day", path: "/v1/events",
                    query: [("tenant", tenant), ("from", day), ("to", day), ("limit", "1000"), ("order", "asc")], allPages: true))
        }
        return questions
    }

    private static func mostFrequent(_ values: [String]) -> String? {
        Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +).max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }

    /// Somebody of middling activity: rank 2000 of the generated ones; in other files somebody whom the samples hold once.
    private static func actor(_ samples: [JSONText], _ file: EventFile) -> String? {
        let middling = SamplePopulation.actorID(1999)
        if file.contains("\"\(middling)\"") { return middling }
        let counts = Dictionary(samples.compactMap { $0["actor"]?["id"]?.string }.map { ($0, 1) }, uniquingKeysWith: +)
        return counts.filter { $0.value == 1 }.keys.min()
    }

    private static func day(_ event: JSONText?) -> String? { (event?["time"]?.string).map { String($0.prefix(10)) } }

    /// One ticket, user or other resource out of 400,000.
    private static func rareWord(_ samples: ArraySlice<JSONText>) -> String? {
        samples.lazy.compactMap { $0["resource"]?["id"]?.string }.first { !$0.isEmpty }
    }

    /// The last three words of a summary.
    private static func phrase(_ samples: ArraySlice<JSONText>) -> String? {
        samples.lazy.compactMap { $0["kind"]?.string == "activity" ? $0["summary"]?.string : nil }
            .map { $0.split(separator: " ").suffix(3).joined(separator: " ") }.first { !$0.isEmpty }
    }
}
