import Foundation

/// Whose traces are to go: what a person is known by in one tenant's events.
package struct Person: Sendable, Equatable, Codable {
    package var ids: Set<String> = []
    /// Lower-cased.
    package var emails: Set<String> = []
    /// Nobody else in the tenant bears them, so they go wherever they stand. Lower-cased.
    package var names: Set<String> = []
    /// Others bear them too: they go only from events that hold the person's id or e-mail. Lower-cased.
    package var sharedNames: Set<String> = []

    /// `id`, `email`: what the request names; one of them at least.
    package init(id: String? = nil, email: String? = nil) {
        if let id { ids.insert(id) }
        if let email { emails.insert(email.lowercased()) }
    }
}

/// Learns by what else a person is known: an event that names the id next to an e-mail and a name tells both. One step and
/// no further: whoever shares a mailbox with the person is somebody else.
package struct PersonDiscovery {
    package private(set) var person: Person
    private let asked: Person
    private var found: [String: Set<Whom>] = [:]
    private let needles: [Needle]

    /// What tells two bearers of a name apart.
    private struct Whom: Hashable {
        var id: String
        var email: String
    }

    /// Bearers of one name that are kept; two are enough to call it shared.
    private static let largestBearers = 8

    package init(_ asked: Person) {
        self.asked = asked
        person = asked
        needles = (Array(asked.ids) + Array(asked.emails)).flatMap(Needle.variants).map(\.written)
    }

    /// The first round, over all lines: what stands beside the id or e-mail that was asked for.
    package mutating func learn(_ line: UnsafeRawBufferPointer) {
        guard needles.contains(where: { $0.occurs(in: line) }) else { return }
        for who in Self.people(in: line) where isAsked(who) {
            if let id = who["id"], asked.ids.isEmpty { person.ids.insert(id) }
            if let email = who["email"] { person.emails.insert(email.lowercased()) }
            if let name = who["name"], Self.isTelling(name) { person.names.insert(name.lowercased()) }
        }
    }

    /// The second round, over all lines: who else bears the names.
    package mutating func compare(_ line: UnsafeRawBufferPointer, _ names: [Needle]) {
        guard names.contains(where: { $0.occurs(in: line) }) else { return }
        for who in Self.people(in: line) {
            guard let name = who["name"]?.lowercased(), person.names.contains(name) else { continue }
            let whom = Whom(id: who["id"] ?? "", email: who["email"]?.lowercased() ?? "")
            if person.ids.contains(whom.id) || person.emails.contains(whom.email) { continue }
            // Nothing tells it from the person, or it was erased before.
            let known = [whom.id, whom.email].filter { !$0.isEmpty && $0 != PersonEraser.mark }
            if known.isEmpty { continue }
            if found[name, default: []].count < Self.largestBearers { found[name, default: []].insert(whom) }
        }
    }

    /// Needles for ``compare(_:_:)``.
    package var nameNeedles: [Needle] { person.names.flatMap(Needle.variants).map(\.written) }

    /// Ends the second round.
    package mutating func finish() -> Person {
        for name in found.keys where person.names.remove(name) != nil { person.sharedNames.insert(name) }
        return person
    }

    private func isAsked(_ who: [String: String]) -> Bool {
        asked.ids.contains(who["id"] ?? "") || asked.emails.contains((who["email"] ?? "").lowercased())
    }

    /// A first name alone is a word like others.
    private static func isTelling(_ name: String) -> Bool { name.utf8.count >= 5 && name.contains(" ") }

    /// The objects of a line that stand for somebody or something: their string values.
    private static func people(in line: UnsafeRawBufferPointer) -> [[String: String]] {
        guard let event = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] else { return [] }
        var objects = ["actor", "effective_user"].compactMap { event[$0] as? [String: Any] }
        // A ticket with the number 42 has a name too.
        let targets = (event["target"] as? [String: Any]).map { [$0] } ?? [] + (event["targets"] as? [[String: Any]] ?? [])
        objects += targets.filter { PersonEraser.personTypes.contains($0["type"] as? String ?? "") }
        return objects.map { $0.compactMapValues { $0 as? String } }
    }
}
