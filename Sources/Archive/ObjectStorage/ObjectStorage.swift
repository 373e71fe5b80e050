import Foundation
import Synchronization

/// A bucket of any service that speaks S3's protocol.
///
/// Every method blocks the calling thread until the service has answered, through retries: call them on threads that may
/// block, never on the cooperative pool. Several threads may call at once; each uses a connection of its own.
package final class ObjectStorage: Sendable {
    package let settings: ObjectStorageSettings
    package let interruption: Interruption
    private let backoff: Backoff
    private let connections = Mutex<[ObjectConnection]>([])
    private let counted = Mutex(ObjectStorageCounts())
    let support = Mutex(ServiceSupport())

    /// Connections kept open while nobody needs them.
    private static let idleConnections = 4

    package init(_ settings: ObjectStorageSettings, interruption: Interruption = Interruption(), backoff: Backoff = Backoff()) {
        self.settings = settings
        self.interruption = interruption
        self.backoff = backoff
    }

    package var counts: ObjectStorageCounts { counted.withLock { $0 } }

    /// What the service turned out to understand so far.
    package var serviceSupport: ServiceSupport {
        get { support.withLock { $0 } }
        set { support.withLock { $0 = newValue } }
    }

    /// The answer when its status is a success; otherwise, after retries where they may help, the refusal.
    func ask(_ request: ObjectRequest) throws(ObjectStorageError) -> ObjectAnswer {
        var attempt = 1
        while true {
            do throws(ObjectStorageError) {
                if interruption.isStopped { throw .stopped }
                let answer = try exchange(request)
                guard answer.isSuccess else { throw .refused(ObjectStorageError.Refusal(answer, to: request)) }
                return answer
            } catch {
                guard error.mayPass, attempt < settings.attempts else { throw error }
                counted.withLock { $0.retries += 1 }
                var pause = backoff.delay(afterAttempt: attempt, spread: Double.random(in: 0...1))
                if case .refused(let refusal) = error { pause = max(pause, .seconds(min(refusal.retryAfterSeconds, 60))) }
                interruption.wait(pause)
                attempt += 1
            }
        }
    }

    private func exchange(_ request: ObjectRequest) throws(ObjectStorageError) -> ObjectAnswer {
        let connection: ObjectConnection
        if let kept = connections.withLock({ $0.popLast() }) { connection = kept } else { connection = try ObjectConnection() }
        counted.withLock {
            $0.requests += 1
            $0.bytesSent += request.body.count
        }
        do throws(ObjectStorageError) {
            let answer = try connection.perform(request, settings: settings, interruption: interruption)
            connections.withLock { if $0.count < Self.idleConnections { $0.append(connection) } }
            counted.withLock { $0.bytesReceived += answer.body.count }
            return answer
        } catch {
            // The connection is not kept: what is left of a failed exchange must not meet the next request.
            counted.withLock { $0.failures += 1 }
            throw error
        }
    }

    func key(_ name: String) -> String { settings.prefix + name }
}

/// What was asked of a service since the start.
package struct ObjectStorageCounts: Sendable, Equatable {
    package var requests = 0
    /// Requests that got no whole answer.
    package var failures = 0
    package var retries = 0
    package var bytesSent = 0
    package var bytesReceived = 0
}

/// What not every service knows. Each is tried until the service answers 501 (Not Implemented), and then left out.
package struct ServiceSupport: Sendable, Equatable {
    /// `If-None-Match: *` and `If-Match` on writes. Without them a look comes before the write, and a race of two
    /// writers for one key is not noticed.
    package var conditions = true
    /// Quotes around the ETag in `If-Match` on writes. Ceph 16 compares them as part of the ETag there, though not on reads.
    package var quotes = true
    /// `If-Match` on writes at all: in a bucket that keeps versions Ceph 16 refuses the right ETag too. A look takes its place.
    package var matches = true
    /// `x-amz-checksum-sha256`. Without it the hash of each body is still part of the signature, which the service checks.
    package var checksums = true
}

/// Exponential backoff with jitter (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
package struct Backoff: Sendable, Equatable {
    package var first: Duration
    package var longest: Duration

    package init(first: Duration = .milliseconds(200), longest: Duration = .seconds(5)) {
        self.first = first
        self.longest = longest
    }

    /// `spread`: 0...1, drawn by the caller.
    package func delay(afterAttempt attempt: Int, spread: Double) -> Duration {
        let doubled = min(first * (1 << max(0, min(attempt - 1, 20))), longest)
        return doubled / 2 + doubled / 2 * spread
    }
}

extension ObjectStorageError.Refusal {
    init(_ answer: ObjectAnswer, to request: ObjectRequest) {
        let error = (try? ObjectXML(answer.body)).flatMap { $0.name == "Error" ? $0 : nil }
        self.init(
            request: request.name, status: answer.status, code: error?.text("Code") ?? "", message: error?.text("Message") ?? "",
            requestID: answer.headers["x-amz-request-id"] ?? error?.text("RequestId") ?? "",
            retryAfterSeconds: answer.headers["retry-after"].flatMap { Int($0) } ?? 0)
    }
}
