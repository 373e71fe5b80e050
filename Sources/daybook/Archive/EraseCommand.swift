import ArgumentParser
import DaybookClient
import Foundation

struct EraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Erase a person from all events of a tenant.",
        discussion: """
            Ids, e-mails and names that stand for the person are replaced by "[erased]" in every field of every event, in the store, the \
            archive and the dead letters; where the person acted, address, user agent and session too. Events stay in their place and all \
            others stay byte for byte. Signed records say which lines changed, so archives can be verified as before. A legal hold on a \
            day with traces refuses it all.

            Without --yes it only looks, and says what it would change.

            Examples:
              daybook erase --tenant acme --email ana@example.com --reason "request 4711"
              daybook erase --tenant acme --actor u000318 --email ana@example.com --reason "request 4711" --yes
            """)

    @OptionGroup var server: ServerOptions
    @Option(help: "The tenant.") var tenant: String
    @Option(help: "The person's id as an actor.") var actor: String?
    @Option(help: "The person's e-mail.") var email: String?
    @Option(help: "Why; kept in signed records, so it must not name the person.") var reason: String
    @Flag(help: "Erase. Without it nothing is changed.") var yes = false
    @Flag(help: "The server's answer as JSON.") var json = false

    func validate() throws {
        guard actor != nil || email != nil else { throw ValidationError("Give --actor, --email or both.") }
    }

    func run() async throws {
        let client = try server.lookupClient()
        try await server.explaining {
            let body = Decision.body([
                ("tenant", tenant), ("actor", actor), ("email", email), ("reason", reason), ("dry_run", yes ? "false" : "true"),
            ])
            var job = try await Decision.send(HTTPRequest(path: "/v1/erasures", body: body), client)
            guard let name = job["name"]?.string else { throw CommandFailure("The server's answer names no erasure.", advice: "") }
            var bar = ProgressBar(yes ? "Erasing" : "Looking", total: 0)
            var seconds = 0
            while job["state"]?.string == "running" {
                try await Task.sleep(for: .milliseconds(seconds < 2 ? 200 : 1000))
                seconds += 1
                bar.update(seconds, note: "looks")
                job = try await Decision.send(HTTPRequest(path: "/v1/erasures/\(name)"), client)
            }
            bar.finish()
            if json { Decision.print(job) } else { say(job) }
            if job["state"]?.string != "done" {
                throw CommandFailure(
                    "The erasure was not done.", advice: job["problem"]?.string ?? "The server's log says why.")
            }
        }
    }

    private func say(_ job: JSONText) {
        if job["state"]?.string == "done" { sayWhatWasFound(job) }
        for remark in job["remarks"]?.elements ?? [] { StandardOutput.line(remark.string ?? "") }
        guard job["state"]?.string == "done" else { return }
        if yes {
            StandardOutput.line("Erasure \(job["name"]?.string ?? ""). `daybook verify` shows it for every archived day it changed.")
        } else {
            StandardOutput.line("Nothing was changed. Add --yes to erase.")
        }
    }

    private func sayWhatWasFound(_ job: JSONText) {
        func number(_ name: String) -> String { Numbers.grouped(Int(job[name]?.shown ?? "") ?? 0) }
        let verb = yes ? "Erased the person from" : "The person is in"
        StandardOutput.line(
            "\(verb) \(number("events")) events of \(job["days"]?.elements?.count ?? 0) days and \(number("dead_letters")) dead letters "
                + "(known by \(number("known_by_ids")) ids, \(number("known_by_emails")) e-mails, \(number("known_by_names")) names).")
        if let holds = job["holds"]?.shown, holds != "0" {
            StandardOutput.line("\(yes ? "Erased" : "They are") in the texts of \(holds) released legal holds too.")
        }
        if job["names_of_others_too"]?.shown != "0" {
            StandardOutput.line(
                "Others bear \(number("names_of_others_too")) of these names too; those go from the person's own events only.")
        }
    }
}
