import DaybookClient

/// Ends a command: what is wrong, and what to do next.
struct CommandFailure: Error, CustomStringConvertible {
    var problem: String
    var advice: String?

    init(_ problem: String, advice: String? = nil) {
        self.problem = problem
        self.advice = advice
    }

    init(_ error: DaybookError, options: ServerOptions) {
        problem = String(describing: error)
        switch error {
        case .unreachable(_, _, sent: false, _):
            advice = "Is the server running? `daybook serve --data \(options.folder)` starts one; --url or DAYBOOK_URL names another."
        case .unreachable: advice = "The server is there but does not answer; its log and /health/ready may say why."
        case .refused(let refusal) where refusal.status == 401:
            advice = "The key is not one of this server's. Its admin key is in the file admin.key of its data folder (--data DIR finds it)."
        case .refused(let refusal) where refusal.status == 403:
            advice = "The key is valid but may not do this; use one with a wider role or tenant."
        case .unreadable: advice = "Something else than Daybook may be listening there."
        default: advice = nil
        }
    }

    var description: String { advice.map { problem + "\n" + $0 } ?? problem }
}
