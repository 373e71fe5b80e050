/// Names and words that the generated events are made of.
enum SampleVocabulary {
    static let firstNames = words(
        "Ana Ben Chloe Dara Elif Femi Grace Hiro Ines Jonas Kira Liam Mei Nadia Omar Priya Quinn Rosa Sven Tara Umar Vera Wei Xena Yusuf Zoe"
    )
    static let lastNames = words(
        "Adams Baker Chen Diaz Evans Fischer Garcia Hughes Ito Jensen Khan Lopez Meyer Nguyen Okafor Patel Quist Rossi Smith Tanaka Usman Weber"
    )
    static let companies = words(
        "northwind acme globex initech umbra wayne hooli vehement cyberdyne tyrell aperture monarch gringotts duff wonka")
    /// The most frequent first.
    static let topics = words(
        "billing refund login outage renewal onboarding invoice export escalation priority password upgrade delivery warranty migration discount "
            + "mobile checkout report sandbox quota region contract feedback import training security network printer calendar")

    static let resources: [(type: String, prefix: String, category: String)] = [
        ("ticket", "TCK", "tickets"), ("user", "USR", "people"), ("article", "ART", "knowledge"), ("webhook", "WHK", "automation"),
        ("department", "DEP", "settings"), ("role", "ROL", "security"), ("macro", "MAC", "automation"), ("sla_policy", "SLA", "settings"),
        ("api_key", "KEY", "security"), ("trigger", "TRG", "automation"),
    ]

    /// Fields that an update may change, with the JSON values they take.
    static let fields: [(name: String, values: [String])] = [
        ("status", ["\"open\"", "\"pending\"", "\"solved\"", "\"closed\"", "\"on_hold\""]),
        ("priority", ["\"low\"", "\"normal\"", "\"high\"", "\"urgent\""]),
        ("enabled", ["true", "false"]),
        ("group", ["\"support\"", "\"sales\"", "\"ops\"", "\"billing\"", "\"tier2\""]),
        ("due_hours", ["4", "8", "24", "48", "72"]),
        ("language", ["\"en\"", "\"de\"", "\"fr\"", "\"es\"", "\"ja\""]),
        ("assignee", []), ("title", []),
    ]

    static let userAgents = [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/#.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/#.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/#.1 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:#.0) Gecko/20100101 Firefox/#.0", "curl/8.#.1", "python-requests/2.#.0", "okhttp/4.#.0",
        "HelpdeskMobile/5.# (iOS 18.1)",
    ]

    static let loginSources = ["form", "google", "saml", "microsoft", "magic_link", "api_token"]
    static let loginOutcomes = ["success", "bad_password", "locked", "mfa_failed"]

    static let webhookNames = ["CRM sync", "Data lake feed", "Ops pager", "Billing relay", "Search indexer", "Audit mirror"]
    static let webhookEvents = words(
        "ticket.created ticket.updated ticket.closed user.created comment.added article.published sla.breached")
    static let webhookErrors: [(status: Int, message: String)] = [
        (500, "Internal Server Error"), (502, "Bad Gateway"),
        (503, "Service Unavailable: upstream connect error or disconnect before headers"),
        (504, "Gateway Timeout"), (404, "Not Found"), (401, "Unauthorized: signature mismatch"),
        (429, "Too Many Requests: rate limit exceeded"),
        (0, "dial tcp: connection refused"), (0, "TLS handshake: certificate has expired"),
        (0, "context deadline exceeded while awaiting response headers"),
    ]

    static let integrations: [(name: String, type: String)] = [
        ("slack", "chat"), ("jira", "issue_tracker"), ("salesforce", "crm"), ("hubspot", "crm"), ("zoom", "meeting"),
        ("stripe", "payments"),
        ("shopify", "ecommerce"), ("google-calendar", "calendar"), ("github", "issue_tracker"), ("twilio", "telephony"),
    ]
    /// `#` stands for a number.
    static let integrationFailures: [(type: String, details: String)] = [
        ("auth_expired", "OAuth refresh token rejected: invalid_grant"),
        ("rate_limited", "provider answered 429, retry budget exhausted after # tries"),
        ("schema_mismatch", "field mapping failed: custom_field_# has no target"), ("timeout", "no response from provider within # ms"),
        ("permission", "scope missing for object #, reconnect required"),
    ]

    /// Share of a day's events by hour, UTC.
    static let hours: [Double] = [
        0.25, 0.2, 0.18, 0.18, 0.2, 0.3, 0.5, 0.9, 1.4, 1.8, 1.9, 1.8, 1.5, 1.7, 1.9, 1.8, 1.6, 1.3, 1.0, 0.8, 0.6, 0.5, 0.4, 0.3,
    ]

    private static func words(_ list: String) -> [String] { list.split(separator: " ").map(String.init) }
}
