import EventModel

/// Events as producers write them, before any pipeline: four kinds, 200 tenants, 20,000 people, thirty days in
/// ascending order. Seeded, so that two runs, and two machines, compare the same work.
///
/// Times need no sorting: event *i* of *n* lies where its share of the month's weight is reached.
struct EventGenerator {
    static let days = 30
    /// 2026-11-21T00:00:00Z. Fixed, or the same seed would give other events tomorrow.
    static let end = Timestamp(day: "2026-11-21")!.milliseconds
    static let start = end - Int64(days) * 86_400_000

    private let population: SamplePopulation
    private let hourStarts: [Double]
    private let total: Int
    private var random: SeededRandom
    private var made = 0
    private var hour = 0
    private let tenantChoice = WeightedChoice.zipf(SamplePopulation.tenantCount, exponent: 1.05)
    private let actorChoice = WeightedChoice.zipf(SamplePopulation.actorCount, exponent: 1)
    private let hookChoice = WeightedChoice.zipf(SamplePopulation.hookCount, exponent: 1)
    private let resourceChoice = WeightedChoice.zipf(SampleVocabulary.resources.count, exponent: 0.9)
    private let topicChoice = WeightedChoice.zipf(SampleVocabulary.topics.count, exponent: 0.8)
    private let errorChoice = WeightedChoice.zipf(SampleVocabulary.webhookErrors.count, exponent: 0.8)
    private let sourceChoice = WeightedChoice([50, 20, 15, 8, 5, 2])
    private let outcomeChoice = WeightedChoice([91, 6, 1, 2])

    init(count: Int, seed: UInt64) {
        total = count
        random = SeededRandom(seed: seed)
        population = SamplePopulation(&random)
        var sum = 0.0
        hourStarts =
            [0]
            + (0..<Self.days * 24).map { hour in
                // Two days of seven are a weekend.
                sum += SampleVocabulary.hours[hour % 24] * ((hour / 24) % 7 == 2 || (hour / 24) % 7 == 3 ? 0.35 : 1)
                return sum
            }
    }

    /// Appends the next event and a newline; false when all are made.
    mutating func appendNext(to text: inout ByteWriter) -> Bool {
        guard made < total else { return false }
        let time = nextTime()
        made += 1
        text.append("{\"id\":\"" as StaticString)
        appendID(time, to: &text)
        text.append("\",\"time\":\"" as StaticString)
        text.append(Timestamp(milliseconds: time).description)
        switch random.below(100) {
        case 0..<45: appendActivity(to: &text)
        case 45..<80: appendAccess(to: &text)
        case 80..<94: appendWebhookFailure(to: &text)
        default: appendIntegrationFailure(to: &text)
        }
        text.append("\"}\n" as StaticString)
        return true
    }

    private mutating func nextTime() -> Int64 {
        let wanted = (Double(made) + random.share()) / Double(total) * hourStarts[hourStarts.count - 1]
        while hour < hourStarts.count - 2, hourStarts[hour + 1] <= wanted { hour += 1 }
        let within = (wanted - hourStarts[hour]) / (hourStarts[hour + 1] - hourStarts[hour])
        return Self.start + Int64(hour) * 3_600_000 + Int64(within * 3_600_000)
    }
}

// One function for each kind. Each begins behind the value of `time` and ends inside its last string.
extension EventGenerator {
    private mutating func appendActivity(to text: inout ByteWriter) {
        let actor = population.actors[actorChoice.draw(&random)]
        let resource = SampleVocabulary.resources[resourceChoice.draw(&random)]
        let action = random.pick(["create", "update", "update", "update", "delete"])
        let target = "\(resource.prefix)-\(1 + random.below(399_999))"
        appendHead("activity", tenant: population.tenants[actor.tenant].id, to: &text)
        text.append(",\"actor\":\(actor.json),\"action\":\"\(action)\",\"resource\":{\"type\":\"\(resource.type)\",\"id\":\"\(target)\"}")
        text.append(
            ",\"category\":\"\(resource.category)\",\"summary\":\"\(actor.name) \(action)d \(resource.type) \(target) about \(topic()) \(topic())\""
        )
        text.append(",\"changes\":[" as StaticString)
        if action == "update" {
            appendChange(to: &text)
            if random.below(5) == 0 {
                text.append(UInt8(ascii: ","))
                appendChange(to: &text)
            }
        }
        text.append("],\"ip\":\"\(random.pick(actor.addresses))\",\"user_agent\":\"\(random.pick(actor.userAgents))")
    }

    private mutating func appendChange(to text: inout ByteWriter) {
        let field = random.pick(SampleVocabulary.fields)
        text.append("{\"field\":\"\(field.name)\",\"before\":\(value(field)),\"after\":\(value(field))}")
    }

    private mutating func value(_ field: (name: String, values: [String])) -> String {
        switch field.name {
        case "assignee": "\"\(SamplePopulation.actorID(actorChoice.draw(&random)))\""
        case "title": "\"\(topic().capitalized) \(topic())\""
        default: random.pick(field.values)
        }
    }

    private mutating func appendAccess(to text: inout ByteWriter) {
        let actor = population.actors[actorChoice.draw(&random)]
        let tenant = population.tenants[actor.tenant]
        let draw = random.below(100)
        let action = draw < 62 ? "login" : draw < 98 ? "logout" : "impersonation"
        let outcome = action == "login" ? SampleVocabulary.loginOutcomes[outcomeChoice.draw(&random)] : "success"
        let portal = random.below(5) < 3 ? "agent" : "customer"
        let source = SampleVocabulary.loginSources[sourceChoice.draw(&random)]
        appendHead("access", tenant: tenant.id, to: &text)
        text.append(
            ",\"actor\":\(actor.json),\"action\":\"\(action)\",\"portal\":\"\(portal)\",\"brand\":\"\(tenant.name)-brand\(1 + random.below(3))\""
        )
        text.append(
            ",\"source\":\"\(source)\",\"outcome\":\"\(outcome)\",\"summary\":\"\(action) \(outcome) on \(portal) portal via \(source)\"")
        if action == "impersonation" {
            text.append(",\"impersonated\":\"\(SamplePopulation.actorID(random.below(SamplePopulation.actorCount)))\"")
        }
        text.append(",\"ip\":\"\(random.pick(actor.addresses))\",\"user_agent\":\"\(random.pick(actor.userAgents))")
    }

    private mutating func appendWebhookFailure(to text: inout ByteWriter) {
        let hook = population.hooks[hookChoice.draw(&random)]
        let error = SampleVocabulary.webhookErrors[errorChoice.draw(&random)]
        let event = random.pick(SampleVocabulary.webhookEvents)
        var attempt = 1
        while attempt < 8, random.below(100) < 55 { attempt += 1 }
        // Most answers are quick and a few very slow.
        let duration = 20 + random.below(1 << (4 + random.below(9)))
        appendHead("webhook_failure", tenant: population.tenants[hook.tenant].id, to: &text)
        text.append(
            ",\"webhook\":{\"id\":\"\(hook.id)\",\"name\":\"\(hook.name)\"},\"url\":\"\(hook.url)\",\"event\":\"\(event)\",\"attempt\":\(attempt)"
        )
        text.append(",\"status_code\":\(error.status),\"error\":\"\(error.message)\",\"duration_ms\":\(duration)")
        text.append(",\"summary\":\"\(hook.name) delivery of \(event) failed on attempt \(attempt): \(error.message)")
    }

    private mutating func appendIntegrationFailure(to text: inout ByteWriter) {
        let tenant = population.tenants[tenantChoice.draw(&random)]
        let integration = random.pick(SampleVocabulary.integrations)
        let failure = random.pick(SampleVocabulary.integrationFailures)
        let details = failure.details.replacing("#", with: String(2 + random.below(8998)))
        appendHead("integration_failure", tenant: tenant.id, to: &text)
        text.append(
            ",\"integration\":{\"name\":\"\(integration.name)\",\"type\":\"\(integration.type)\"},\"failure_type\":\"\(failure.type)\"")
        text.append(
            ",\"details\":\"\(details)\",\"object\":\"\(integration.name.uppercased())-\(1 + random.below(90_000))\",\"correlation_id\":\"")
        appendHexadecimal(random.next(), digits: 16, to: &text)
        text.append("\",\"summary\":\"\(integration.name) integration failed: \(failure.type)")
    }

    private func appendHead(_ kind: String, tenant: String, to text: inout ByteWriter) {
        text.append("\",\"kind\":\"\(kind)\",\"tenant\":\"\(tenant)\"")
    }

    private mutating func topic() -> String { SampleVocabulary.topics[topicChoice.draw(&random)] }

    /// A UUIDv7 such as a producer would make.
    private mutating func appendID(_ time: Int64, to text: inout ByteWriter) {
        let (high, low) = (random.next(), random.next())
        appendHexadecimal(UInt64(time) >> 16, digits: 8, to: &text)
        text.append(UInt8(ascii: "-"))
        appendHexadecimal(UInt64(time) & 0xFFFF, digits: 4, to: &text)
        text.append("-7" as StaticString)
        appendHexadecimal(high & 0xFFF, digits: 3, to: &text)
        text.append(UInt8(ascii: "-"))
        appendHexadecimal(0x8000 | high >> 12 & 0x3FFF, digits: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        appendHexadecimal(low & 0xFFFF_FFFF_FFFF, digits: 12, to: &text)
    }

    private func appendHexadecimal(_ value: UInt64, digits: Int, to text: inout ByteWriter) {
        for shift in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 0xF)
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
        }
    }
}
