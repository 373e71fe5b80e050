import CCurl

/// One libcurl handle for posting checkpoints; its connection is kept alive from one to the next.
struct WebhookConnection: ~Copyable {
    private let handle: UnsafeMutableRawPointer?

    private static let started = ccurl_start()

    /// A receiver stores 300 bytes; one that takes longer than this does something else.
    private static let timeoutMilliseconds = 5000

    struct Refused: Error, CustomStringConvertible {
        var url: String
        var reason: String
        var description: String { "\(url): \(reason)" }
    }

    init() { handle = Self.started == CURLE_OK ? curl_easy_init() : nil }

    deinit { if let handle { curl_easy_cleanup(handle) } }

    /// Posts the note as it is; `X-Daybook-Tenant` and `X-Daybook-Checkpoint` tell what it is of. Any 2xx is success.
    func post(_ note: [UInt8], to url: String, tenant: String, name: String) throws(Refused) {
        guard let handle else { throw Refused(url: url, reason: "libcurl could not start") }
        curl_easy_reset(handle)
        _ = ccurl_set_text(handle, CURLOPT_URL, url)
        _ = ccurl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        _ = ccurl_set_text(handle, CURLOPT_USERAGENT, "daybook/1")
        _ = ccurl_set_number(handle, CURLOPT_NOSIGNAL, 1)
        _ = ccurl_set_number(handle, CURLOPT_TIMEOUT_MS, Self.timeoutMilliseconds)
        // A proxy from the environment cannot reach this machine's own loopback.
        if ["://127.", "://localhost", "://[::1]"].contains(where: url.contains) { _ = ccurl_set_text(handle, CURLOPT_PROXY, "") }
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        for line in ["Content-Type: text/plain; charset=utf-8", "X-Daybook-Tenant: \(tenant)", "X-Daybook-Checkpoint: \(name)", "Expect:"] {
            headers = curl_slist_append(headers, line)
        }
        _ = ccurl_set_headers(handle, headers)
        _ = ccurl_set_sink(handle, CURLOPT_WRITEFUNCTION) { _, size, count, _ in size * count }
        _ = ccurl_set_number(handle, CURLOPT_POST, 1)
        _ = ccurl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(note.count))
        let code = (note + [0]).withUnsafeBytes { bytes in
            _ = ccurl_set_pointer(handle, CURLOPT_POSTFIELDS, bytes.baseAddress)
            return curl_easy_perform(handle)
        }
        guard code == CURLE_OK else { throw Refused(url: url, reason: String(cString: curl_easy_strerror(code))) }
        let status = ccurl_status(handle)
        guard (200..<300).contains(status) else { throw Refused(url: url, reason: "it answered \(status)") }
    }
}
