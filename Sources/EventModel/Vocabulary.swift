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

/// One closed set of words. Every event passes five of them, so a word is three machine words, found by its first in one
/// step.
public struct Choices {
    public let words: [String]
    /// Open addressing over ``slotCount`` slots, in memory that is never freed: there are only the sets above.
    private let slots: UnsafePointer<Packed>
    private static let slotCount = 64

    private struct Packed: Equatable {
        /// 0: an empty slot.
        var length = 0
        var head: UInt64 = 0
        var middle: UInt64 = 0
        var tail: UInt64 = 0

        init() {}

        /// `text`: 1 to 24 bytes.
        @inline(__always)
        init(_ text: UnsafeRawBufferPointer) {
            let base = text.baseAddress!
            length = text.count
            head = Hash64.loadTail(base, min(8, text.count))
            middle = text.count > 8 ? Hash64.loadTail(base + 8, min(8, text.count - 8)) : 0
            tail = text.count > 16 ? Hash64.loadTail(base + 16, text.count - 16) : 0
        }

        @inline(__always)
        var firstSlot: Int { Int(truncatingIfNeeded: ((head ^ middle) &* 0x8ebc_6af0_9c88_c6e3) &>> 58) }
    }

    /// `words`: at most 24 bytes each, so that three machine words tell them apart.
    init(_ words: [String]) {
        self.words = words
        precondition(words.count < Self.slotCount / 2, "a set of more words needs more slots")
        let slots = UnsafeMutablePointer<Packed>.allocate(capacity: Self.slotCount)
        slots.initialize(repeating: Packed(), count: Self.slotCount)
        for word in words {
            var word = word
            let packed = word.withUTF8 { Packed(UnsafeRawBufferPointer($0)) }
            var slot = packed.firstSlot
            while slots[slot].length != 0 { slot = (slot + 1) & (Self.slotCount - 1) }
            slots[slot] = packed
        }
        self.slots = UnsafePointer(slots)
    }

    @inline(__always)
    func contains(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count > 0, text.count <= 24 else { return false }
        let asked = Packed(text)
        var slot = asked.firstSlot
        while slots[slot].length != 0 {
            if slots[slot] == asked { return true }
            slot = (slot &+ 1) & (Self.slotCount &- 1)
        }
        return false
    }

    public func contains(_ word: String) -> Bool { words.contains(word) }

    var listed: String { words.joined(separator: ", ") }
}

// `slots` is filled in `init` and only read afterwards.
extension Choices: @unchecked Sendable {}
