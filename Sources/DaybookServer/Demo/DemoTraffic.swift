import EventModel

/// Makes events in their producers' natural shape: people changing things, signing in, support impersonating a customer,
/// webhooks that fail, are tried again and recover, integrations that break.
struct DemoTraffic {
    private var random: SplitMix64
    /// Deliveries that failed and will be tried again.
    private var retries: [Retry] = []

    private struct Retry {
        var tenant: String
        var webhook: (id: String, name: String, url: String)
        var message: Int
        var attempt: Int
    }

    private static let attemptsMost = 5
    private static let openRetriesMost = 20

    init(seed: UInt64) { random = SplitMix64(state: seed) }

    /// Events of the next pause.
    mutating func burst() -> Int { Int.random(in: 1...6, using: &random) }

    /// One happening, sometimes of more than one event.
    mutating func events(at time: Timestamp) -> [String] {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<45: [change(time)]
        case 45..<76: [signIn(time)]
        case 76..<80: impersonation(time)
        case 80..<94: [delivery(time)]
        default: [integration(time)]
        }
    }

    private mutating func pick<Element>(_ list: [Element]) -> Element { list.randomElement(using: &random)! }

    private mutating func head(_ kind: String, _ tenant: String, _ time: Timestamp) -> String {
        let id = String(random.next(), radix: 36) + String(random.next(), radix: 36)
        return #""id":"\#(id)","time":"\#(time)","kind":"\#(kind)","tenant":"\#(tenant)""#
    }

    private mutating func person(_ tenant: String) -> (json: String, name: String, ip: String) {
        let number = Int.random(in: 0..<DemoNames.people.count, using: &random)
        let name = DemoNames.people[number]
        let email = name.lowercased().replacing(" ", with: ".") + "@\(tenant).example.com"
        let json = #"{"id":"u\#(100 + number)","name":"\#(name)","email":"\#(email)"}"#
        return (json, name, "198.51.100.\(number + 10)")
    }

    private mutating func change(_ time: Timestamp) -> String {
        let tenant = pick(DemoNames.tenants)
        let person = person(tenant)
        let thing = pick(DemoNames.things)
        let id = "\(thing.prefix)-\(Int.random(in: 1...900, using: &random))"
        let action = pick(["create", "update", "update", "update", "delete", "export"])
        var changes = ""
        if action == "update" {
            let field = pick(thing.fields)
            changes = #","changes":[{"field":"\#(field.name)","before":"\#(pick(field.values))","after":"\#(pick(field.values))"}]"#
        }
        return "{" + head("activity", tenant, time)
            + #","actor":\#(person.json),"action":"\#(action)","resource":{"type":"\#(thing.type)","id":"\#(id)"},"category":"\#(thing.category)""#
            + #","summary":"\#(person.name): \#(action) \#(thing.type) \#(id)"\#(changes),"ip":"\#(person.ip)","user_agent":"\#(pick(DemoNames.agents))"}"#
    }

    private mutating func signIn(_ time: Timestamp) -> String {
        let tenant = pick(DemoNames.tenants)
        let person = person(tenant)
        let action = pick(["login", "login", "login", "logout"])
        let outcome =
            action == "logout"
            ? "success" : pick(["success", "success", "success", "success", "success", "bad_password", "mfa_failed", "locked"])
        let portal = pick(["agent", "agent", "customer"])
        let source = pick(["form", "google", "saml", "microsoft"])
        return "{" + head("access", tenant, time)
            + #","actor":\#(person.json),"action":"\#(action)","portal":"\#(portal)","brand":"\#(tenant)-main","source":"\#(source)","outcome":"\#(outcome)""#
            + #","summary":"\#(person.name): \#(action) \#(outcome) on the \#(portal) portal via \#(source)","ip":"\#(person.ip)""#
            + #","user_agent":"\#(pick(DemoNames.agents))"}"#
    }

    /// Support acts as a customer's user: who it really was stays the actor.
    private mutating func impersonation(_ time: Timestamp) -> [String] {
        let tenant = pick(DemoNames.tenants)
        let support = #"{"type":"support","id":"s1","name":"Noor Haddad","email":"noor@support.example.com"}"#
        let person = person(tenant)
        func event(_ head: String, _ action: String, _ words: String) -> String {
            "{" + head
                + #","actor":\#(support),"effective_user":\#(person.json),"action":"\#(action)","portal":"admin","outcome":"success""#
                + #","summary":"Noor Haddad \#(words) acting as \#(person.name)","ip":"203.0.113.7"}"#
        }
        return [
            event(head("access", tenant, time), "impersonation_start", "began"),
            event(head("access", tenant, time), "impersonation_end", "stopped"),
        ]
    }

    /// A first failure, another failure of one that is being tried again, or its recovery.
    private mutating func delivery(_ time: Timestamp) -> String {
        let isRetry = !retries.isEmpty && (retries.count >= Self.openRetriesMost || Bool.random(using: &random))
        var retry: Retry
        if isRetry {
            retry = retries.removeFirst()
            retry.attempt += 1
        } else {
            let message = Int.random(in: 1000..<1_000_000, using: &random)
            retry = Retry(tenant: pick(DemoNames.tenants), webhook: pick(DemoNames.webhooks), message: message, attempt: 1)
        }
        let failure = pick(DemoNames.failures)
        let recovers = isRetry && Int.random(in: 0..<3, using: &random) == 0
        let isLast = retry.attempt >= Self.attemptsMost
        let state = recovers ? "recovered" : isLast ? "exhausted" : "will_retry"
        if !recovers, !isLast { retries.append(retry) }
        let words = recovers ? "was delivered at attempt \(retry.attempt)" : "failed at attempt \(retry.attempt): \(failure.text)"
        let outcome = recovers ? #","outcome":"success""# : ""
        return "{" + head("webhook_failure", retry.tenant, time)
            + #","webhook":{"id":"\#(retry.webhook.id)","name":"\#(retry.webhook.name)"},"url":"\#(retry.webhook.url)","event":"ticket.updated""#
            + #","attempt":\#(retry.attempt),"status_code":\#(failure.status),"error":"\#(failure.text)","duration_ms":\#(Int.random(in: 20...9000, using: &random))"#
            + #","message_id":"msg_\#(retry.message)","retry_state":"\#(state)"\#(outcome),"summary":"\#(retry.webhook.name) \#(words)"}"#
    }

    private mutating func integration(_ time: Timestamp) -> String {
        let tenant = pick(DemoNames.tenants)
        let integration = pick(DemoNames.integrations)
        let failure = pick(DemoNames.integrationFailures)
        return "{" + head("integration_failure", tenant, time)
            + #","integration":{"name":"\#(integration.name)","type":"\#(integration.type)"},"failure_type":"\#(failure.type)","details":"\#(failure.text)""#
            + #","correlation_id":"\#(String(random.next(), radix: 16))","summary":"\#(integration.name): \#(failure.text)"}"#
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators": enough for sample traffic.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
