import Glibc

/// Reports events to a Daybook server: the library that a webhook dispatcher, an authentication layer or any other
/// producer links.
///
/// ```swift
/// let daybook = try DaybookClient(url: "http://127.0.0.1:7320", key: key)
/// let receipt = try await daybook.report([#"{"kind":"access","action":"login","actor":{"id":"u7"}}"#], tenant: "acme")
/// ```
///
/// When ``report(_:tenant:pipeline:idempotencyKey:)`` returns, the accepted events are on the server's disk. Until then
/// the caller owns them: the client keeps no queue, because a queue in memory would turn "reported" into "perhaps".
/// Answers that mean "later" (429, 503, a lost connection) are tried again by the ``RetryPolicy``; the idempotency key
/// is made once for a batch, so an attempt whose answer got lost doubles nothing.
///
/// An actor around one connection: calls line up behind each other. libcurl blocks, so the actor runs on a queue of
/// its own and never holds up the threads that other Swift tasks share. A producer that wants several requests under
/// way at once makes several clients.
public actor DaybookClient {
    /// Where the server listens, without a path.
    public nonisolated let url: String

    nonisolated let executor = BlockingExecutor()
    private let key: String
    private let settings: Settings
    private let pause: @Sendable (Duration) async throws -> Void
    private let connection: HTTPConnection

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    public struct Settings: Sendable {
        /// For name lookup, TCP and TLS together.
        public var connectTimeout: Duration = .seconds(5)
        /// For one attempt, from its start to the last byte of the answer. A server under load answers a full batch
        /// in well under a second; half a minute is a server that has gone away.
        public var answerTimeout: Duration = .seconds(30)
        public var retries = RetryPolicy()

        public init() {}
    }

    /// `url`: such as `http://127.0.0.1:7320`. `key`: an API key of that server.
    public init(url: String, key: String, settings: Settings = Settings()) throws(DaybookError) {
        try self.init(url: url, key: key, settings: settings) { try await Task.sleep(for: $0) }
    }

    /// With the waiting between attempts given by the caller, so that tests need no time.
    init(url: String, key: String, settings: Settings, pause: @escaping @Sendable (Duration) async throws -> Void) throws(DaybookError) {
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else { throw .address(url) }
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.key = key
        self.settings = settings
        self.pause = pause
        connection = try HTTPConnection()
    }

    /// Reports `events`, each one JSON object in its producer's shape or the canonical one, as one batch.
    ///
    /// - Parameters:
    ///   - tenant: for events that name none.
    ///   - pipeline: the server's pipeline to read them with; without it the event's `kind` chooses.
    ///   - idempotencyKey: for a batch that outlives this process, such as one read from a file: the same key with the
    ///     same events stores nothing twice. Made at random when not given.
    /// - Returns: what became of each event. Rejected ones are not thrown: the others are stored.
    public func report(
        _ events: [String], tenant: String? = nil, pipeline: String? = nil, idempotencyKey: String? = nil
    ) async throws(DaybookError) -> Receipt {
        var body: [UInt8] = []
        for event in events {
            // Line ends inside a JSON string are always escaped, so the bare ones of indented text may go.
            body.append(contentsOf: event.utf8.lazy.map { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0 })
            body.append(UInt8(ascii: "\n"))
        }
        return try await report(
            body: body, type: "application/x-ndjson", tenant: tenant, pipeline: pipeline, idempotencyKey: idempotencyKey)
    }

    /// Reports a body as it is. `type`: `application/x-ndjson`, `application/json`, `application/cloudevents+json`,
    /// `application/cloudevents-batch+json` or, for pipelines that read lines of text, `text/plain`.
    public func report(
        body: [UInt8], type: String, tenant: String? = nil, pipeline: String? = nil, idempotencyKey: String? = nil
    ) async throws(DaybookError) -> Receipt {
        var request = HTTPRequest(path: "/v1/events", body: body)
        if let tenant { request.query.append(("tenant", tenant)) }
        if let pipeline { request.query.append(("pipeline", pipeline)) }
        request.headers = [("Content-Type", type), ("Idempotency-Key", idempotencyKey ?? Self.randomKey())]
        let answer = try await send(request)
        guard let receipt = Receipt(answer) else { throw .unreadable(url: answer.url, reason: "its answer is no receipt") }
        return receipt
    }

    /// One question, tried again as the policy says. Throws unless the answer's status is 2xx or the body is a receipt.
    package func send(_ request: HTTPRequest) async throws(DaybookError) -> HTTPResponse {
        var attempt = 1
        while true {
            let failure: DaybookError
            var retryAfter: Duration?
            do throws(DaybookError) {
                let answer = try connection.perform(request, base: url, key: key, settings: settings)
                if (200..<300).contains(answer.status) || Receipt(answer) != nil { return answer }
                retryAfter = answer.retryAfter
                failure = .refused(Refusal(answer, attempts: attempt))
            } catch {
                failure = error.counting(attempts: attempt)
            }
            guard failure.mayPass, attempt < settings.retries.attempts,
                let delay = settings.retries.delay(afterAttempt: attempt, retryAfter: retryAfter, spread: Double.random(in: 0...1))
            else { throw failure }
            do { try await pause(delay) } catch { throw .cancelled(url: url + request.path) }
            attempt += 1
        }
    }

    package func get(_ path: String, _ query: [(String, String)] = []) async throws(DaybookError) -> HTTPResponse {
        try await send(HTTPRequest(path: path, query: query))
    }

    /// Reads a stream of server-sent events until it ends, breaks, or `receive` returns false. One attempt: who reads
    /// a stream knows the last id it has seen and asks again from there.
    package func stream(
        _ path: String, _ query: [(String, String)], lastEventID: String?, receive: @escaping @Sendable (ServerSentEvent) -> Bool
    ) throws(DaybookError) {
        var request = HTTPRequest(path: path, query: query)
        request.headers = [("Accept", "text/event-stream")]
        if let lastEventID { request.headers.append(("Last-Event-ID", lastEventID)) }
        var parser = ServerSentEventParser()
        let answer = try connection.perform(request, base: url, key: key, settings: settings) { bytes in
            parser.feed(bytes, receive)
        }
        guard (200..<300).contains(answer.status) else { throw .refused(Refusal(answer, attempts: 1)) }
    }

    /// Writes the body of a successful answer to `descriptor` as it comes, without holding it in memory. One attempt: what was
    /// written stays, and who knows how much that is asks for the rest. `progress`: bytes written by each call.
    package func download(
        _ request: HTTPRequest, to descriptor: Int32, progress: @escaping @Sendable (Int) -> Void
    ) throws(DaybookError) {
        var failure: Int32?
        let answer = try connection.perform(request, base: url, key: key, settings: settings) { bytes in
            var done = 0
            while done < bytes.count {
                let count = write(descriptor, bytes.baseAddress! + done, bytes.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    failure = count < 0 ? errno : ENOSPC
                    return false
                }
                done += count
            }
            progress(done)
            return true
        }
        if let failure { throw .unwritable(url: answer.url, reason: String(cString: strerror(failure))) }
        guard (200..<300).contains(answer.status) else { throw .refused(Refusal(answer, attempts: 1)) }
    }

    private static func randomKey() -> String {
        String(UInt64.random(in: .min ... .max), radix: 16) + String(UInt64.random(in: .min ... .max), radix: 16)
    }
}
