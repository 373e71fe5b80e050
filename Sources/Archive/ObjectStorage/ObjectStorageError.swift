/// Why an object storage service did not do what it was asked, with what a reader needs to put it right.
package enum ObjectStorageError: Error, Sendable, Equatable {
    /// The service answered with a status other than success.
    case refused(Refusal)
    /// No whole answer: not connected, timed out, cut off. `code` is libcurl's.
    case unreachable(request: String, code: Int, reason: String)
    /// The answer is not what the protocol says.
    case unexpected(request: String, reason: String)
    /// What is stored under the key is not what was meant to be stored.
    case differs(key: String, reason: String)
    /// The local file is missing, unreadable, or not what it was when it was queued.
    case local(path: String, reason: String)
    /// The storage was told to stop.
    case stopped

    package struct Refusal: Sendable, Equatable {
        /// Method and key, such as `PUT tenant=acme/day=2026-11-20/_manifest.json`.
        package var request: String
        package var status: Int
        /// The service's own code, such as `SlowDown`; empty when the answer had no body.
        package var code: String
        package var message: String
        /// What the service's operators ask for when they are asked.
        package var requestID: String
        /// Of the answer's `Retry-After`; 0 without one.
        package var retryAfterSeconds = 0
    }

    /// Whether the same request may succeed in a moment. Every request here may be repeated.
    package var mayPass: Bool {
        switch self {
        case .unreachable: true
        case .refused(let refusal):
            [408, 425, 429, 500, 502, 503, 504].contains(refusal.status)
                || ["RequestTimeout", "SlowDown", "InternalError", "OperationAborted"].contains(refusal.code)
        case .unexpected, .differs, .local, .stopped: false
        }
    }

    package func isRefused(_ status: Int) -> Bool {
        if case .refused(let refusal) = self { refusal.status == status } else { false }
    }
}

extension ObjectStorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .unreachable(let request, _, let reason): "\(request): \(reason)"
        case .unexpected(let request, let reason): "\(request): the service's answer is not S3's: \(reason)"
        case .differs(let key, let reason): "\(key): \(reason)"
        case .local(let path, let reason): "\(path): \(reason)"
        case .stopped: "ended before it was done, because the server stops"
        }
    }
}

extension ObjectStorageError.Refusal: CustomStringConvertible {
    package var description: String {
        var text = "\(request): \(status)"
        if !code.isEmpty { text += " \(code)" }
        if !message.isEmpty, message != code { text += ": \(message)" }
        if !requestID.isEmpty { text += " (request \(requestID))" }
        return advice.map { "\(text). \($0)" } ?? text
    }

    private var advice: String? {
        switch code {
        case "SignatureDoesNotMatch":
            "The secret key does not belong to the access key, or a proxy on the way changes requests."
        case "InvalidAccessKeyId": "The service does not know this access key."
        case "ExpiredToken", "InvalidToken": "The temporary credentials are over; a session token must come with its keys."
        case "RequestTimeTooSkewed": "The clock of this machine is wrong by more than the service allows (15 minutes)."
        case "NoSuchBucket": "Set archive.objects.bucket to a bucket that exists; none is made."
        case "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException":
            "archive.objects.region or archive.objects.endpoint is not the bucket's."
        case "AccessDenied": "The key may not do this in this bucket."
        default:
            // An answer to HEAD has no body and so no code.
            status == 403 && code.isEmpty ? "The credentials are wrong or may not do this." : nil
        }
    }
}
