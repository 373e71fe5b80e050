import CCurl
import Foundation

/// One libcurl handle and the connection it keeps alive. libcurl signs (Signature Version 4, since 7.75), we give it a
/// canonical address, sorted parameters and the hash of the body (``ObjectAddress``).
///
/// Not `Sendable` by nature and marked so all the same: ``ObjectConnections`` hands each one to a single thread at a
/// time, under a lock, and nobody else holds a reference.
final class ObjectConnection: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    /// libcurl's own global state, made once by whoever comes first.
    private static let started = ccurl_start()

    init() throws(ObjectStorageError) {
        guard Self.started == CURLE_OK, let handle = curl_easy_init() else {
            throw .unreachable(request: "libcurl", code: Int(CURLE_FAILED_INIT.rawValue), reason: "it could not start")
        }
        self.handle = handle
    }

    deinit { curl_easy_cleanup(handle) }

    /// Sends and waits for the whole answer, whatever its status. Blocks the calling thread.
    func perform(
        _ request: ObjectRequest, settings: ObjectStorageSettings, interruption: Interruption
    ) throws(ObjectStorageError) -> ObjectAnswer {
        // Forgets options and keeps the connection, so that nothing of one request leaks into the next.
        curl_easy_reset(handle)
        let exchange = ObjectExchange(request, interruption: interruption)
        setConnection(request, settings)
        setSignature(settings)
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        var lines = request.headers + [("x-amz-content-sha256", request.body.sha256.hex)]
        if let token = settings.credentials.sessionToken { lines.append(("x-amz-security-token", token)) }
        for (name, value) in lines { headers = curl_slist_append(headers, name + ": " + value) }
        // No empty `Expect:` here, which elsewhere turns the question for leave off: libcurl 7.88 signs it and does not send
        // it, and no service agrees with that signature. Asking also saves the body of a write that is refused.
        _ = ccurl_set_headers(handle, headers)
        setBody(request)

        var message = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        let code = message.withUnsafeMutableBufferPointer { message in
            _ = ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, message.baseAddress)
            defer { _ = ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, nil) }
            return exchange.run(on: handle)
        }
        let status = Int(ccurl_status(handle))
        if interruption.isStopped, code != CURLE_OK { throw .stopped }
        if exchange.isTooLarge {
            throw .unexpected(request: request.name, reason: "more than the \(request.largestAnswer) bytes that were asked for")
        }
        if let failure = exchange.localFailure { throw failure }
        guard code == CURLE_OK else {
            let detail = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw .unreachable(
                request: request.name, code: Int(code.rawValue), reason: detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
            )
        }
        return ObjectAnswer(status: status, headers: exchange.headers, body: exchange.body)
    }

    private func setConnection(_ request: ObjectRequest, _ settings: ObjectStorageSettings) {
        let url = ObjectAddress.url(settings, key: request.key, query: request.query)
        _ = ccurl_set_text(handle, CURLOPT_URL, url)
        // A key may hold `..`; it must not be folded away.
        _ = ccurl_set_number(handle, CURLOPT_PATH_AS_IS, 1)
        _ = ccurl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        _ = ccurl_set_number(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        _ = ccurl_set_text(handle, CURLOPT_USERAGENT, "daybook/1")
        // Timeouts by signal would hit whichever thread the process likes.
        _ = ccurl_set_number(handle, CURLOPT_NOSIGNAL, 1)
        _ = ccurl_set_number(handle, CURLOPT_TCP_KEEPALIVE, 1)
        _ = ccurl_set_number(handle, CURLOPT_CONNECTTIMEOUT_MS, settings.connectTimeout.wholeMilliseconds)
        _ = ccurl_set_number(handle, CURLOPT_LOW_SPEED_LIMIT, 1)
        _ = ccurl_set_number(handle, CURLOPT_LOW_SPEED_TIME, max(1, settings.stallTimeout.wholeMilliseconds / 1000))
        // A peer that drips a byte a second never stalls; 16 KiB a second is the least that we wait for.
        let expected = max(request.body.count, min(request.largestAnswer, 1 << 30))
        _ = ccurl_set_number(handle, CURLOPT_TIMEOUT_MS, 300_000 + expected / 16)
        if let authorities = settings.authorities { _ = ccurl_set_text(handle, CURLOPT_CAINFO, authorities) }
        if let range = request.range { _ = ccurl_set_text(handle, CURLOPT_RANGE, range) }
        // A proxy from the environment cannot reach this machine's own loopback.
        if ["://127.", "://localhost", "://[::1]"].contains(where: url.contains) { _ = ccurl_set_text(handle, CURLOPT_PROXY, "") }
    }

    private func setSignature(_ settings: ObjectStorageSettings) {
        _ = ccurl_set_text(handle, CURLOPT_AWS_SIGV4, "aws:amz:\(settings.region):s3")
        // Apart, because a colon would end the user's name in CURLOPT_USERPWD.
        _ = ccurl_set_text(handle, CURLOPT_USERNAME, settings.credentials.accessKey)
        _ = ccurl_set_text(handle, CURLOPT_PASSWORD, settings.credentials.secretKey)
    }

    private func setBody(_ request: ObjectRequest) {
        switch request.method {
        case .get: _ = ccurl_set_number(handle, CURLOPT_HTTPGET, 1)
        case .head: _ = ccurl_set_number(handle, CURLOPT_NOBODY, 1)
        case .delete: _ = ccurl_set_text(handle, CURLOPT_CUSTOMREQUEST, "DELETE")
        case .put:
            _ = ccurl_set_number(handle, CURLOPT_UPLOAD, 1)
            _ = ccurl_set_size(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(request.body.count))
        case .post:
            _ = ccurl_set_number(handle, CURLOPT_POST, 1)
            _ = ccurl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count))
        }
    }
}
