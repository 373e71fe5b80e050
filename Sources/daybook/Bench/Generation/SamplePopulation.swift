/// Who and what the generated events are about.
struct SamplePopulation {
    static let tenantCount = 200
    static let actorCount = 20_000
    static let hookCount = 600

    struct Tenant {
        var id: String
        var name: String
        var domain: String
    }

    struct Actor {
        /// The whole `actor` object.
        var json: String
        var name: String
        var tenant: Int
        var addresses: [String]
        var userAgents: [String]
    }

    struct Hook {
        var id: String
        var name: String
        var url: String
        var tenant: Int
    }

    let tenants: [Tenant]
    let actors: [Actor]
    let hooks: [Hook]

    init(_ random: inout SeededRandom) {
        let companies = SampleVocabulary.companies
        let tenants = (0..<Self.tenantCount).map { index in
            let (company, branch) = (companies[index % companies.count], Self.digits(index / companies.count, 2))
            return Tenant(id: "t" + Self.digits(index + 1, 4), name: "\(company)-\(branch)", domain: "\(company)\(branch).example.com")
        }
        let tenantChoice = WeightedChoice.zipf(Self.tenantCount, exponent: 1.05)
        actors = (0..<Self.actorCount).map { index in
            let (first, last) = (random.pick(SampleVocabulary.firstNames), random.pick(SampleVocabulary.lastNames))
            let tenant = tenantChoice.draw(&random)
            let email = "\(first.lowercased()).\(last.lowercased())\(index)@\(tenants[tenant].domain)"
            return Actor(
                json: "{\"id\":\"\(Self.actorID(index))\",\"name\":\"\(first) \(last)\",\"email\":\"\(email)\"}", name: "\(first) \(last)",
                tenant: tenant, addresses: (0..<3).map { _ in Self.address(&random) },
                userAgents: (0..<2).map { _ in random.pick(SampleVocabulary.userAgents).replacing("#", with: String(9 + random.below(130)))
                })
        }
        hooks = (0..<Self.hookCount).map { index in
            let tenant = index % Self.tenantCount
            let name = random.pick(SampleVocabulary.webhookNames)
            let (id, path) = (String(random.next() >> 32 | 1 << 31, radix: 16), String(random.next() >> 24 | 1 << 39, radix: 16))
            return Hook(
                id: "wh_\(id)", name: name, url: "https://hooks\(1 + random.below(9)).\(tenants[tenant].domain)/v1/in/\(path)",
                tenant: tenant)
        }
        self.tenants = tenants
    }

    static func actorID(_ index: Int) -> String { "u" + digits(index + 1, 6) }

    private static func address(_ random: inout SeededRandom) -> String {
        "\(11 + random.below(213)).\(random.below(256)).\(random.below(256)).\(1 + random.below(254))"
    }

    private static func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
