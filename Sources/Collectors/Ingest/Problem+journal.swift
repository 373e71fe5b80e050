import Journal

extension Problem {
    /// What the journal's refusal means to who sent the events.
    init(_ error: JournalError) {
        switch error {
        case .queueFull(_, _, let seconds): self.init(429, "queue-full", error.description, retryAfterSeconds: seconds)
        case .diskFull(_, let seconds): self.init(503, "disk-full", error.description, retryAfterSeconds: seconds)
        case .tooManyTenants: self.init(422, "too-many-tenants", error.description)
        case .batchTooLarge: self.init(413, "body-too-large", error.description)
        case .syncFailed, .closed, .io, .corrupt, .tenantMismatch, .unsupportedVersion:
            self.init(503, "journal-failed", error.description, retryAfterSeconds: Self.failedRetrySeconds)
        }
    }

    /// A failed disk needs a person; asking more often helps nobody.
    private static let failedRetrySeconds = 30
}
