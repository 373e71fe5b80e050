import Archive
import ArgumentParser
import Foundation

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Say whether archives are what was sealed, offline, and if not, what was changed.",
        discussion: """
            PATH is an archive folder, the folder of a tenant or of a day, an events file in the folder of its day, an unzipped
            pack, or a proof. Nothing but these files and the public key is needed; indexes and catalogues are not believed. Take the key
            (keys/signing.pub of the data folder) from where it was published, not from beside the files that it shall prove.

            A whole history that was signed anew by someone who has the key, or cut off at its end, shows only against
            checkpoints kept elsewhere: --checkpoint takes them, and those in _hourly are used by themselves.

            Exit codes: 0 everything is as it was sealed; 1 something is not; 2 a file could not be read, or the command is
            wrong (64 where it cannot be parsed); 3 what is here is good, but a part could not be checked.

            Examples:
              daybook verify data/archive --key signing.pub
              daybook verify data/archive/tenant=acme --key signing.pub --checkpoint given-out-in-june
              daybook verify proof.tlog-proof --key daybook-5e1f8a90+7c41d0e2+AaXm…
            """)

    @Argument(help: ArgumentHelp("What to verify.", valueName: "path")) var paths: [String]
    @Option(help: ArgumentHelp("Public key, as text or a file that holds it; several where keys changed.", valueName: "pub"))
    var key: [String] = []
    @Option(help: ArgumentHelp("A checkpoint that is known from elsewhere; its history must be here.", valueName: "file"))
    var checkpoint: [String] = []
    @Flag(help: "PATH holds only some of the days of its tenants: missing first days are no finding.") var partial = false
    @Flag(help: "Events files may lie in object storage: days without theirs are not compared.") var withoutEvents = false
    @Flag(help: "One JSON object, for scripts.") var json = false

    func run() async throws {
        let start = ContinuousClock.now
        var bar = ProgressBar("Verifying", total: 0)
        var isSized = false
        let report: VerificationReport
        do {
            let keys = try self.keys()
            report = try ArchiveVerifier.verify(
                paths, ArchiveVerifier.Options(keys: keys, checkpoints: checkpoint, isPartial: partial, isWithoutEvents: withoutEvents)
            ) { done, total, tenant in
                if !isSized { bar = ProgressBar("Verifying", total: total) }
                isSized = true
                bar.update(done, note: TextWidth.harmless(tenant))
            }
        } catch {
            bar.finish()
            for line in String(describing: error).split(separator: "\n") { StandardError.line(TextWidth.harmless(String(line))) }
            throw ExitCode(2)
        }
        bar.finish()
        let seconds = Double((ContinuousClock.now - start) / .nanoseconds(1)) / 1e9
        if json {
            StandardOutput.line(VerifyReport.json(report, seconds: seconds))
        } else {
            for line in VerifyReport.lines(report, seconds: seconds) { StandardOutput.line(line) }
        }
        let code = Self.exitCode(report.result)
        if code != 0 { throw ExitCode(code) }
    }

    static func exitCode(_ result: VerificationReport.Result) -> Int32 {
        switch result {
        case .good: 0
        case .tampered: 1
        case .unreadable: 2
        case .incomplete: 3
        }
    }

    private func keys() throws -> [VerifierKey] {
        guard !key.isEmpty else {
            throw CommandFailure(
                "No public key is given.",
                advice: "--key takes the text NAME+HASH+BASE64 or a file with it, such as keys/signing.pub of the data folder.")
        }
        return try key.map { text in
            do {
                let isFile = FileManager.default.fileExists(atPath: text)
                return try VerifierKey(isFile ? String(contentsOfFile: text, encoding: .utf8) : text)
            } catch { throw CommandFailure("\(text) is no public key: \(error).") }
        }
    }
}
