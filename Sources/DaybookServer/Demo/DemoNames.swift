/// Who and what appears in the sample traffic. Addresses are of the ranges kept for documentation (RFC 5737, RFC 2606).
enum DemoNames {
    static let tenants = ["acme", "globex", "initech", "umbra"]
    static let people = [
        "Ana Diaz", "Ben Khan", "Chloe Weber", "Dara Novak", "Elif Demir", "Femi Okafor", "Grace Chen", "Hiro Tanaka", "Ines Silva",
        "Jonas Meyer",
        "Kira Petrov", "Liam Evans",
    ]
    static let agents = [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "HelpdeskMobile/5.12 (iOS 18.1)",
        "python-requests/2.32.0",
    ]

    struct Field {
        var name: String
        var values: [String]
    }

    struct Thing {
        var type: String
        var prefix: String
        var category: String
        var fields: [Field]
    }

    static let things = [
        Thing(
            type: "ticket", prefix: "TCK", category: "tickets",
            fields: [
                Field(name: "status", values: ["open", "pending", "solved"]), Field(name: "priority", values: ["low", "normal", "urgent"]),
                Field(name: "assignee", values: ["u100", "u104", "u109"]),
            ]),
        Thing(
            type: "user", prefix: "USR", category: "people",
            fields: [Field(name: "role", values: ["agent", "admin", "viewer"]), Field(name: "group", values: ["support", "billing"])]),
        Thing(
            type: "webhook", prefix: "WHK", category: "automation",
            fields: [
                Field(name: "enabled", values: ["true", "false"]),
                Field(name: "url", values: ["https://hooks.example.com/a", "https://hooks.example.com/b"]),
            ]),
        Thing(
            type: "article", prefix: "ART", category: "knowledge",
            fields: [
                Field(name: "title", values: ["Refunds", "Opening hours", "Reset your router"]),
                Field(name: "language", values: ["en", "de", "ja"]),
            ]),
    ]

    static let webhooks = [
        (id: "wh_31", name: "CRM sync", url: "https://hooks.example.com/crm"),
        (id: "wh_32", name: "Ops pager", url: "https://pager.example.net/in"),
        (id: "wh_33", name: "Data lake feed", url: "https://lake.example.org/v1/events"),
    ]

    static let failures = [
        (status: 500, text: "Internal Server Error"), (status: 503, text: "Service Unavailable"),
        (status: 401, text: "Unauthorized: signature mismatch"),
        (status: 429, text: "Too Many Requests: rate limit exceeded"), (status: 0, text: "dial tcp: connection refused"),
        (status: 0, text: "TLS handshake: certificate has expired"),
    ]

    static let integrations = [
        (name: "slack", type: "chat"), (name: "jira", type: "issue_tracker"), (name: "salesforce", type: "crm"),
        (name: "stripe", type: "payments"),
    ]

    static let integrationFailures = [
        (type: "auth_expired", text: "OAuth refresh was rejected: invalid_grant"),
        (type: "rate_limited", text: "the provider answered 429"),
        (type: "timeout", text: "no response from the provider within 30000 ms"),
        (type: "permission", text: "scope missing, reconnect required"),
    ]
}
