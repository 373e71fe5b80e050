/// The closed sets of words that some canonical fields may hold, in the order the documentation lists them.
public enum Vocabulary {
    public static let action = Choices([
        "create", "read", "update", "delete", "move", "enable", "disable", "export", "login", "logout", "impersonation_start",
        "impersonation_end", "session_revoke", "attempt_failed", "other",
    ])
    public static let outcome = Choices(["success", "failure", "denied", "unknown"])
    public static let severity = Choices(["informational", "low", "medium", "high", "critical", "fatal"])
    public static let actorType = Choices(["user", "admin", "support", "service", "api_key", "system", "anonymous"])
    public static let portal = Choices(["agent", "customer", "admin", "api", "other"])
    public static let failureClass = Choices([
        "dns", "connect", "tls", "timeout", "redirect", "client_4xx", "auth", "rate_limited", "server_5xx", "payload", "config",
        "disabled", "internal", "other",
    ])
    public static let retryState = Choices(["will_retry", "exhausted", "aborted", "endpoint_disabled", "recovered"])
}

/// One closed set of words, compared a machine word at a time because every event passes five of them.
public struct Choices: Sendable {
    public let words: [String]
    private let packed: [Packed]

    private struct Packed: Sendable, Equatable {
        var length: Int
        var head: UInt64
        var middle: UInt64
        var tail: UInt64

        /// `text`: 1 to 24 bytes.
        @inline(__always)
        init(_ text: UnsafeRawBufferPointer) {
            let base = text.baseAddress!
            length = text.count
            head = Hash64.loadTail(base, min(8, text.count))
            middle = text.count > 8 ? Hash64.loadTail(base + 8, min(8, text.count - 8)) : 0
            tail = text.count > 16 ? Hash64.loadTail(base + 16, text.count - 16) : 0
        }
    }

    /// `words`: at most 24 bytes each, so that three machine words tell them apart.
    init(_ words: [String]) {
        self.words = words
        packed = words.map { word in
            var word = word
            return word.withUTF8 { Packed(UnsafeRawBufferPointer($0)) }
        }
    }

    @inline(__always)
    func contains(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count > 0, text.count <= 24 else { return false }
        let asked = Packed(text)
        return packed.contains { $0 == asked }
    }

    public func contains(_ word: String) -> Bool { words.contains(word) }

    var listed: String { words.joined(separator: ", ") }
}
