import DaybookClient

/// Events for people: one line each, the summary in what is left of the window.
struct EventTable {
    private var table: Table

    init(width: Int = Terminal.width, colours: Bool = Terminal.hasColours) {
        table = Table(
            [
                .init(title: "TIME", most: 19, whole: true, colour: { _ in .dim }),
                .init(title: "TENANT", least: 8, most: 14, from: 72),
                .init(title: "KIND", least: 15, most: 19, from: 80, colour: { _ in .accent }),
                .init(title: "ACTOR", least: 20, most: 26, from: 60),
                .init(title: "ACTION", least: 12, most: 22, from: 50),
                .init(title: "OUTCOME", most: 7, whole: true, from: 60, colour: Self.shade(outcome:)),
                .init(title: "SUMMARY", most: .max),
            ], width: width, colours: colours)
    }

    mutating func render(_ events: [JSONText]) -> [String] { table.render(events.map(Self.row)) }

    static func row(_ event: JSONText) -> [String] {
        let time = event["time"]?.string ?? ""
        return [
            String(time.prefix(19)).replacing("T", with: " "), text(event["tenant"]), text(event["kind"]), actor(event), action(event),
            text(event["outcome"]), summary(event),
        ]
    }

    private static func text(_ value: JSONText?) -> String { value?.shown ?? "" }

    /// The most telling name there is. Failures have no actor worth naming: what failed stands there instead.
    private static func actor(_ event: JSONText) -> String {
        for group in ["webhook", "integration"] {
            if let subject = event[group], let name = subject["name"] ?? subject["id"] { return name.shown }
        }
        guard let actor = event["actor"] else { return "" }
        return (actor["email"] ?? actor["name"] ?? actor["id"] ?? actor["type"])?.shown ?? ""
    }

    /// The type says more than the action where a producer gave one that is not just `kind.action`.
    private static func action(_ event: JSONText) -> String {
        let action = text(event["action"])
        let type = text(event["type"])
        return type.isEmpty || type == "\(text(event["kind"])).\(action)" ? action : type
    }

    private static func summary(_ event: JSONText) -> String {
        if let summary = event["summary"]?.string { return summary }
        let target = event["target"].flatMap { $0["name"] ?? $0["id"] }?.shown
        let failure = event["failure"].flatMap { $0["message"] ?? $0["class"] }?.shown
        return failure ?? target ?? text(event["reason"])
    }

    private static func shade(outcome: String) -> Table.Shade {
        switch outcome {
        case "success": .good
        case "failure": .bad
        case "denied": .warning
        default: .plain
        }
    }
}
