/// Why a request did not do what was asked.
public enum DaybookError: Error, Sendable, Equatable {
    /// Not the address of an HTTP server.
    case address(String)
    /// No answer came. When the request was `sent`, the server may have taken the events; the same idempotency key finds out.
    case unreachable(url: String, reason: String, sent: Bool, attempts: Int)
    /// The server answered, and not with success.
    case refused(Refusal)
    /// The server answered with something that is not Daybook's.
    case unreadable(url: String, reason: String)
    /// What was received could not be written where it was wanted.
    case unwritable(url: String, reason: String)
    /// The task was cancelled between two attempts.
    case cancelled(url: String)
    /// libcurl itself is not usable.
    case library(String)

    func counting(attempts: Int) -> DaybookError {
        guard case .unreachable(let url, let reason, let sent, _) = self else { return self }
        return .unreachable(url: url, reason: reason, sent: sent, attempts: attempts)
    }
}

/// A refusal with the facts of its problem document (RFC 9457), as far as there was one.
public struct Refusal: Sendable, Equatable {
    public var url: String
    public var status: Int
    /// The last part of the problem's type, the same for every occurrence.
    public var code: String?
    public var title: String
    public var detail: String?
    public var attempts: Int

    init(_ answer: HTTPResponse, attempts: Int) {
        url = answer.url
        status = answer.status
        let problem = JSONText(answer.body)
        code = problem?["type"]?.string.flatMap { $0.split(separator: "/").last.map(String.init) }
        title = problem?["title"]?.string ?? "HTTP status \(answer.status)"
        detail = problem?["detail"]?.string
        self.attempts = attempts
    }
}

extension DaybookError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .address(let address): "\"\(address)\" is not an address: it must begin with http:// or https://"
        case .unreachable(let url, let reason, _, let attempts): "no answer from \(url): \(reason)\(Self.count(attempts))"
        case .refused(let refusal):
            "\(refusal.url) answered \(refusal.status), \(refusal.title)\(refusal.detail.map { ": " + $0 } ?? "")\(Self.count(refusal.attempts))"
        case .unreadable(let url, let reason): "\(url): \(reason)"
        case .unwritable(let url, let reason): "what came from \(url) could not be written: \(reason)"
        case .cancelled(let url): "cancelled while waiting to try \(url) again"
        case .library(let reason): reason
        }
    }

    private static func count(_ attempts: Int) -> String { attempts > 1 ? " (\(attempts) attempts)" : "" }
}
