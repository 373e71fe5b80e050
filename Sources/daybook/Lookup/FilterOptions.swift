import ArgumentParser
import EventModel

/// Which events: shared by `search`, `tail` and `count`. An option given twice means either value.
struct FilterOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("Words, \"phrases\", field:value, -not; put -- before one that begins with a dash.", valueName: "text"))
    var text: [String] = []

    @Option(help: "Tenant.") var tenant: [String] = []
    @Option(help: "Kind, such as activity, access, webhook_failure, integration_failure.") var kind: [String] = []
    @Option(help: "Dotted type, such as contact.update.") var type: [String] = []
    @Option(help: "Action, such as login or delete.") var action: [String] = []
    @Option(help: "Who did it: id, e-mail or name.") var actor: [String] = []
    @Option(help: "What it was done to: id, e-mail or name.") var target: [String] = []
    @Option(help: "Category.") var category: [String] = []
    @Option(help: "Part of the product.") var area: [String] = []
    @Option(help: "success, failure, denied or unknown.") var outcome: [String] = []
    @Option(help: "Address the action came from.") var ip: [String] = []
    @Option(help: "Webhook: id or name.") var webhook: [String] = []
    @Option(help: "Integration: id or name.") var integration: [String] = []

    @Option(parsing: .unconditional, help: ArgumentHelp("From this time on: \(TimeArgument.accepted).", valueName: "time"))
    var from: TimeArgument?

    @Option(parsing: .unconditional, help: ArgumentHelp("Up to this time; a date includes its whole day.", valueName: "time"))
    var to: TimeArgument?

    func query(now: Timestamp = .now) -> [(String, String)] {
        let named: [(String, [String])] = [
            ("tenant", tenant), ("kind", kind), ("type", type), ("action", action), ("actor", actor), ("target", target),
            ("category", category), ("area", area), ("outcome", outcome), ("ip", ip), ("webhook", webhook), ("integration", integration),
        ]
        var query = named.flatMap { name, values in values.map { (name, $0) } }
        if let from { query.append(("from", from.text(now: now))) }
        if let to { query.append(("to", to.text(now: now))) }
        if !text.isEmpty { query.append(("q", Self.join(text))) }
        return query
    }

    /// The shell has taken the quotes off `"password reset"`, so an argument with a space in it was meant as a phrase;
    /// one that still holds quotes is a whole query already.
    static func join(_ arguments: [String]) -> String {
        if arguments.count == 1 { return arguments[0] }
        return arguments.map { $0.contains(" ") && !$0.contains("\"") ? "\"\($0)\"" : $0 }.joined(separator: " ")
    }
}
