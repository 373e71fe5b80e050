import CCurl

/// One libcurl handle and, through it, one connection that is kept alive from request to request. Options are set anew
/// for each request after `curl_easy_reset`, which forgets options but keeps connections, so that no option of one
/// request can leak into the next.
struct HTTPConnection: ~Copyable {
    private let handle: UnsafeMutableRawPointer

    /// libcurl's own global state, made once by whoever comes first.
    private static let started = ccurl_start()

    init() throws(DaybookError) {
        guard Self.started == CURLE_OK, let handle = curl_easy_init() else { throw .library("libcurl could not start") }
        self.handle = handle
    }

    deinit { curl_easy_cleanup(handle) }

    /// Where received bytes go. libcurl calls back on the thread that performs, so nothing here is shared.
    private final class Sink {
        let handle: UnsafeMutableRawPointer
        var body: [UInt8] = []
        var receive: ((UnsafeRawBufferPointer) -> Bool)?

        init(handle: UnsafeMutableRawPointer) { self.handle = handle }

        /// A stream's bytes go to its reader; the body of a refusal is kept, whoever asked.
        func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
            if let receive, (200..<300).contains(ccurl_status(handle)) { return receive(bytes) }
            body.append(contentsOf: bytes)
            return true
        }
    }

    /// Asks and waits for the whole answer, whatever its status. With `receive` the bytes of a successful answer are
    /// handed on as they come, without a time limit for the whole; `receive` returns false to end it.
    func perform(
        _ request: HTTPRequest, base: String, key: String, settings: DaybookClient.Settings,
        receive: ((UnsafeRawBufferPointer) -> Bool)? = nil
    ) throws(DaybookError) -> HTTPResponse {
        let url = request.address(base: base)
        let sink = Sink(handle: handle)
        let error: CURLcode = withoutActuallyEscaping(receive ?? { _ in true }) { callback in
            if receive != nil { sink.receive = callback }
            defer { sink.receive = nil }
            return exchange(request, url: url, key: key, settings: settings, sink: sink)
        }
        let endedByReader = receive != nil && error == CURLE_WRITE_ERROR
        guard error == CURLE_OK || endedByReader else {
            let reason = String(cString: curl_easy_strerror(error))
            let sent = error != CURLE_COULDNT_CONNECT && error != CURLE_COULDNT_RESOLVE_HOST
            throw .unreachable(url: url, reason: reason, sent: sent, attempts: 1)
        }
        let seconds = ccurl_retry_after(handle)
        return HTTPResponse(
            url: url, status: Int(ccurl_status(handle)), body: sink.body, retryAfter: seconds > 0 ? .seconds(Int64(seconds)) : nil)
    }

    private func exchange(_ request: HTTPRequest, url: String, key: String, settings: DaybookClient.Settings, sink: Sink) -> CURLcode {
        curl_easy_reset(handle)
        setConnection(url: url, settings: settings, streams: sink.receive != nil)
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        // Without the empty `Expect`, libcurl asks for leave before each larger body: a round trip for nothing.
        for (name, value) in [("Authorization", "Bearer " + key)] + request.headers {
            headers = curl_slist_append(headers, name + ": " + value)
        }
        headers = curl_slist_append(headers, "Expect:")
        _ = ccurl_set_headers(handle, headers)

        _ = ccurl_set_sink(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            let sink = Unmanaged<Sink>.fromOpaque(context!).takeUnretainedValue()
            return sink.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
        }
        return withExtendedLifetime(sink) {
            _ = ccurl_set_pointer(handle, CURLOPT_WRITEDATA, Unmanaged.passUnretained(sink).toOpaque())
            if let method = request.method { _ = ccurl_set_text(handle, CURLOPT_CUSTOMREQUEST, method) }
            guard let body = request.body else { return curl_easy_perform(handle) }
            _ = ccurl_set_number(handle, CURLOPT_POST, 1)
            _ = ccurl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            // With no pointer at all libcurl would read the body from standard input, hence the byte behind it.
            return (body + [0]).withUnsafeBytes { bytes in
                _ = ccurl_set_pointer(handle, CURLOPT_POSTFIELDS, bytes.baseAddress)
                return curl_easy_perform(handle)
            }
        }
    }

    private func setConnection(url: String, settings: DaybookClient.Settings, streams: Bool) {
        _ = ccurl_set_text(handle, CURLOPT_URL, url)
        _ = ccurl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        _ = ccurl_set_text(handle, CURLOPT_USERAGENT, "daybook-client/1")
        // Timeouts by signal would hit whichever thread the process likes.
        _ = ccurl_set_number(handle, CURLOPT_NOSIGNAL, 1)
        _ = ccurl_set_number(handle, CURLOPT_TCP_KEEPALIVE, 1)
        _ = ccurl_set_number(handle, CURLOPT_CONNECTTIMEOUT_MS, settings.connectTimeout.wholeMilliseconds)
        if streams {
            // A server sends a heartbeat four times a minute; a minute of silence is a connection that died unseen.
            _ = ccurl_set_number(handle, CURLOPT_LOW_SPEED_LIMIT, 1)
            _ = ccurl_set_number(handle, CURLOPT_LOW_SPEED_TIME, 60)
        } else {
            _ = ccurl_set_number(handle, CURLOPT_TIMEOUT_MS, settings.answerTimeout.wholeMilliseconds)
        }
        // A proxy from the environment cannot reach this machine's own loopback.
        if ["://127.", "://localhost", "://[::1]"].contains(where: url.contains) { _ = ccurl_set_text(handle, CURLOPT_PROXY, "") }
    }
}

extension Duration {
    var wholeMilliseconds: Int { Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000) }
}
